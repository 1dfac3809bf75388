package main

import (
	"context"

	"pgaf/keeper"
)

type nodeInitCmd struct{ nodeFileArg }

func (c *nodeInitCmd) Run(a *app) error {
	f, err := c.read(a)
	if err != nil {
		return err
	}
	if err := keeper.RefuseRoot(); err != nil {
		return err
	}
	exists, err := f.Exists()
	if err != nil {
		return err
	}
	if exists {
		a.log.Info("this node exists already; nothing to create", "pgdata", f.PGDATA)
		return nil
	}
	return f.Create(context.Background(), a.nodeProgram(), false)
}
