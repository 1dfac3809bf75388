package main

import "pgaf/keeper"

type reloadCmd struct{ pgdataOption }

func (c *reloadCmd) Run(a *app) error {
	pgdata, err := c.require()
	if err != nil {
		return err
	}
	return keeper.Reload(pgdata)
}
