package main

import (
	"context"
	"fmt"

	"pgaf/keeper"
)

type adoptCmd struct {
	pgdataOption
	DryRun bool `name:"dry-run" help:"Look at everything, print what would be done, and change nothing."`
	Undo   bool `name:"undo" help:"Give a data node that was taken over back to pg_autoctl; its service is stopped."`
	RunIt  bool `name:"run" short:"x" help:"Stay in the foreground as the service once the node is taken over."`
}

func (c *adoptCmd) Run(a *app) error {
	pgdata, err := c.require()
	if err != nil {
		return err
	}
	for _, other := range []struct {
		given  bool
		option string
	}{{c.DryRun, "--dry-run"}, {c.Undo, "--undo"}} {
		if other.given && c.RunIt {
			return usageError("leave out one of them", "%s and --run exclude each other", other.option)
		}
	}
	if err := c.adopt(a, pgdata); err != nil || !c.RunIt {
		return err
	}
	return keeper.Run(context.Background(), keeper.RunOptions{PGDATA: pgdata, Version: version, Options: a.logOptions, Logger: a.log})
}

func (c *adoptCmd) adopt(a *app, pgdata string) error {
	ctx, stop := a.interruptible()
	defer stop()
	adopt := keeper.Adopt
	if c.Undo {
		adopt = keeper.Unadopt
	}
	steps, err := adopt(ctx, keeper.AdoptOptions{PGDATA: pgdata, DryRun: c.DryRun, Version: version, Logger: a.log})
	if err != nil {
		return err
	}
	switch {
	case c.DryRun:
		for _, step := range steps {
			fmt.Fprintln(a.stdout, step)
		}
	case c.Undo:
		a.log.Info("given back; nobody looks after it before pg_autoctl is started", "command", "pg_autoctl run --pgdata "+pgdata)
	case len(steps) > 0 && !c.RunIt:
		a.log.Info("taken over; nobody looks after it before its service is started", "command", a.name+" run --pgdata "+pgdata)
	}
	return nil
}
