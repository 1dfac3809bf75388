package main

import (
	"context"

	"pgaf/monitor"
)

type setNodeRegionCmd struct {
	nodeProperty
	Value string `arg:"" name:"region" help:"Name of the region, a label."`
}

func (c *setNodeRegionCmd) Run(a *app) error {
	if c.Value == "" {
		return usageError("pass a name", "the region of a node is not empty")
	}
	return c.find(a, func(ctx context.Context, client *monitor.Client, t target, node monitor.Node, _ []monitor.Node) error {
		if _, err := client.SetNodeRegion(ctx, t.formation, node.Name, c.Value); err != nil {
			return err
		}
		return c.printValue(a, "region", c.Value)
	})
}
