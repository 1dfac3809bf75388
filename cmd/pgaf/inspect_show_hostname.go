package main

import (
	"fmt"

	"pgaf/keeper"
)

type inspectShowHostnameCmd struct{}

func (c *inspectShowHostnameCmd) Run(a *app) error {
	ctx, stop := a.interruptible()
	defer stop()
	name, err := keeper.LocalName(ctx)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(a.stdout, name)
	return err
}
