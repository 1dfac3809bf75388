package main

import (
	"fmt"

	"pgaf/keeper"
)

type fsmStepCmd struct {
	pgdataOption
	jsonOption
	Kind string `arg:"" optional:"" name:"kind" enum:",report,advance" default:"" help:"Only report, or only advance."`
}

func (c *fsmStepCmd) Run(a *app) error {
	pgdata, err := c.require()
	if err != nil {
		return err
	}
	if c.JSON {
		a.log.Warn("--json is ignored: a step prints one line")
	}
	ctx, stop := a.interruptible()
	defer stop()
	from, to, err := keeper.Step(ctx, keeper.StepOptions{PGDATA: pgdata, Kind: keeper.StepKind(c.Kind), Version: version, Logger: a.log})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.stdout, "%s ➜ %s\n", from, to)
	return err
}
