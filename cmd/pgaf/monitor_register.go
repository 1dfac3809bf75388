package main

import (
	"context"

	"pgaf/keeper"
	"pgaf/monitor"
)

type monitorRegisterCmd struct {
	handOptions
	jsonOption
	State string `arg:"" name:"state" help:"State to begin in, such as init, single or wait_standby."`
}

func (c *monitorRegisterCmd) Run(a *app) error {
	initial := monitor.State(c.State)
	if !initial.Valid() {
		return usageError("for instance init, single or wait_standby", "there is no state %q", c.State)
	}
	return c.byHand(a, func(ctx context.Context, o keeper.HandOptions) error {
		registered, err := keeper.RegisterByHand(ctx, o, initial)
		if err != nil {
			return err
		}
		return a.printJSON(registered)
	})
}
