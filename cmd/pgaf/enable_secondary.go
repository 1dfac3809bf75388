package main

import (
	"context"

	"pgaf/monitor"
)

// secondaryOptions are those of enable and disable secondary.
type secondaryOptions struct {
	nodeSelector
	Formation string `name:"formation" short:"f" placeholder:"NAME" help:"Formation to change."`
	dryRunOption
	AllowFailover bool `name:"allow-failover" short:"A" hidden:"" help:"Accepted for compatibility; has no effect."`
}

type enableSecondaryCmd struct{ secondaryOptions }

func (c *enableSecondaryCmd) Run(a *app) error {
	return c.change(a, "standby nodes are allowed in formation ", (*monitor.Client).EnableSecondary)
}

func (o *secondaryOptions) change(a *app, result string, call func(*monitor.Client, context.Context, string) error) error {
	if o.Formation == "" {
		return usageError("pass --formation NAME", "which formation? --formation is missing")
	}
	return o.ask(a, o.Formation, nil, func(ctx context.Context, client *monitor.Client, t target) error {
		if err := formationExists(ctx, client, o.Formation); err != nil {
			return err
		}
		if o.DryRun {
			return a.previewFormation(ctx, client, "would be: "+result+o.Formation, func() error { return call(client, ctx, o.Formation) })
		}
		err := call(client, ctx, o.Formation)
		if err == nil {
			a.log.Info(result + o.Formation)
		}
		return err
	})
}
