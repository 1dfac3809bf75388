package main

import (
	"context"
	"fmt"
	"time"

	"pgaf/keeper"
	"pgaf/monitor"
)

type enableMaintenanceCmd struct {
	pgdataOption
	AllowFailover bool `name:"allow-failover" short:"A" help:"When this node is the primary, let another node take over first."`
	dryRunOption
}

// How long maintenance may take to begin and to end; with a failover in between
// it takes longer.
const (
	maintenanceTimeout         = 60 * time.Second
	maintenanceFailoverTimeout = 180 * time.Second
)

func (c *enableMaintenanceCmd) Run(a *app) error {
	return maintenance(a, c.pgdataOption, func(ctx context.Context, w *waiter, node monitor.Node) error {
		switch {
		case node.Reported == monitor.StateMaintenance && node.Converged():
			a.log.Info(fmt.Sprintf("node %s is in maintenance already", node.Name))
			return nil
		case node.Assigned.Writable() && !c.AllowFailover:
			return usageError("pass --allow-failover to let another node take over first",
				"node %s is the primary", node.Name)
		case node.Assigned.Writable():
			w.timeout = maintenanceFailoverTimeout
		}
		w.what = fmt.Sprintf("node %s to be in maintenance", node.Name)
		w.request = func(ctx context.Context) error {
			_, err := w.client.StartMaintenance(ctx, node.ID, "")
			return err
		}
		w.done = (&maintenanceWatch{node: node, program: a.name}).begun
		if c.DryRun {
			return a.preview(ctx, w.client, w.target, node.GroupID, false, w.request)
		}
		return w.run(ctx)
	})
}

// maintenanceWatch sees how the maintenance of a node begins.
type maintenanceWatch struct {
	node     monitor.Node
	program  string // as the user called it
	onItsWay bool   // the request was seen in the node's assigned state
}

// begun tells whether the node is in maintenance. The monitor calls it off when
// the group loses its primary and cannot do without this node: that is an error.
func (w *maintenanceWatch) begun(nodes []monitor.Node) (bool, error) {
	n := nodeByID(nodes, w.node.ID)
	if n == nil {
		return false, failure(exitMonitor, "see who did that: "+w.program+" show events", "node %s was removed", w.node.Name)
	}
	switch n.Assigned {
	case monitor.StateMaintenance, monitor.StatePrepareMaintenance, monitor.StateWaitMaintenance:
		w.onItsWay = true
		return n.Reported == monitor.StateMaintenance, nil
	}
	if w.onItsWay {
		return false, failure(exitMonitor, "ask again when the group has a primary; what happened: "+w.program+" show events",
			"the maintenance of node %s is called off: the group needs it and has assigned %s", w.node.Name, n.Assigned)
	}
	return false, nil // a state from before the request
}

// maintenance prepares a waiter for the local node and lets f use it.
func maintenance(a *app, o pgdataOption, f func(context.Context, *waiter, monitor.Node) error) error {
	pgdata, err := o.require()
	if err != nil {
		return err
	}
	config, err := keeper.Load(pgdata)
	if err != nil {
		return err
	}
	if config.IsMonitor() {
		return usageError("pass --pgdata of a data node", "%s is a monitor, and maintenance is for data nodes", pgdata)
	}
	s := nodeSelector{PGData: pgdata}
	return s.ask(a, "", nil, func(ctx context.Context, client *monitor.Client, t target) error {
		nodes, err := client.CurrentState(ctx, t.formation, t.group)
		if err != nil {
			return err
		}
		node, err := nodeByName(t.formation, nodes, config.Name)
		if err != nil {
			return err
		}
		w := &waiter{
			app:     a,
			client:  client,
			target:  t,
			group:   &node.GroupID,
			timeout: maintenanceTimeout,
			code:    exitMonitor,
			remedy:  "the change goes on; see what it waits for with: " + a.name + " explain",
		}
		return f(ctx, w, node)
	})
}
