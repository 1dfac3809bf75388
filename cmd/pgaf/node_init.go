package main

import "context"

type nodeInitCmd struct{ nodeFileArg }

func (c *nodeInitCmd) Run(a *app) error {
	f, exists, err := c.readToCreate(a)
	if err != nil {
		return err
	}
	if exists {
		a.log.Info("this node exists already; nothing to create", "pgdata", f.PGDATA)
		return nil
	}
	return f.Create(context.Background(), a.nodeProgram(), false)
}
