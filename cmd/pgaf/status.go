package main

import (
	"context"
	"fmt"

	"pgaf/keeper"
)

type statusCmd struct {
	pgdataOption
	jsonOption
}

func (c *statusCmd) Run(a *app) error {
	pgdata, err := c.require()
	if err != nil {
		return err
	}
	status, err := keeper.ReadStatus(context.Background(), pgdata)
	if err != nil {
		return err
	}
	if c.JSON {
		return a.printJSON(struct {
			Postgres postgresJSON `json:"postgres"`
			Service  processJSON  `json:"pg_autoctl"`
		}{newPostgresJSON(status.Postgres), pidJSON(status.Pid).running()})
	}
	a.log.Info(fmt.Sprintf("%s runs with pid %d", a.name, status.Pid.Pid))
	a.log.Info(fmt.Sprintf("Postgres serves %s on port %d with pid %d (%s)",
		status.Postgres.PGDATA, status.Postgres.Port, status.Postgres.Pid, status.Postgres.PostmasterStatus))
	return nil
}
