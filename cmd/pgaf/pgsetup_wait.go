package main

import "pgaf/keeper"

type pgsetupWaitCmd struct {
	pgsetupOptions
	ReadWrite bool    `name:"read-write" short:"W" help:"Wait until it accepts writes."`
	Timeout   seconds `name:"timeout" short:"T" default:"30" placeholder:"SECONDS" help:"How long to wait (default 30)."`
}

func (c *pgsetupWaitCmd) Run(a *app) error {
	options, err := c.options(a)
	if err != nil {
		return err
	}
	ctx, stop := a.interruptible()
	defer stop()
	if err := keeper.WaitPostgres(ctx, options, c.ReadWrite, c.Timeout.duration(), a.log); err != nil {
		return err
	}
	a.log.Info("Postgres is ready", "pgdata", options.PGDATA)
	return nil
}
