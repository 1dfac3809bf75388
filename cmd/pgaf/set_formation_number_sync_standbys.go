package main

import (
	"context"
	"fmt"

	"pgaf/monitor"
)

type setFormationNumberSyncStandbysCmd struct {
	nodeSelector
	formationOption
	dryRunOption
	jsonOption
	Value count `arg:"" name:"number" help:"Standbys that must confirm a commit."`
}

func (c *setFormationNumberSyncStandbysCmd) Run(a *app) error {
	return c.ask(a, c.Formation, nil, func(ctx context.Context, client *monitor.Client, t target) error {
		nodes, err := formationNodes(ctx, client, t.formation, nil)
		if err != nil {
			return err
		}
		group := 0
		if t.group != nil {
			group = *t.group
		}
		request := func(ctx context.Context) error {
			_, err := client.SetFormationNumberSyncStandbys(ctx, t.formation, int(c.Value))
			return err
		}
		if c.DryRun {
			return a.preview(ctx, client, t, group, c.JSON, request)
		}
		if err := applySettings(ctx, a, client, t, group, nodes, c.JSON, request); err != nil {
			return err
		}
		names, err := client.SynchronousStandbyNames(ctx, t.formation, group)
		if err != nil {
			return err
		}
		if !c.JSON {
			a.log.Info(fmt.Sprintf("synchronous_standby_names is now '%s'", names))
			_, err := fmt.Fprintln(a.stdout, int(c.Value))
			return err
		}
		answer := orderedJSON{{"number-sync-standbys", int(c.Value)}}
		if names != "" {
			answer = append(answer, jsonPair{"synchronous_standby_names", names})
		}
		return a.printJSON(answer)
	})
}
