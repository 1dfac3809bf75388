package main

import (
	"context"
	"fmt"

	"pgaf/monitor"
)

type getFormationNumberSyncStandbysCmd struct {
	nodeSelector
	formationOption
	jsonOption
}

func (c *getFormationNumberSyncStandbysCmd) Run(a *app) error {
	return c.ask(a, c.Formation, nil, func(ctx context.Context, client *monitor.Client, t target) error {
		if err := formationExists(ctx, client, t.formation); err != nil {
			return err
		}
		formation, _, err := client.Formation(ctx, t.formation)
		if err != nil {
			return err
		}
		if c.JSON {
			return a.printJSON(map[string]int{"number-sync-standbys": formation.NumberSyncStandbys})
		}
		_, err = fmt.Fprintln(a.stdout, formation.NumberSyncStandbys)
		return err
	})
}
