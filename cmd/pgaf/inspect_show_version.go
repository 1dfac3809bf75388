package main

import (
	"pgaf/monitor"
)

type inspectShowVersionCmd struct{}

func (c *inspectShowVersionCmd) Run(a *app) error {
	a.log.Info(a.name + " version " + version)
	a.log.Info(a.name + " extension version " + monitor.RequiredVersion())
	return nil
}
