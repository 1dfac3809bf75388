package main

import (
	"slices"

	"pgaf/keeper"
)

type pgsetupHBALanCmd struct{ pgsetupOptions }

func (c *pgsetupHBALanCmd) Run(a *app) error {
	method := orDefault(c.Auth, "trust")
	if !slices.Contains(authMethods, method) {
		return usageError(suggest(nearest(method, authMethods), "the methods of pg_hba.conf are "+joinNames(authMethods)),
			"option --auth: there is no authentication method %q", method)
	}
	if c.SkipHBA {
		return usageError("leave out --skip-pg-hba", "hba-lan writes pg_hba.conf, which --skip-pg-hba leaves alone")
	}
	options, err := c.options(a)
	if err != nil {
		return err
	}
	ctx, stop := a.interruptible()
	defer stop()
	return keeper.AllowLan(ctx, options, method, a.log)
}
