package main

import "pgaf/keeper"

type enableMonitorCmd struct {
	pgdataOption
	URI string `arg:"" name:"uri" help:"Connection string of the monitor."`
}

func (c *enableMonitorCmd) Run(a *app) error {
	pgdata, err := c.require()
	if err != nil {
		return err
	}
	if err := checkMonitorURI(c.URI); err != nil {
		return err
	}
	ctx, stop := a.interruptible()
	defer stop()
	defer a.waiting(waitText{what: "the monitor, and the primary of the group, to take the node", stop: "Ctrl-C stops waiting; repeat the command to go on", late: true}).end()
	return keeper.EnableMonitor(ctx, keeper.EnableMonitorOptions{PGDATA: pgdata, URI: c.URI, Logger: a.log})
}
