package main

import (
	"fmt"

	"pgaf/keeper"
)

type inspectShowLookupCmd struct {
	Host string `arg:"" name:"host" help:"Host name."`
}

func (c *inspectShowLookupCmd) Run(a *app) error {
	ctx, stop := a.interruptible()
	defer stop()
	addresses, err := keeper.Lookup(ctx, c.Host)
	if err != nil {
		return err
	}
	for _, address := range addresses {
		if _, err := fmt.Fprintln(a.stdout, address); err != nil {
			return err
		}
	}
	return nil
}
