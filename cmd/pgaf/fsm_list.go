package main

import (
	"encoding/json"

	"pgaf/keeper"
	"pgaf/monitor"
)

type fsmListCmd struct {
	pgdataOption
	jsonOption
}

func (c *fsmListCmd) Run(a *app) error {
	if c.JSON {
		return json.NewEncoder(a.stdout).Encode(fsmEdges())
	}
	pgdata, err := c.require()
	if err != nil {
		return err
	}
	config, err := keeper.Load(pgdata)
	if err != nil {
		return err
	}
	paths, err := keeper.PathsOf(pgdata)
	if err != nil {
		return err
	}
	state, err := keeper.ReadState(paths.State)
	if err != nil {
		return err
	}
	return reachableTable(state.Current, config.NodeKind).write(a.stdout)
}

// reachableTable lists where a node of that kind can go from the given state.
func reachableTable(current monitor.State, nodeKind string) *table {
	t := &table{columns: []column{
		{title: "Current", min: 20},
		{title: "Reachable", min: 20},
		{title: "Comment", min: 10, left: true},
	}}
	listed := map[monitor.State]bool{}
	for _, row := range keeper.Transitions {
		if row.From != current && row.From != keeper.Any || !isFor(row.Kind, nodeKind) || listed[row.To] {
			continue
		}
		listed[row.To] = true
		t.add(string(current), string(row.To), row.Comment)
	}
	return t
}

// isFor reports whether a row of the state machine is about nodes of that kind.
func isFor(kind, nodeKind string) bool {
	return kind == keeper.KindAny || kind == nodeKind || kind == keeper.KindCitus && nodeKind != "standalone"
}
