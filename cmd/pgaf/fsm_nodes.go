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

// peerJSON has the keys of the nodes file.
type peerJSON struct {
	ID        int64  `json:"node_id"`
	Name      string `json:"node_name"`
	Host      string `json:"node_host"`
	Port      int    `json:"node_port"`
	LSN       string `json:"node_lsn"`
	IsPrimary bool   `json:"node_is_primary"`
}

func printPeers(a *app, nodes []monitor.PeerNode, asJSON bool) error {
	if asJSON {
		entries := []peerJSON{}
		for _, n := range nodes {
			entries = append(entries, peerJSON{n.ID, n.Name, n.Host, n.Port, n.LSN.String(), n.IsPrimary})
		}
		return a.printJSON(entries)
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
