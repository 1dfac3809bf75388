package main

import "pgaf/keeper"

type disableMonitorCmd struct {
	pgdataOption
	Force bool `name:"force" short:"F" help:"Remove the node from the monitor; go on when that does not answer."`
}

func (c *disableMonitorCmd) Run(a *app) error {
	pgdata, err := c.require()
	if err != nil {
		return err
	}
	ctx, stop := a.interruptible()
	defer stop()
	defer a.waiting(waitText{what: "the monitor to let the node go", stop: "Ctrl-C stops waiting; repeat the command to go on", late: true}).end()
	return keeper.DisableMonitor(ctx, keeper.DisableMonitorOptions{PGDATA: pgdata, Force: c.Force, Logger: a.log})
}
