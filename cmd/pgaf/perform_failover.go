package main

import (
	"context"

	"pgaf/monitor"
)

// failoverOptions are those of every command that changes the primary.
type failoverOptions struct {
	nodeSelector
	formationOption
	groupOption
	Wait          seconds `name:"wait" short:"w" default:"60" placeholder:"SECONDS" help:"How long to wait for the new primary; 0 does not wait (default 60)."`
	AllowDataLoss bool    `name:"allow-data-loss" short:"A" help:"Go on even when commits that were acknowledged may be lost."`
	Reason        string  `name:"reason" placeholder:"TEXT" help:"Why, for show events."`
	dryRunOption
	jsonOption
}

type performFailoverCmd struct{ failoverOptions }

func (c *performFailoverCmd) Run(a *app) error { return c.failover(a) }

// failover asks for a new primary, whichever the monitor chooses.
func (o *failoverOptions) failover(a *app) error {
	return o.ask(a, o.Formation, o.Group, func(ctx context.Context, client *monitor.Client, t target) error {
		nodes, err := formationNodes(ctx, client, t.formation, nil)
		if err != nil {
			return err
		}
		group, err := onlyGroup(t, nodes)
		if err != nil {
			return err
		}
		return o.change(ctx, a, client, t, group, nodes, func(ctx context.Context) error {
			return client.PerformFailover(ctx, t.formation, group, o.options())
		})
	})
}

func (o *failoverOptions) options() monitor.FailoverOptions {
	return monitor.FailoverOptions{AllowDataLoss: o.AllowDataLoss, Reason: o.Reason}
}

// change makes the request and waits until another node reports primary.
func (o *failoverOptions) change(ctx context.Context, a *app, client *monitor.Client, t target, group int, nodes []monitor.Node, request func(context.Context) error) error {
	if o.DryRun {
		return a.preview(ctx, client, t, group, o.JSON, request)
	}
	if o.Wait == 0 {
		return request(ctx)
	}
	var old int64
	if primary := primaryOf(inGroup(nodes, group)); primary != nil {
		old = primary.ID
	}
	w := &waiter{
		app:     a,
		client:  client,
		target:  t,
		group:   &group,
		timeout: o.Wait.duration(),
		what:    "the new primary",
		code:    exitInternal,
		remedy:  "the failover goes on; see what it waits for with: " + a.name + " explain",
		silent:  o.JSON,
		request: request,
		done:    func(nodes []monitor.Node) (bool, error) { return newPrimary(nodes, old) },
	}
	if err := w.run(ctx); err != nil || !o.JSON {
		return err
	}
	nodes, err := client.CurrentState(ctx, t.formation, &group)
	if err != nil {
		return err
	}
	return a.printJSON(list(nodes))
}

// newPrimary reports whether a node other than old has become the primary. When
// old is primary again the monitor has given up the change: an error.
func newPrimary(nodes []monitor.Node, old int64) (bool, error) {
	for _, node := range nodes {
		if node.Reported != monitor.StatePrimary || !node.Converged() {
			continue
		}
		if node.ID == old {
			return false, failure(exitInternal, "the reason is in show events; repeat the command when it is gone",
				"node %s is the primary again: the change was given up", node.Name)
		}
		return true, nil
	}
	return false, nil
}

// onlyGroup is the group to act on: the one that was given, or the only one.
func onlyGroup(t target, nodes []monitor.Node) (int, error) {
	if t.group != nil {
		return *t.group, nil
	}
	if len(nodes) == 0 {
		return 0, failure(exitBadState, "", "formation %s has no nodes", t.formation)
	}
	for _, node := range nodes {
		if node.GroupID != nodes[0].GroupID {
			return 0, usageError("pass --group N", "formation %s has several groups; which one? --group is missing", t.formation)
		}
	}
	return nodes[0].GroupID, nil
}

func inGroup(nodes []monitor.Node, group int) []monitor.Node {
	var members []monitor.Node
	for _, node := range nodes {
		if node.GroupID == group {
			members = append(members, node)
		}
	}
	return members
}
