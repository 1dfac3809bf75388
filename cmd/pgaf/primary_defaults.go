package main

import "pgaf/keeper"

type primaryDefaultsCmd struct{ handOptions }

func (c *primaryDefaultsCmd) Run(a *app) error {
	return c.byHand(a, keeper.WriteDefaults)
}
