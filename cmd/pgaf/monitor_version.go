package main

import (
	"context"
	"fmt"

	"pgaf/keeper"
	"pgaf/monitor"
)

type monitorVersionCmd struct{ nodeSelector }

func (c *monitorVersionCmd) Run(a *app) error {
	t, err := c.resolve(a, "", nil)
	if err != nil {
		return err
	}
	ctx, stop := a.interruptible()
	defer stop()
	installed, err := installedVersion(ctx, t)
	if err != nil {
		return err
	}
	if installed != monitor.RequiredVersion() && t.config != nil && t.config.IsMonitor() {
		if err := keeper.UpdateMonitor(ctx, c.PGData, a.log); err != nil {
			return err
		}
		if installed, err = installedVersion(ctx, t); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintln(a.stdout, installed)
	return err
}

// installedVersion asks a monitor of whatever version.
func installedVersion(ctx context.Context, t target) (string, error) {
	client, err := monitor.Connect(ctx, t.uri, monitor.WithApplicationName("pgaf"))
	if err != nil {
		return "", onMonitor(err)
	}
	defer client.Close(context.WithoutCancel(ctx))
	installed, err := client.Version(ctx)
	return installed, onMonitor(err)
}
