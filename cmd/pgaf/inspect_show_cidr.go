package main

import (
	"fmt"

	"pgaf/keeper"
)

type inspectShowCIDRCmd struct{}

func (c *inspectShowCIDRCmd) Run(a *app) error {
	ctx, stop := a.interruptible()
	defer stop()
	network, err := keeper.LocalNetwork(ctx)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(a.stdout, network)
	return err
}
