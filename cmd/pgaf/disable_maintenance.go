package main

import (
	"context"
	"fmt"

	"pgaf/monitor"
)

type disableMaintenanceCmd struct {
	pgdataOption
	dryRunOption
}

func (c *disableMaintenanceCmd) Run(a *app) error {
	return maintenance(a, c.pgdataOption, func(ctx context.Context, w *waiter, node monitor.Node) error {
		w.what = fmt.Sprintf("node %s to be back in service", node.Name)
		w.request = func(ctx context.Context) error {
			_, err := w.client.StopMaintenance(ctx, node.ID, "")
			return err
		}
		w.done = func(nodes []monitor.Node) (bool, error) {
			n := nodeByID(nodes, node.ID)
			return n != nil && (n.Reported == monitor.StateSecondary || n.Reported == monitor.StatePrimary || n.Reported == monitor.StateSingle), nil
		}
		if c.DryRun {
			return a.preview(ctx, w.client, w.target, node.GroupID, false, w.request)
		}
		return w.run(ctx)
	})
}
