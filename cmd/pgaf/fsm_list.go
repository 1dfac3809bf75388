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
		return fsmEdges(a)
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

// fsmEdges prints every edge that a keeper can walk, in the order of its table:
// one compact array, for the monitor to compare with.
func fsmEdges(a *app) error {
	type edge struct {
		Current  monitor.State `json:"current"`
		Assigned monitor.State `json:"assigned"`
	}
	edges := []edge{}
	for _, t := range keeper.Transitions {
		edges = append(edges, edge{t.From, t.To})
	}
	return json.NewEncoder(a.stdout).Encode(edges)
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
