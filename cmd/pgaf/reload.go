package main

import (
	"fmt"
	"os"

	"pgaf/keeper"
)

type reloadCmd struct {
	pgdataOption
	Exec bool `name:"exec" help:"Make the service replace itself by the program that is on disk now. Postgres goes on."`
	All  bool `name:"all" help:"With --exec: every service of this machine that runs this program."`
}

func (c *reloadCmd) Run(a *app) error {
	if c.All {
		return c.replaceAll(a)
	}
	pgdata, err := c.require()
	if err != nil {
		return err
	}
	if !c.Exec {
		return keeper.Reload(pgdata)
	}
	ctx, stop := a.interruptible()
	defer stop()
	defer a.waiting(waitText{what: "the service to replace itself", stop: "Ctrl-C stops waiting, and the replacement goes on", late: true}).end()
	taken, err := keeper.Replace(ctx, pgdata)
	if err != nil {
		return err
	}
	a.log.Info(fmt.Sprintf("the service of %s is replaced by version %s", pgdata, taken))
	return nil
}

// replaceAll is what an upgrade of a package does.
func (c *reloadCmd) replaceAll(a *app) error {
	switch {
	case !c.Exec:
		return usageError("pass --exec as well, or --pgdata DIR", "--all needs --exec")
	case a.given["pgdata"]:
		return usageError("leave out one of them", "--all and --pgdata exclude each other")
	}
	program, err := os.Executable()
	if err != nil {
		return failure(exitInternal, "", "find this program's own path: %w", err)
	}
	ctx, stop := a.interruptible()
	defer stop()
	replaced, err := keeper.ReplaceAll(ctx, program, a.log)
	if err != nil {
		return failure(keeper.ExitReload, "", "%w", err)
	}
	a.log.Info(fmt.Sprintf("%d services are replaced by version %s", replaced, version))
	return nil
}
