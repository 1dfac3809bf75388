package main

import (
	"context"
	"fmt"

	"pgaf/keeper"
	"pgaf/monitor"
)

type fsmCheckCmd struct {
	nodeSelector
	jsonOption
}

func (c *fsmCheckCmd) Run(a *app) error {
	return c.ask(a, "", nil, func(ctx context.Context, client *monitor.Client, _ target) error {
		mismatches, err := client.CheckFSMReachability(ctx, fsmEdges())
		if err != nil {
			return err
		}
		if c.JSON {
			err := a.printJSON(struct {
				OK         bool              `json:"ok"`
				Mismatches []monitor.FSMEdge `json:"mismatches"`
			}{len(mismatches) == 0, list(mismatches)})
			if err != nil {
				return err
			}
		}
		return reportMismatches(a, mismatches)
	})
}

// reportMismatches is an error when a keeper of this version could be told to become
// what it cannot.
func reportMismatches(a *app, mismatches []monitor.FSMEdge) error {
	if len(mismatches) == 0 {
		a.log.Info("OK: a node can reach every state that the monitor may assign")
		return nil
	}
	for _, m := range mismatches {
		a.log.Error(fmt.Sprintf("rule %d of the monitor (%s) takes a node from %s to %s, and no transition leads there", m.Pos, m.Comment, m.Current, m.Assigned))
	}
	return failure(exitInternal, "bring monitor and node to the same version",
		"the rules of the monitor and the state machine of this version do not fit together: %d mismatches", len(mismatches))
}

// fsmEdges are the edges that a keeper can walk, in the order of its table, for the
// monitor to compare with.
func fsmEdges() []monitor.FSMEdge {
	edges := []monitor.FSMEdge{}
	for _, t := range keeper.Transitions {
		edges = append(edges, monitor.FSMEdge{Current: t.From, Assigned: t.To})
	}
	return edges
}
