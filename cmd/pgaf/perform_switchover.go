package main

type performSwitchoverCmd struct{ failoverOptions }

func (c *performSwitchoverCmd) Run(a *app) error { return c.failover(a) }
