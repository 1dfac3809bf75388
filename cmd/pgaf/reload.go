package main

import (
	"fmt"

	"pgaf/keeper"
)

type reloadCmd struct {
	pgdataOption
	Exec bool `name:"exec" help:"Make the service replace itself by the program that is on disk now. Postgres goes on."`
}

func (c *reloadCmd) Run(a *app) error {
	pgdata, err := c.require()
	if err != nil {
		return err
	}
	if !c.Exec {
		return keeper.Reload(pgdata)
	}
	ctx, stop := a.interruptible()
	defer stop()
	taken, err := keeper.Replace(ctx, pgdata)
	if err != nil {
		return err
	}
	a.log.Info(fmt.Sprintf("the service of %s is replaced by version %s", pgdata, taken))
	return nil
}
