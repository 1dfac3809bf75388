package main

import (
	"fmt"

	"pgaf/keeper/nodefile"
)

type nodeShowCmd struct{ pgdataOption }

func (c *nodeShowCmd) Run(a *app) error {
	pgdata, err := c.require()
	if err != nil {
		return err
	}
	ctx, stop := a.interruptible()
	defer stop()
	text, err := nodefile.Describe(ctx, pgdata)
	if err != nil {
		return err
	}
	_, err = fmt.Fprint(a.stdout, text)
	return err
}
