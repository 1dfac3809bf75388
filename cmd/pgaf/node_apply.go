package main

import (
	"context"

	"pgaf/keeper/nodefile"
	"pgaf/monitor"
)

type nodeApplyCmd struct {
	nodeFileArg
	DryRun bool `name:"dry-run" help:"Show what differs, and change nothing."`
	jsonOption
}

func (c *nodeApplyCmd) Run(a *app) error {
	f, err := c.read(a)
	if err != nil {
		return err
	}
	ctx, stop := a.interruptible()
	defer stop()
	return f.Differences(ctx, func(found []nodefile.Difference, client *monitor.Client) error {
		return c.apply(ctx, a, found, client)
	})
}

// differenceJSON is one row for programs.
type differenceJSON struct {
	Setting string `json:"setting"`
	File    string `json:"file"`
	Node    string `json:"node"`
	Result  string `json:"result"`
}

// apply changes what a running node can change, and prints the outcome of each
// difference also when one fails.
func (c *nodeApplyCmd) apply(ctx context.Context, a *app, found []nodefile.Difference, client *monitor.Client) error {
	rows := []differenceJSON{}
	fixed := 0
	var failed error
	for _, d := range found {
		result := "applied"
		switch {
		case !d.Mutable():
			fixed++
			result = "stays; use: " + d.Remedy
		case c.DryRun:
			result = "would be applied"
		case failed != nil:
			result = "not tried"
		default:
			if failed = d.Apply(ctx, client); failed != nil {
				result = "failed"
			}
		}
		rows = append(rows, differenceJSON{d.Setting, d.File, d.Node, result})
	}
	if err := c.print(a, rows); err != nil {
		return err
	}
	if failed == nil && fixed > 0 {
		return failure(exitBadConfig, "change the node with the command of that row, or the file", "%d settings of the file are not those of the node, and stay", fixed)
	}
	return failed
}

func (c *nodeApplyCmd) print(a *app, rows []differenceJSON) error {
	if c.JSON {
		return a.printJSON(rows)
	}
	if len(rows) == 0 {
		a.log.Info("the node is what the file says")
		return nil
	}
	t := &table{columns: []column{{title: "Setting", min: 7}, {title: "File", min: 4}, {title: "Node", min: 4}, {title: "Result", min: 6, left: true}}}
	for _, row := range rows {
		t.add(row.Setting, row.File, row.Node, row.Result)
	}
	return t.write(a.stdout)
}
