package main

import (
	"context"

	"pgaf/monitor"
)

type setNodeReplicationQuorumCmd struct {
	changedProperty
	Value boolean `arg:"" name:"boolean" help:"true or false."`
}

func (c *setNodeReplicationQuorumCmd) Run(a *app) error {
	return c.set(a, "replication-quorum", bool(c.Value), func(ctx context.Context, client *monitor.Client, formation, name string) error {
		_, err := client.SetNodeReplicationQuorum(ctx, formation, name, bool(c.Value))
		return err
	})
}
