package main

import (
	"context"

	"pgaf/keeper"
)

type standbyInitCmd struct {
	handOptions
	address
}

func (c *standbyInitCmd) Run(a *app) error {
	return c.byHand(a, func(ctx context.Context, o keeper.HandOptions) error {
		return keeper.InitStandbyByHand(ctx, o, c.Host, int(c.Port))
	})
}

type standbyRewindCmd struct {
	handOptions
	address
}

func (c *standbyRewindCmd) Run(a *app) error {
	return c.byHand(a, func(ctx context.Context, o keeper.HandOptions) error {
		return keeper.RewindByHand(ctx, o, c.Host, int(c.Port))
	})
}

type standbyCrashRecoveryCmd struct{ handOptions }

func (c *standbyCrashRecoveryCmd) Run(a *app) error {
	return c.byHand(a, keeper.RecoverByHand)
}

type standbyPromoteCmd struct{ handOptions }

func (c *standbyPromoteCmd) Run(a *app) error {
	return c.byHand(a, keeper.PromoteByHand)
}
