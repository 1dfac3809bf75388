package main

import (
	"context"

	"pgaf/keeper"
)

type monitorActiveCmd struct {
	handOptions
	jsonOption
}

func (c *monitorActiveCmd) Run(a *app) error {
	return c.byHand(a, func(ctx context.Context, o keeper.HandOptions) error {
		registered, err := keeper.ReportByHand(ctx, o)
		if err != nil {
			return err
		}
		return a.printJSON(registered)
	})
}
