package main

import (
	"fmt"

	"pgaf/keeper"
)

type configSetCmd struct {
	pgdataOption
	Key   string `arg:"" name:"section.option" help:"Setting to change; config get lists them."`
	Value string `arg:"" name:"value" help:"Its new value."`
}

func (c *configSetCmd) Run(a *app) error {
	pgdata, err := c.require()
	if err != nil {
		return err
	}
	if err := refuseRegion(a, c.Key); err != nil {
		return err
	}
	warnUnknownKeys(a, pgdata)
	ctx, stop := a.interruptible()
	defer stop()
	stored, err := keeper.SetConfig(ctx, pgdata, c.Key, c.Value)
	if err != nil {
		return err
	}
	if keeper.TakesRestart(c.Key) {
		a.log.Info(c.Key + " takes effect when the service is started the next time")
	}
	_, err = fmt.Fprintln(a.stdout, stored)
	return err
}
