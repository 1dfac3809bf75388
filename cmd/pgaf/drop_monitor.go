package main

import "pgaf/keeper"

type dropMonitorCmd struct {
	pgdataOption
	Destroy bool `name:"destroy" short:"d" help:"Also remove its data folder and files."`
}

func (c *dropMonitorCmd) Run(a *app) error {
	pgdata, err := c.require()
	if err != nil {
		return err
	}
	ctx, stop := a.interruptible()
	defer stop()
	return keeper.DropMonitor(ctx, keeper.DropMonitorOptions{
		PGDATA:  pgdata,
		Destroy: c.Destroy,
		Logger:  a.log,
	})
}
