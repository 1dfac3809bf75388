package main

import (
	"context"
	"fmt"

	"pgaf/keeper"
)

type adoptCmd struct {
	pgdataOption
	DryRun bool `name:"dry-run" help:"Look at everything, print what would be done, and change nothing."`
	RunIt  bool `name:"run" short:"x" help:"Stay in the foreground as the service once the node is taken over."`
}

func (c *adoptCmd) Run(a *app) error {
	pgdata, err := c.require()
	if err != nil {
		return err
	}
	if c.DryRun && c.RunIt {
		return usageError("leave out one of them", "--dry-run and --run exclude each other")
	}
	if err := c.adopt(a, pgdata); err != nil || !c.RunIt {
		return err
	}
	return keeper.Run(context.Background(), keeper.RunOptions{PGDATA: pgdata, Version: version, Options: a.logOptions, Logger: a.log})
}

func (c *adoptCmd) adopt(a *app, pgdata string) error {
	ctx, stop := a.interruptible()
	defer stop()
	steps, err := keeper.Adopt(ctx, keeper.AdoptOptions{PGDATA: pgdata, DryRun: c.DryRun, Version: version, Logger: a.log})
	if err != nil {
		return err
	}
	switch {
	case c.DryRun:
		for _, step := range steps {
			fmt.Fprintln(a.stdout, step)
		}
	case len(steps) > 0 && !c.RunIt:
		a.log.Info("taken over; nobody looks after it before its service is started", "command", a.name+" run --pgdata "+pgdata)
	}
	return nil
}
