package main

import (
	"fmt"

	"pgaf/keeper"
)

type restartPostgresCmd struct{ pgdataOption }

func (c *restartPostgresCmd) Run(a *app) error {
	pgdata, err := c.require()
	if err != nil {
		return err
	}
	ctx, stop := a.interruptible()
	defer stop()
	pid, err := keeper.RestartPostgres(ctx, pgdata)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(a.stdout, pid)
	return err
}
