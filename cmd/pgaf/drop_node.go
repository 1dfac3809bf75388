package main

import (
	"context"
	"errors"
	"fmt"

	"pgaf/keeper"
	"pgaf/monitor"
)

type dropNodeCmd struct {
	nodeSelector
	formationOption
	Name     string  `name:"name" short:"a" placeholder:"NAME" help:"Name of another machine's node."`
	Hostname string  `name:"hostname" short:"n" aliases:"nodename" placeholder:"HOST" help:"Host of another machine's node."`
	Port     port    `name:"pgport" short:"p" env:"PGPORT" placeholder:"PORT" help:"Port of another machine's node (default 5432)."`
	Destroy  bool    `name:"destroy" short:"d" help:"Also remove the data folder and files of the local node."`
	Force    bool    `name:"force" short:"F" help:"Remove it at once, without waiting for the node's own goodbye."`
	Wait     seconds `name:"wait" short:"w" default:"60" placeholder:"SECONDS" help:"How long to wait until the node is gone; 0 does not wait (default 60)."`
	NoWait   bool    `name:"no-wait" short:"W" help:"Tell the monitor and return."`
	dryRunOption
}

func (c *dropNodeCmd) Run(a *app) error {
	t, err := c.resolveNode(a)
	if err != nil {
		return err
	}
	if c.Wait == 0 {
		c.NoWait = true
	}
	if t.isKeeper() {
		return c.dropLocal(a, t)
	}
	return c.dropRemote(a, t)
}

// resolveNode is resolve, but a node of this machine that was named is the one to
// drop, whichever monitor the environment names; and a node whose monitor is
// disabled can be dropped too.
func (c *dropNodeCmd) resolveNode(a *app) (target, error) {
	if a.given["pgdata"] && !a.given["monitor"] {
		c.Monitor = ""
	}
	if c.Monitor == "" && c.PGData != "" {
		config, err := keeper.Load(c.PGData)
		if err == nil && config.MonitorDisabled() {
			return target{config: config, formation: config.Formation}, nil
		}
	}
	return c.resolve(a, c.Formation, nil)
}

// dropLocal drops the node of this machine, whose keeper says goodbye.
func (c *dropNodeCmd) dropLocal(a *app, t target) error {
	for _, option := range []string{"name", "hostname", "pgport"} {
		if a.given[option] {
			return usageError("leave it out, or name the monitor with --monitor instead of --pgdata",
				"--%s selects another machine's node, and --pgdata is a node of this one", option)
		}
	}
	ctx, stop := a.interruptible()
	defer stop()
	if c.DryRun {
		return c.previewLocal(ctx, a, t)
	}
	if !c.NoWait {
		line := a.waiting(waitText{what: "the node to leave its group and to end", limit: c.Wait.duration(), stop: "Ctrl-C stops waiting"})
		defer line.end()
	}
	err := keeper.DropNode(ctx, keeper.DropNodeOptions{
		PGDATA:  c.PGData,
		Destroy: c.Destroy,
		Force:   c.Force,
		NoWait:  c.NoWait,
		Wait:    c.Wait.duration(),
		Logger:  a.log,
	})
	if errors.Is(err, context.Canceled) {
		return failure(exitInterrupted, "the node goes on leaving; repeat the command to finish, and to remove its files", "stopped waiting for the node to leave")
	}
	return err
}

// previewLocal prints what would become of the node of this machine, its group and its files.
func (c *dropNodeCmd) previewLocal(ctx context.Context, a *app, t target) error {
	if err := a.previewFiles(c.PGData, keeper.RoleKeeper, c.Destroy); err != nil {
		return err
	}
	if t.config.MonitorDisabled() {
		return nil
	}
	client, err := t.connect(ctx)
	if err != nil {
		return err
	}
	defer client.Close(context.WithoutCancel(ctx))
	nodes, err := client.CurrentState(ctx, t.formation, nil)
	if err != nil {
		return onMonitor(err)
	}
	node, err := nodeByName(t.formation, nodes, t.config.Name)
	if err != nil {
		return err
	}
	return a.preview(ctx, client, t, node.GroupID, false, func(ctx context.Context) error {
		_, err := client.RemoveNodeByID(ctx, node.ID, c.Force)
		return err
	})
}

// dropRemote drops another machine's node: one call on the monitor, then a wait
// until its keeper has said goodbye.
func (c *dropNodeCmd) dropRemote(a *app, t target) error {
	if err := c.checkRemote(); err != nil {
		return err
	}
	ctx, stop := a.interruptible()
	defer stop()
	client, err := t.connect(ctx)
	if err != nil {
		return err
	}
	defer client.Close(context.WithoutCancel(ctx))
	node, err := c.find(ctx, a, client, t)
	if err != nil {
		return err
	}
	remove := func(ctx context.Context) error {
		_, err := client.RemoveNodeByID(ctx, node.ID, c.Force)
		return err
	}
	if c.DryRun {
		return a.preview(ctx, client, t, node.GroupID, false, remove)
	}
	if c.NoWait {
		return onMonitor(remove(ctx))
	}
	w := &waiter{
		app:     a,
		client:  client,
		target:  t,
		group:   &node.GroupID,
		timeout: c.Wait.duration(),
		what:    fmt.Sprintf("node %s to leave", node.Name),
		code:    exitInternal,
		goesOn:  "it leaves when its keeper reports; when that is gone for good, repeat with --force",
		remedy:  "when its keeper is gone for good, repeat with --force",
		silent:  true,
		request: remove,
		done:    func(nodes []monitor.Node) (bool, error) { return nodeByID(nodes, node.ID) == nil, nil },
	}
	if err := w.run(ctx); err != nil {
		return err
	}
	a.log.Info(fmt.Sprintf("node %s (%d) is removed from formation %s", node.Name, node.ID, t.formation))
	return nil
}

func (c *dropNodeCmd) checkRemote() error {
	switch {
	case c.Name == "" && c.Hostname == "":
		return usageError("pass --name NAME, or --hostname HOST and --pgport PORT", "which node? --name is missing")
	case c.Name != "" && c.Hostname != "":
		return usageError("leave out one of them", "--name and --hostname exclude each other")
	case c.Destroy:
		return usageError("run it on the node's own machine with --pgdata DIR --destroy",
			"--destroy removes files of this machine, and the node is selected through the monitor")
	}
	return nil
}

// find is the node that the options name.
func (c *dropNodeCmd) find(ctx context.Context, a *app, client *monitor.Client, t target) (monitor.Node, error) {
	nodes, err := client.CurrentState(ctx, t.formation, nil)
	if err != nil {
		return monitor.Node{}, onMonitor(err)
	}
	if c.Name != "" {
		return nodeByName(t.formation, nodes, c.Name)
	}
	number := int(c.Port)
	if number == 0 {
		number = 5432
	}
	for _, node := range nodes {
		if node.Host == c.Hostname && node.Port == number {
			return node, nil
		}
	}
	return monitor.Node{}, failure(exitMonitor, "list the nodes with: "+a.name+" show state",
		"formation %s has no node at %s", t.formation, hostPort(c.Hostname, number))
}
