package main

import (
	"context"

	"pgaf/keeper"
)

type fsmStateCmd struct {
	pgdataOption
	jsonOption
}

func (c *fsmStateCmd) Run(a *app) error {
	pgdata, err := c.require()
	if err != nil {
		return err
	}
	return printNodeState(a, pgdata)
}

// printNodeState prints what the files of a node say, as JSON.
func printNodeState(a *app, pgdata string) error {
	paths, err := keeper.PathsOf(pgdata)
	if err != nil {
		return err
	}
	state, err := keeper.ReadState(paths.State)
	if err != nil {
		return err
	}
	// A node whose service or Postgres does not run has a state all the same.
	status, err := keeper.ReadStatus(context.Background(), pgdata)
	if status == nil {
		return err
	}
	return a.printJSON(struct {
		Postgres postgresJSON `json:"postgres"`
		State    keeper.State `json:"state"`
	}{newPostgresJSON(status.Postgres), state})
}
