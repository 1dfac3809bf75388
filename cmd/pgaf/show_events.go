package main

import (
	"context"

	"pgaf/monitor"
)

type showEventsCmd struct {
	nodeSelector
	formationOption
	groupOption
	Count count `name:"count" short:"n" default:"10" placeholder:"N" help:"How many, newest last (default 10)."`
	Watch bool  `name:"watch" short:"W" help:"Show them live, as the command watch does."`
	jsonOption
}

func (c *showEventsCmd) Run(a *app) error {
	if c.Watch {
		return watch(a, c.nodeSelector, c.Formation, c.Group, 0)
	}
	if c.Count == 0 {
		return usageError("pass a number from 1 on", "option --count: no events are no answer")
	}
	return c.ask(a, c.Formation, c.Group, func(ctx context.Context, client *monitor.Client, t target) error {
		events, err := client.LastEvents(ctx, t.formation, c.Group, int(c.Count))
		if err != nil {
			return err
		}
		if len(events) == 0 {
			if err := formationExists(ctx, client, t.formation); err != nil {
				return err
			}
		}
		if c.JSON {
			return a.printJSON(list(events))
		}
		return eventTable(events).write(a.stdout)
	})
}

// eventTable is the listing of show events.
func eventTable(events []monitor.Event) *table {
	t := &table{columns: []column{
		{title: "Event Time", min: 30},
		{title: "Node", min: 6},
		{title: "Current State", min: stateWidth},
		{title: "Assigned State", min: stateWidth},
		{title: "Rule", min: 6},
		{title: "Comment", min: 10, left: true},
	}}
	for _, e := range events {
		t.add(
			e.Time.Local().Format("2006-01-02 15:04:05.000000-07"),
			nodeLabel(true, e.GroupID, e.NodeID),
			string(e.Reported),
			string(e.Assigned),
			e.Rule,
			withReason(e),
		)
	}
	return t
}

// withReason is what happened, and why the operator asked for it.
func withReason(e monitor.Event) string {
	if e.Reason == "" {
		return e.Description
	}
	return e.Description + " (" + e.Reason + ")"
}
