package main

import (
	"context"
	"time"

	"pgaf/keeper/nodefile"
	"pgaf/monitor"
)

type nodePostInitCmd struct {
	nodeFileArg
	PGData string `name:"pgdata" short:"D" placeholder:"DIR" help:"Data folder of the monitor, as the file has it."`
}

// postInitPatience is how long the monitor may take to answer.
const postInitPatience = 120 * time.Second

func (c *nodePostInitCmd) Run(a *app) error {
	f, err := c.read(a)
	if err != nil {
		return err
	}
	if err := sameFolder(f, c.PGData); err != nil {
		return err
	}
	if !f.IsMonitor() {
		return usageError("on a data node use: "+a.name+" node apply "+f.Path, "%s is the file of a data node, and has no formations to create", f.Path)
	}
	ctx, stop := a.interruptible()
	defer stop()
	patient, cancel := context.WithTimeout(ctx, postInitPatience)
	defer cancel()
	apply := nodeApplyCmd{nodeFileArg: c.nodeFileArg}
	return f.AwaitMonitor(patient, a.log, func(found []nodefile.Difference, client *monitor.Client) error {
		return apply.apply(patient, a, found, client)
	})
}
