package main

import (
	"context"
	"fmt"

	"pgaf/keeper"
	"pgaf/monitor"
)

type performPromotionCmd struct {
	failoverOptions
	Name string `name:"name" short:"a" placeholder:"NAME" help:"Node to promote (default: the local one)."`
}

func (c *performPromotionCmd) Run(a *app) error {
	return c.ask(a, c.Formation, c.Group, func(ctx context.Context, client *monitor.Client, t target) error {
		name, err := nodeName(c.Name, c.PGData, t)
		if err != nil {
			return err
		}
		nodes, err := formationNodes(ctx, client, t.formation, nil)
		if err != nil {
			return err
		}
		node, err := nodeByName(t.formation, nodes, name)
		if err != nil {
			return err
		}
		if node.Reported == monitor.StatePrimary && node.Converged() {
			a.log.Info(fmt.Sprintf("node %s is the primary already", name))
			return nil
		}
		return c.change(ctx, a, client, t, node.GroupID, nodes, func(ctx context.Context) error {
			_, err := client.PerformPromotion(ctx, t.formation, name, c.options())
			return err
		})
	})
}

// nodeName is the node that a command is about: the one named by --name, else
// the local one.
func nodeName(name, pgdata string, t target) (string, error) {
	if name != "" {
		return name, nil
	}
	config := t.config
	if config == nil && pgdata != "" {
		config, _ = keeper.Load(pgdata)
	}
	if config == nil || config.IsMonitor() || config.Name == "" {
		return "", usageError("pass --name NAME, or --pgdata DIR of a node of this machine", "which node? --name is missing")
	}
	return config.Name, nil
}
