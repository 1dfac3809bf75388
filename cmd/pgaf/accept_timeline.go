package main

import (
	"context"
	"fmt"

	"pgaf/monitor"
)

type acceptTimelineCmd struct {
	nodeSelector
	formationOption
	groupOption
	TLI    int    `name:"tli" short:"t" placeholder:"N" help:"Timeline that the group goes on with."`
	Reason string `name:"reason" short:"r" placeholder:"TEXT" help:"Why."`
}

func (c *acceptTimelineCmd) Run(a *app) error {
	switch {
	case !a.given["tli"]:
		return usageError("pass --tli N; the timelines are listed by: "+a.name+" show timeline", "which timeline? --tli is missing")
	case c.TLI < 1:
		return usageError("the timelines are listed by: "+a.name+" show timeline", "option --tli: a timeline is a number from 1 on, not %d", c.TLI)
	}
	return c.ask(a, c.Formation, c.Group, func(ctx context.Context, client *monitor.Client, t target) error {
		nodes, err := formationNodes(ctx, client, t.formation, nil)
		if err != nil {
			return err
		}
		group, err := onlyGroup(t, nodes)
		if err != nil {
			return err
		}
		if _, err := client.AcceptTimeline(ctx, t.formation, group, c.TLI, c.Reason); err != nil {
			return err
		}
		_, err = fmt.Fprintf(a.stdout, "Timeline %d is accepted for formation %s, group %d: the next election chooses among nodes of its history; the others are rewound to the winner with pg_rewind.\n",
			c.TLI, t.formation, group)
		return err
	})
}
