package main

import (
	"fmt"
	"strings"

	"pgaf/keeper"
)

type inspectShowReverseCmd struct {
	Host string `arg:"" name:"host" help:"Host name."`
}

func (c *inspectShowReverseCmd) Run(a *app) error {
	ctx, stop := a.interruptible()
	defer stop()
	addresses, err := keeper.Reverse(ctx, c.Host)
	if err != nil {
		return err
	}
	back := false
	for _, address := range addresses {
		back = back || address.LeadsBack
		if _, err := fmt.Fprintln(a.stdout, address.IP, strings.Join(address.Names, " ")); err != nil {
			return err
		}
	}
	if !back {
		a.log.Warn("no address of " + c.Host + " leads back to this name, which Postgres needs for a name in pg_hba.conf: rules get the address instead")
	}
	return nil
}
