package main

import "pgaf/keeper"

type pgctlOnCmd struct{ handOptions }

func (c *pgctlOnCmd) Run(a *app) error {
	return c.byHand(a, keeper.StartByHand)
}

type pgctlOffCmd struct{ handOptions }

func (c *pgctlOffCmd) Run(a *app) error {
	return c.byHand(a, keeper.StopByHand)
}
