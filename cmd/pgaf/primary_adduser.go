package main

import (
	"context"

	"pgaf/keeper"
)

type adduserMonitorCmd struct {
	handOptions
	URI string `arg:"" name:"monitor-uri" help:"Connection string of the monitor."`
}

func (c *adduserMonitorCmd) Run(a *app) error {
	if err := checkMonitorURI(c.URI); err != nil {
		return err
	}
	return c.byHand(a, func(ctx context.Context, o keeper.HandOptions) error {
		return keeper.AddMonitorUser(ctx, o, c.URI)
	})
}

type adduserReplicaCmd struct{ handOptions }

func (c *adduserReplicaCmd) Run(a *app) error {
	return c.byHand(a, keeper.AddReplicaUser)
}
