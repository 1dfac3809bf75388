package main

import (
	"context"
	"fmt"

	"pgaf/monitor"
)

type showStandbyNamesCmd struct {
	nodeSelector
	formationOption
	groupOption
	jsonOption
}

func (c *showStandbyNamesCmd) Run(a *app) error {
	return c.ask(a, c.Formation, c.Group, func(ctx context.Context, client *monitor.Client, t target) error {
		nodes, err := formationNodes(ctx, client, t.formation, nil)
		if err != nil {
			return err
		}
		group, err := onlyGroup(t, nodes)
		if err != nil {
			return err
		}
		names, err := client.SynchronousStandbyNames(ctx, t.formation, group)
		if err != nil {
			return err
		}
		if c.JSON {
			return a.printJSON(struct {
				Formation string `json:"formation"`
				Group     int    `json:"group"`
				Names     string `json:"synchronous_standby_names"`
			}{t.formation, group, names})
		}
		_, err = fmt.Fprintf(a.stdout, "'%s'\n", names)
		return err
	})
}
