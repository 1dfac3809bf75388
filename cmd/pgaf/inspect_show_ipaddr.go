package main

import (
	"fmt"

	"pgaf/keeper"
)

type inspectShowIPAddrCmd struct{}

func (c *inspectShowIPAddrCmd) Run(a *app) error {
	ctx, stop := a.interruptible()
	defer stop()
	ip, err := keeper.LocalAddress(ctx)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(a.stdout, ip)
	return err
}
