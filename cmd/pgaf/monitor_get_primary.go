package main

import (
	"context"

	"pgaf/monitor"
)

// groupQuestion are the options of what can be asked about one group.
type groupQuestion struct {
	nodeSelector
	formationOption
	groupOption
	jsonOption
}

// ofGroup calls f with the group that is asked about; its formation exists.
func (q groupQuestion) ofGroup(a *app, f func(ctx context.Context, client *monitor.Client, formation string, group int) error) error {
	return q.ask(a, q.Formation, q.Group, func(ctx context.Context, client *monitor.Client, t target) error {
		nodes, err := formationNodes(ctx, client, t.formation, nil)
		if err != nil {
			return err
		}
		group, err := onlyGroup(t, nodes)
		if err != nil {
			return err
		}
		return f(ctx, client, t.formation, group)
	})
}

type monitorGetPrimaryCmd struct{ groupQuestion }

func (c *monitorGetPrimaryCmd) Run(a *app) error {
	return c.ofGroup(a, func(ctx context.Context, client *monitor.Client, formation string, group int) error {
		primary, err := client.Primary(ctx, formation, group)
		if err != nil {
			return err
		}
		return a.printJSON(struct {
			Formation string `json:"formation"`
			GroupID   int    `json:"groupId"`
			NodeID    int64  `json:"nodeId"`
			Name      string `json:"name"`
			Host      string `json:"host"`
			Port      int    `json:"port"`
		}{formation, group, primary.ID, primary.Name, primary.Host, primary.Port})
	})
}
