package main

import (
	"context"

	"pgaf/monitor"
)

type dropFormationCmd struct {
	nodeSelector
	Formation string `name:"formation" short:"f" placeholder:"NAME" help:"Formation to remove; it must have no nodes."`
	dryRunOption
}

func (c *dropFormationCmd) Run(a *app) error {
	if c.Formation == "" {
		return usageError("pass --formation NAME", "which formation? --formation is missing")
	}
	return c.ask(a, c.Formation, nil, func(ctx context.Context, client *monitor.Client, t target) error {
		if c.DryRun {
			return a.previewFormation(ctx, client, "would be removed: formation "+c.Formation, func() error { return client.DropFormation(ctx, c.Formation) })
		}
		err := client.DropFormation(ctx, c.Formation)
		if err == nil {
			a.log.Info("removed formation " + c.Formation)
		}
		return err
	})
}
