package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"pgaf/monitor"
)

type showStateCmd struct {
	nodeSelector
	formationOption
	groupOption
	Local bool `name:"local" short:"L" help:"Show what the local node knows; do not ask the monitor."`
	Watch bool `name:"watch" short:"W" help:"Show it live, as the command watch does."`
	jsonOption
}

func (c *showStateCmd) Run(a *app) error {
	if c.Watch {
		return watch(a, c.nodeSelector, c.Formation, c.Group, 0)
	}
	if c.Local || c.monitorDisabled() {
		return c.local(a)
	}
	return c.ask(a, c.Formation, c.Group, func(ctx context.Context, client *monitor.Client, t target) error {
		nodes, err := formationNodes(ctx, client, t.formation, c.Group)
		if err != nil {
			return err
		}
		if c.JSON {
			return a.printJSON(list(nodes))
		}
		if err := stateTable(nodes).write(a.stdout); err != nil {
			return err
		}
		return writePendingRestarts(a.stdout, nodes)
	})
}

// formationNodes reads the state of a formation; a formation that does not exist
// is an error that names those that do.
func formationNodes(ctx context.Context, client *monitor.Client, formation string, group *int) ([]monitor.Node, error) {
	nodes, err := client.CurrentState(ctx, formation, group)
	if err != nil {
		return nil, err
	}
	if len(nodes) == 0 {
		if err := formationExists(ctx, client, formation); err != nil {
			return nil, err
		}
	}
	return nodes, nil
}

// formationExists is the error for a formation that the monitor does not know.
func formationExists(ctx context.Context, client *monitor.Client, formation string) error {
	formations, err := client.Formations(ctx)
	if err != nil {
		return err
	}
	var names []string
	for _, f := range formations {
		names = append(names, f.ID)
	}
	if slices.Contains(names, formation) {
		return nil
	}
	return failure(exitMonitor, suggest(nearest(formation, names), "the formations are "+joinNames(names)),
		"the monitor has no formation %q", formation)
}

// stateTable is the listing of show state.
func stateTable(nodes []monitor.Node) *table {
	t := &table{columns: []column{
		{title: "Name", min: 4},
		{title: "Node", min: 5},
		{title: "Host:Port", min: 10},
		{title: "TLI: LSN", min: 9},
		{title: "Connection", min: 12},
		{title: "Reported State", min: stateWidth},
		{title: "Assigned State", min: stateWidth},
	}}
	for _, n := range nodes {
		t.add(
			n.Name,
			nodeLabel(n.FormationKind == "citus", n.GroupID, n.ID),
			hostPort(n.Host, n.Port),
			tliLSN(n.TLI, n.LSN),
			n.Reported.Connection()+healthMark(n.Health),
			reportedState(n),
			string(n.Assigned),
		)
	}
	return t
}

// reportedState is what the node is, and what takes it long just now.
func reportedState(n monitor.Node) string {
	if n.Activity != "" {
		return fmt.Sprintf("%s (%s)", n.Reported, n.Activity)
	}
	return string(n.Reported)
}

// writePendingRestarts says below the table which nodes run with settings that only a restart changes.
func writePendingRestarts(w io.Writer, nodes []monitor.Node) error {
	wrote := false
	for _, n := range nodes {
		if len(n.PendingRestart) == 0 {
			continue
		}
		wrote = true
		if _, err := fmt.Fprintf(w, "%s: restart pending: %s\n", n.Name, strings.Join(n.PendingRestart, ", ")); err != nil {
			return err
		}
	}
	if !wrote {
		return nil
	}
	_, err := fmt.Fprintln(w)
	return err
}

func tliLSN(tli int, lsn fmt.Stringer) string { return fmt.Sprintf("%3d: %s", tli, lsn) }

// healthMark follows the kind of connection: nothing when the last health check
// was good, an exclamation mark when it was bad, a question mark before the first.
func healthMark(health monitor.Health) string {
	switch health {
	case monitor.HealthBad:
		return " !"
	case monitor.HealthGood:
		return ""
	}
	return " ?"
}
