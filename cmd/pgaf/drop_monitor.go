package main

import "pgaf/keeper"

type dropMonitorCmd struct {
	pgdataOption
	Destroy bool `name:"destroy" short:"d" help:"Also remove its data folder and files."`
	dryRunOption
}

func (c *dropMonitorCmd) Run(a *app) error {
	pgdata, err := c.require()
	if err != nil {
		return err
	}
	if c.DryRun {
		return a.previewFiles(pgdata, keeper.RoleMonitor, c.Destroy)
	}
	ctx, stop := a.interruptible()
	defer stop()
	defer a.waiting(waitText{what: "the monitor to stop", stop: "Ctrl-C stops waiting", late: true}).end()
	return keeper.DropMonitor(ctx, keeper.DropMonitorOptions{
		PGDATA:  pgdata,
		Destroy: c.Destroy,
		Logger:  a.log,
	})
}
