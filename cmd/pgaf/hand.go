package main

import (
	"context"

	"pgaf/keeper"
)

// handOptions are those of a command that acts on one node by hand.
type handOptions struct{ pgdataOption }

// byHand calls f with what the keeper is told. It may be interrupted.
func (o handOptions) byHand(a *app, f func(context.Context, keeper.HandOptions) error) error {
	pgdata, err := o.require()
	if err != nil {
		return err
	}
	ctx, stop := a.interruptible()
	defer stop()
	return f(ctx, keeper.HandOptions{PGDATA: pgdata, Version: version, Logger: a.log})
}

// address is a Postgres that the user names.
type address struct {
	Host string `arg:"" name:"host" help:"Host of the Postgres."`
	Port port   `arg:"" name:"port" help:"Its port."`
}
