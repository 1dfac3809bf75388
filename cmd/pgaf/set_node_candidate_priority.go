package main

import (
	"context"

	"pgaf/monitor"
)

type setNodeCandidatePriorityCmd struct {
	changedProperty
	Value priority `arg:"" name:"priority" help:"0 to 100; 0 is never promoted."`
}

func (c *setNodeCandidatePriorityCmd) Run(a *app) error {
	return c.set(a, "candidate-priority", int(c.Value), func(ctx context.Context, client *monitor.Client, formation, name string) error {
		_, err := client.SetNodeCandidatePriority(ctx, formation, name, int(c.Value))
		return err
	})
}
