package main

import (
	"context"

	"pgaf/keeper"
	"pgaf/monitor"
)

type activateCmd struct{ pgdataOption }

func (c *activateCmd) Run(a *app) error { return c.changeCitus(a) }

// changeCitus goes as far as the change of the metadata on the coordinator: this
// version leaves that to its operator.
func (o pgdataOption) changeCitus(a *app) error {
	pgdata, err := o.require()
	if err != nil {
		return err
	}
	config, err := keeper.Load(pgdata)
	if err != nil {
		return err
	}
	if err := refuseWithoutCitus(config); err != nil {
		return err
	}
	return nodeSelector{PGData: pgdata}.ask(a, "", nil, func(ctx context.Context, client *monitor.Client, t target) error {
		host, port, found, err := client.Coordinator(ctx, t.formation)
		switch {
		case err != nil:
			return err
		case !found:
			return failure(exitMonitor, "create it, or wait until it is the primary of its group", "%s has no coordinator ready yet", t.formation)
		}
		return failure(keeper.ExitCoordinator,
			"change pg_dist_node there by hand, with citus_add_node, citus_activate_node, citus_update_node or citus_remove_node",
			"this version of %s does not change the metadata of Citus, which is on %s", a.name, hostPort(host, port))
	})
}

// refuseWithoutCitus refuses what only a node of a Citus formation can do.
func refuseWithoutCitus(config *keeper.Config) error {
	kind := "a node of kind postgres"
	switch {
	case config.IsMonitor():
		kind = "a monitor"
	case config.NodeKind != "standalone":
		return nil
	}
	return usageError("name a coordinator or a worker with --pgdata", "%s is %s; only a coordinator or a worker is part of a Citus cluster", config.PGDATA, kind)
}
