package main

import (
	"fmt"

	"pgaf/keeper"
)

type configGetCmd struct {
	pgdataOption
	jsonOption
	Key string `arg:"" optional:"" name:"section.option" help:"Print the value of this setting only."`
}

func (c *configGetCmd) Run(a *app) error {
	pgdata, err := c.require()
	if err != nil {
		return err
	}
	if err := refuseRegion(a, c.Key); err != nil {
		return err
	}
	config, err := keeper.Load(pgdata)
	if err != nil {
		return err
	}
	switch {
	case c.Key != "":
		value, err := config.Get(c.Key)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(a.stdout, value)
		return err
	case c.JSON:
		return a.printJSON(config)
	}
	_, err = fmt.Fprintf(a.stdout, "%s\n", config.INI())
	return err
}

// refuseRegion answers for the one property that looks like a setting of the
// file but lives on the monitor.
func refuseRegion(a *app, key string) error {
	if key != "pg_autoctl.region" && key != "pgaf.region" {
		return nil
	}
	return usageError(fmt.Sprintf("use: %s get node region, %s set node region", a.name, a.name),
		"the region of a node is kept on the monitor, not in its configuration")
}
