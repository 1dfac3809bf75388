package main

import (
	"context"
	"strings"

	"pgaf/monitor"
)

type createFormationCmd struct {
	nodeSelector
	Formation          string `name:"formation" short:"f" placeholder:"NAME" help:"Name of the new formation."`
	Kind               string `name:"kind" short:"k" placeholder:"KIND" help:"pgsql or citus."`
	Database           string `name:"dbname" short:"d" default:"postgres" placeholder:"NAME" help:"Database of its nodes (default postgres)."`
	EnableSecondary    bool   `name:"enable-secondary" short:"s" help:"Allow standby nodes (the default)."`
	DisableSecondary   bool   `name:"disable-secondary" short:"S" help:"Allow no standby nodes."`
	NumberSyncStandbys count  `name:"number-sync-standbys" short:"n" default:"0" placeholder:"N" help:"Standbys that must confirm a commit (default 0)."`
}

// uniqueViolation is the SQLSTATE of a name that is taken.
const uniqueViolation = "23505"

// Kinds of formations.
var formationKinds = []string{"pgsql", "citus"}

func (c *createFormationCmd) Run(a *app) error {
	if c.Formation == "" {
		return usageError("pass --formation NAME", "which formation? --formation is missing")
	}
	if c.EnableSecondary && c.DisableSecondary {
		return usageError("leave out one of them", "--enable-secondary and --disable-secondary exclude each other")
	}
	switch c.Kind {
	case "pgsql", "citus":
	case "":
		return usageError("pass --kind pgsql or --kind citus", "which kind of formation? --kind is missing")
	default:
		return usageError(suggest(nearest(c.Kind, formationKinds), "use one of "+strings.Join(formationKinds, ", ")),
			"option --kind: there is no kind of formation %q", c.Kind)
	}
	return c.ask(a, c.Formation, nil, func(ctx context.Context, client *monitor.Client, t target) error {
		_, err := client.CreateFormation(ctx, monitor.Formation{
			ID:                 c.Formation,
			Kind:               c.Kind,
			Database:           c.Database,
			OptSecondary:       !c.DisableSecondary,
			NumberSyncStandbys: int(c.NumberSyncStandbys),
		})
		if monitor.SQLState(err) == uniqueViolation {
			return failure(exitMonitor, "the formations are listed by: "+a.name+" show uri", "formation %s exists already", c.Formation)
		}
		if err == nil {
			a.log.Info("created formation " + c.Formation)
		}
		return err
	})
}
