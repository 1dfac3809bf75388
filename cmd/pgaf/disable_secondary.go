package main

import "pgaf/monitor"

type disableSecondaryCmd struct{ secondaryOptions }

func (c *disableSecondaryCmd) Run(a *app) error {
	return c.change(a, "no standby nodes are allowed in formation ", (*monitor.Client).DisableSecondary)
}
