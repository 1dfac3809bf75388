package main

import (
	"fmt"

	"pgaf/keeper"
)

type configCheckCmd struct {
	pgdataOption
	jsonOption
}

func (c *configCheckCmd) Run(a *app) error {
	pgdata, err := c.require()
	if err != nil {
		return err
	}
	config, err := keeper.Load(pgdata)
	if err != nil {
		return err
	}
	warnUnknownKeys(a, pgdata)
	ctx, stop := a.interruptible()
	defer stop()
	info, err := keeper.Check(ctx, pgdata)
	if err != nil {
		return err
	}
	if c.JSON {
		return a.printJSON(struct {
			Postgres postgresJSON   `json:"postgres"`
			Config   *keeper.Config `json:"config"`
		}{newPostgresJSON(*info), config})
	}
	return printLabels(a.stdout, postgresLabels(*info))
}

// postgresJSON is the local Postgres in JSON, for config check and status.
type postgresJSON struct {
	PGDATA     string         `json:"pgdata"`
	PgCtl      string         `json:"pg_ctl"`
	Version    string         `json:"version"`
	Host       string         `json:"host"`
	Port       int            `json:"port"`
	ProxyPort  int            `json:"proxyport"`
	Pid        int            `json:"pid"`
	InRecovery bool           `json:"in_recovery"`
	Control    controlJSON    `json:"control"`
	Postmaster postmasterJSON `json:"postmaster"`
}

type controlJSON struct {
	Version          int    `json:"version"`
	CatalogVersion   int    `json:"catalog_version"`
	SystemIdentifier string `json:"system_identifier"`
}

type postmasterJSON struct {
	Status string `json:"status"`
}

func newPostgresJSON(p keeper.PostgresInfo) postgresJSON {
	return postgresJSON{
		PGDATA:     p.PGDATA,
		PgCtl:      p.PgCtl,
		Version:    p.Version,
		Host:       p.Host,
		Port:       p.Port,
		ProxyPort:  p.ProxyPort,
		Pid:        p.Pid,
		InRecovery: p.InRecovery,
		Control: controlJSON{
			Version:          p.ControlVersion,
			CatalogVersion:   p.CatalogVersion,
			SystemIdentifier: fmt.Sprint(p.SystemIdentifier),
		},
		Postmaster: postmasterJSON{Status: p.PostmasterStatus},
	}
}

func postgresLabels(p keeper.PostgresInfo) [][2]string {
	inRecovery := "no"
	if p.InRecovery {
		inRecovery = "yes"
	}
	return [][2]string{
		{"pgdata", p.PGDATA},
		{"pg_ctl", p.PgCtl},
		{"pg_version", fmt.Sprintf("%s (%d)", p.Version, p.VersionNumber)},
		{"pghost", p.Host},
		{"pgport", fmt.Sprint(p.Port)},
		{"proxyport", fmt.Sprint(p.ProxyPort)},
		{"pid", fmt.Sprint(p.Pid)},
		{"is in recovery", inRecovery},
		{"Control cluster state", p.ControlState},
		{"Control Version", fmt.Sprint(p.ControlVersion)},
		{"Catalog Version", fmt.Sprint(p.CatalogVersion)},
		{"System Identifier", fmt.Sprint(p.SystemIdentifier)},
		{"Latest checkpoint LSN", p.CheckpointLSN},
		{"Postmaster status", p.PostmasterStatus},
	}
}
