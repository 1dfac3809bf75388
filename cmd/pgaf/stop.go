package main

import (
	"fmt"
	"os"
	"syscall"

	"pgaf/keeper"
)

type stopCmd struct {
	pgdataOption
	Fast      bool `name:"fast" short:"f" help:"Do not hand over first (SIGINT)."`
	Immediate bool `name:"immediate" short:"i" help:"Stop Postgres without a checkpoint: it recovers at its next start (SIGQUIT)."`
	Sigkill   bool `name:"sigkill" short:"9" hidden:"" help:"Kill the service (SIGKILL); needs PG_AUTOCTL_DEBUG."`
}

func (c *stopCmd) Run(a *app) error {
	pgdata, err := c.require()
	if err != nil {
		return err
	}
	sig, err := c.signal()
	if err != nil {
		return err
	}
	if err := keeper.Stop(pgdata, sig); err != nil {
		return err
	}
	a.log.Info(fmt.Sprintf("told the service of %s to stop", pgdata))
	return nil
}

func (c *stopCmd) signal() (syscall.Signal, error) {
	chosen := 0
	sig := syscall.SIGTERM
	for _, choice := range []struct {
		given bool
		sig   syscall.Signal
	}{{c.Fast, syscall.SIGINT}, {c.Immediate, syscall.SIGQUIT}, {c.Sigkill, syscall.SIGKILL}} {
		if choice.given {
			chosen++
			sig = choice.sig
		}
	}
	if chosen > 1 {
		return 0, usageError("choose one", "--fast, --immediate and --sigkill exclude each other")
	}
	if c.Sigkill && os.Getenv("PG_AUTOCTL_DEBUG") == "" {
		return 0, usageError("use --immediate", "--sigkill is for tests and needs PG_AUTOCTL_DEBUG")
	}
	return sig, nil
}
