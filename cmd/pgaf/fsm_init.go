package main

import "pgaf/keeper"

type fsmInitCmd struct {
	pgdataOption
	jsonOption
}

func (c *fsmInitCmd) Run(a *app) error {
	pgdata, err := c.require()
	if err != nil {
		return err
	}
	ctx, stop := a.interruptible()
	defer stop()
	if err := keeper.InitState(ctx, keeper.InitStateOptions{PGDATA: pgdata, Version: version, Logger: a.log}); err != nil {
		return err
	}
	return printNodeState(a, pgdata)
}
