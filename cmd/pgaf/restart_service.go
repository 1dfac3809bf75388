package main

import (
	"fmt"

	"pgaf/keeper"
)

type restartListenerCmd struct{ pgdataOption }

func (c *restartListenerCmd) Run(a *app) error { return c.restartService(a, serviceListener) }

type restartNodeActiveCmd struct{ pgdataOption }

func (c *restartNodeActiveCmd) Run(a *app) error { return c.restartService(a, serviceNodeActive) }

// restartService makes the process that runs a service replace itself, in place: its
// process id stays.
func (o pgdataOption) restartService(a *app, service string) error {
	pgdata, err := o.require()
	if err != nil {
		return err
	}
	if _, err := runningService(a, pgdata, service); err != nil {
		return err
	}
	ctx, stop := a.interruptible()
	defer stop()
	taken, err := keeper.Replace(ctx, pgdata)
	if err != nil {
		return err
	}
	a.log.Info("the service is replaced in place, and keeps its process id", "version", taken)
	running, err := runningService(a, pgdata, service)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(a.stdout, running.Pid)
	return err
}
