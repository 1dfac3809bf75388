package main

import "pgaf/keeper"

type disableSSLCmd struct {
	pgdataOption
}

func (c *disableSSLCmd) Run(a *app) error {
	pgdata, err := c.require()
	if err != nil {
		return err
	}
	return setSSL(a, pgdata, keeper.SSLOptions{None: true})
}
