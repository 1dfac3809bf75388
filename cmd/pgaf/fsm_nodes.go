package main

import (
	"pgaf/keeper"
	"pgaf/monitor"
)

type fsmNodesGetCmd struct {
	pgdataOption
	jsonOption
}

func (c *fsmNodesGetCmd) Run(a *app) error {
	pgdata, err := c.require()
	if err != nil {
		return err
	}
	nodes, err := keeper.ManualNodes(pgdata)
	if err != nil {
		return err
	}
	return printPeers(a, nodes, c.JSON)
}

type fsmNodesSetCmd struct {
	pgdataOption
	jsonOption
	File string `arg:"" name:"file" help:"JSON array of objects with node_id, node_name, node_host, node_port, node_lsn, node_is_primary."`
}

func (c *fsmNodesSetCmd) Run(a *app) error {
	pgdata, err := c.require()
	if err != nil {
		return err
	}
	nodes, err := keeper.SetManualNodes(pgdata, c.File)
	if err != nil {
		return err
	}
	return printPeers(a, nodes, c.JSON)
}

func printPeers(a *app, nodes []monitor.PeerNode, asJSON bool) error {
	if asJSON {
		return a.printJSON(append([]monitor.PeerNode{}, nodes...)) // never null
	}
	t := &table{columns: []column{{title: "Name"}, {title: "Node"}, {title: "Host:Port"}, {title: "TLI: LSN", min: 21}, {title: "Primary?", min: 8}}}
	for _, n := range nodes {
		primary := "no"
		if n.IsPrimary {
			primary = "yes"
		}
		t.add(n.Name, nodeLabel(false, 0, n.ID), hostPort(n.Host, n.Port), n.LSN.String(), primary)
	}
	return t.write(a.stdout)
}
