package main

import (
	"context"

	"pgaf/monitor"
)

type dropFormationCmd struct {
	nodeSelector
	Formation string `name:"formation" short:"f" placeholder:"NAME" help:"Formation to remove; it must have no nodes."`
}

func (c *dropFormationCmd) Run(a *app) error {
	if c.Formation == "" {
		return usageError("pass --formation NAME", "which formation? --formation is missing")
	}
	return c.ask(a, c.Formation, nil, func(ctx context.Context, client *monitor.Client, t target) error {
		err := client.DropFormation(ctx, c.Formation)
		if err == nil {
			a.log.Info("removed formation " + c.Formation)
		}
		return err
	})
}
