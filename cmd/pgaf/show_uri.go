package main

import (
	"context"
	"fmt"

	"pgaf/monitor"
)

type showURICmd struct {
	nodeSelector
	Formation    string `name:"formation" short:"f" placeholder:"NAME" help:"Print the bare connection string of this formation; monitor for that of the monitor."`
	CitusCluster string `name:"citus-cluster" short:"Z" default:"default" placeholder:"NAME" help:"Name of a Citus read replica cluster."`
	jsonOption
}

// uriRow is one line of show uri.
type uriRow struct {
	URI  string `json:"uri"`
	Name string `json:"name"`
	Type string `json:"type"`
}

// monitorName selects the monitor where a formation is asked for.
const monitorName = "monitor"

func (c *showURICmd) Run(a *app) error {
	if c.Formation == monitorName {
		t, err := c.resolve(a, "", nil)
		if err != nil {
			return err
		}
		return c.print(a, monitorName, t.publishedURI())
	}
	return c.ask(a, c.Formation, nil, func(ctx context.Context, client *monitor.Client, t target) error {
		if c.Formation == "" {
			return c.list(ctx, a, client, t)
		}
		if err := formationExists(ctx, client, c.Formation); err != nil {
			return err
		}
		uri, err := c.uri(ctx, client, t, c.Formation)
		if err != nil {
			return err
		}
		if uri == "" {
			return failure(exitMonitor, "create its first node with: "+a.name+" create postgres",
				"formation %q currently has no nodes in group 0", c.Formation)
		}
		return c.print(a, c.Formation, uri)
	})
}

// publishedURI is the monitor's connection string as others should use it.
func (t target) publishedURI() string {
	if t.config != nil {
		return t.config.MonitorURI()
	}
	return t.uri
}

func (c *showURICmd) uri(ctx context.Context, client *monitor.Client, t target, formation string) (string, error) {
	options := t.clientSSL()
	options.Cluster = c.CitusCluster
	return client.FormationURI(ctx, formation, options)
}

// print prints one connection string.
func (c *showURICmd) print(a *app, formation, uri string) error {
	if c.JSON {
		return a.printJSON(map[string]string{formation: uri})
	}
	_, err := fmt.Fprintln(a.stdout, uri)
	return err
}

// list prints the monitor and every formation that has nodes.
func (c *showURICmd) list(ctx context.Context, a *app, client *monitor.Client, t target) error {
	formations, err := client.Formations(ctx)
	if err != nil {
		return err
	}
	rows := []uriRow{{Type: "monitor", Name: monitorName, URI: t.publishedURI()}}
	for _, f := range formations {
		uri, err := c.uri(ctx, client, t, f.ID)
		if err != nil {
			return err
		}
		if uri != "" {
			rows = append(rows, uriRow{Type: "formation", Name: f.ID, URI: uri})
		}
	}
	if c.JSON {
		return a.printJSON(rows)
	}
	return uriTable(rows).write(a.stdout)
}

func uriTable(rows []uriRow) *table {
	t := &table{columns: []column{
		{title: "Type", min: 12},
		{title: "Name", min: 4},
		{title: "Connection String", min: 31, left: true},
	}}
	for _, r := range rows {
		t.add(r.Type, r.Name, r.URI)
	}
	return t
}
