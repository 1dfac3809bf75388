package main

import (
	"context"
	"fmt"

	"pgaf/monitor"
)

type monitorGetCoordinatorCmd struct {
	nodeSelector
	formationOption
	jsonOption
}

func (c *monitorGetCoordinatorCmd) Run(a *app) error {
	return c.ask(a, c.Formation, nil, func(ctx context.Context, client *monitor.Client, t target) error {
		if err := formationExists(ctx, client, t.formation); err != nil {
			return err
		}
		formation, _, err := client.Formation(ctx, t.formation)
		if err != nil {
			return err
		}
		host, port, found, err := client.Coordinator(ctx, t.formation)
		switch {
		case err != nil:
			return err
		case !found || formation.Kind != "citus": // where the monitor names the primary of group 0
			_, err = fmt.Fprintf(a.stdout, "%s has no coordinator ready yet\n", t.formation)
		case c.JSON:
			// A coordinator is always group 0.
			err = a.printJSON(struct {
				Formation string `json:"formation"`
				GroupID   int    `json:"groupId"`
				Host      string `json:"host"`
				Port      int    `json:"port"`
			}{t.formation, 0, host, port})
		default:
			_, err = fmt.Fprintf(a.stdout, "%s %s\n", t.formation, hostPort(host, port))
		}
		return err
	})
}
