package main

import (
	"context"
	"fmt"

	"pgaf/monitor"
)

// nodeProperty are the options of the commands that get or set a property of a
// node: the one named by --name, else the local one.
type nodeProperty struct {
	nodeSelector
	formationOption
	Name string `name:"name" short:"a" placeholder:"NAME" help:"Node (default: the local one)."`
	jsonOption
}

// find calls f with the node that the options select and the nodes of its formation.
func (p *nodeProperty) find(a *app, f func(context.Context, *monitor.Client, target, monitor.Node, []monitor.Node) error) error {
	return p.ask(a, p.Formation, nil, func(ctx context.Context, client *monitor.Client, t target) error {
		name, err := nodeName(p.Name, p.PGData, t)
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
		return f(ctx, client, t, node, nodes)
	})
}

// get prints the property that value reads from the node.
func (p *nodeProperty) get(a *app, key string, value func(monitor.Node) any) error {
	return p.find(a, func(_ context.Context, _ *monitor.Client, _ target, node monitor.Node, _ []monitor.Node) error {
		if p.JSON {
			return a.printJSON(orderedJSON{{"name", node.Name}, {key, value(node)}})
		}
		_, err := fmt.Fprintln(a.stdout, value(node))
		return err
	})
}

type getNodeReplicationQuorumCmd struct{ nodeProperty }

func (c *getNodeReplicationQuorumCmd) Run(a *app) error {
	return c.get(a, "replication-quorum", func(n monitor.Node) any { return n.ReplicationQuorum })
}

type getNodeCandidatePriorityCmd struct{ nodeProperty }

func (c *getNodeCandidatePriorityCmd) Run(a *app) error {
	return c.get(a, "candidate-priority", func(n monitor.Node) any { return n.CandidatePriority })
}

type getNodeRegionCmd struct{ nodeProperty }

func (c *getNodeRegionCmd) Run(a *app) error {
	return c.get(a, "region", func(n monitor.Node) any { return n.Region })
}
