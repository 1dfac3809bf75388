package main

import (
	"errors"
	"fmt"
	"os"

	"pgaf/keeper"
)

// The services of a running node or monitor, as its pid file names them.
const (
	servicePostgres   = "postgres"
	serviceListener   = "listener"
	serviceNodeActive = "node-active"
)

type getpidPostgresCmd struct{ pgdataOption }

func (c *getpidPostgresCmd) Run(a *app) error {
	pgdata, err := c.require()
	if err != nil {
		return err
	}
	if _, err := runningService(a, pgdata, servicePostgres); err != nil {
		return err
	}
	pid, err := keeper.PostmasterOf(pgdata)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(a.stdout, pid)
	return err
}

type getpidListenerCmd struct{ pgdataOption }

func (c *getpidListenerCmd) Run(a *app) error { return c.printPid(a, serviceListener) }

type getpidNodeActiveCmd struct{ pgdataOption }

func (c *getpidNodeActiveCmd) Run(a *app) error { return c.printPid(a, serviceNodeActive) }

func (o pgdataOption) printPid(a *app, service string) error {
	pgdata, err := o.require()
	if err != nil {
		return err
	}
	running, err := runningService(a, pgdata, service)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(a.stdout, running.Pid)
	return err
}

// runningService finds a service of a running node or monitor. pgaf is one process: its
// services have its id. What "postgres" is to a user is the postmaster.
func runningService(a *app, pgdata, service string) (keeper.PidService, error) {
	if _, err := keeper.Load(pgdata); err != nil {
		return keeper.PidService{}, err
	}
	paths, err := keeper.PathsOf(pgdata)
	if err != nil {
		return keeper.PidService{}, err
	}
	pid, err := keeper.ReadPidFile(paths.Pid)
	if errors.Is(err, os.ErrNotExist) {
		return keeper.PidService{}, failure(exitBadState, "start it with: "+a.name+" run --pgdata "+paths.PGDATA,
			"%s does not run for %s", a.name, paths.PGDATA)
	}
	if err != nil {
		return keeper.PidService{}, failure(exitBadState, "", "read the pid file: %w", err)
	}
	var names []string
	for _, s := range pid.Services {
		if s.Name == service {
			return s, nil
		}
		names = append(names, s.Name)
	}
	return keeper.PidService{}, failure(exitBadState, "its services are "+joinNames(names),
		"the process of %s (%d) has no service %s", paths.PGDATA, pid.Pid, service)
}
