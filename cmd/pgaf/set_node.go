package main

import (
	"context"
	"fmt"
	"time"

	"pgaf/monitor"
)

// settingsTimeout is how long the primary may take to apply changed settings.
const settingsTimeout = 60 * time.Second

// changedProperty is a property whose change may change what the nodes do.
type changedProperty struct {
	nodeProperty
	dryRunOption
}

// set changes a property of a node on the monitor and waits until the primary of
// its group has applied it.
func (p *changedProperty) set(a *app, key string, value any, call func(context.Context, *monitor.Client, string, string) error) error {
	return p.find(a, func(ctx context.Context, client *monitor.Client, t target, node monitor.Node, nodes []monitor.Node) error {
		request := func(ctx context.Context) error { return call(ctx, client, t.formation, node.Name) }
		if p.DryRun {
			return a.preview(ctx, client, t, node.GroupID, p.JSON, request)
		}
		if err := applySettings(ctx, a, client, t, node.GroupID, nodes, p.JSON, request); err != nil {
			return err
		}
		return p.printValue(a, key, value)
	})
}

func (p *nodeProperty) printValue(a *app, key string, value any) error {
	if p.JSON {
		return a.printJSON(map[string]any{key: value})
	}
	_, err := fmt.Fprintln(a.stdout, value)
	return err
}

// applySettings makes the request and waits until the primary of the group has
// applied the new settings. A group of one node, or without a primary, applies
// them when it has one.
func applySettings(ctx context.Context, a *app, client *monitor.Client, t target, group int, nodes []monitor.Node, silent bool, request func(context.Context) error) error {
	members := inGroup(nodes, group)
	if len(members) < 2 || primaryOf(members) == nil {
		return request(ctx)
	}
	w := &waiter{
		app:     a,
		client:  client,
		target:  t,
		group:   &group,
		timeout: settingsTimeout,
		what:    "the primary to apply the settings",
		code:    exitMonitor,
		remedy:  "the change is stored and goes on; see what it waits for with: " + a.name + " explain",
		silent:  silent,
		request: request,
		done: func(nodes []monitor.Node) (bool, error) {
			primary := primaryOf(nodes)
			return primary != nil && primary.Converged() && primary.Reported != monitor.StateApplySettings, nil
		},
	}
	return w.run(ctx)
}
