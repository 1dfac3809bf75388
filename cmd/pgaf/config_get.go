package main

import (
	"errors"
	"fmt"
	"io/fs"

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
		return configGetError(err)
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

// configGetError gives the exit codes that config get has for a file that it cannot read, and for one that is something else.
func configGetError(err error) error {
	cause, remedy := causeAndRemedy(err)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return failure(keeper.ExitPostgres, remedy, "%s", cause)
	case errors.Is(err, keeper.ErrUnrecognised):
		return failure(exitInternal, remedy, "%s", cause)
	}
	return err
}

// warnUnknownKeys names the lines of the configuration file that mean nothing.
func warnUnknownKeys(a *app, pgdata string) {
	unknown, _ := keeper.UnknownKeys(pgdata) // a file that cannot be read is another command's error
	for _, u := range unknown {
		a.log.Warn(fmt.Sprintf("the configuration file has an unknown setting %s, which means nothing and is lost when the file is written; did you mean %s?", u.Key, u.Nearest))
	}
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
