package main

import (
	"context"
	"fmt"

	"pgaf/monitor"
)

type monitorGetCandidateCountCmd struct{ groupQuestion }

func (c *monitorGetCandidateCountCmd) Run(a *app) error {
	return c.ofGroup(a, func(ctx context.Context, client *monitor.Client, formation string, group int) error {
		nodes, err := client.CurrentState(ctx, formation, &group)
		if err != nil {
			return err
		}
		count := candidates(nodes)
		if c.JSON {
			return a.printJSON(struct {
				Formation string `json:"formation"`
				GroupID   int    `json:"groupId"`
				Count     int    `json:"failoverCandidateCount"`
			}{formation, group, count})
		}
		_, err = fmt.Fprintln(a.stdout, count)
		return err
	})
}

// candidates counts the standbys that have caught up, are healthy, and may be promoted.
func candidates(nodes []monitor.Node) int {
	count := 0
	for _, n := range nodes {
		if n.Reported == monitor.StateSecondary && n.Converged() && n.CandidatePriority > 0 && n.Health == monitor.HealthGood {
			count++
		}
	}
	return count
}
