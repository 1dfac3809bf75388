package main

import (
	"fmt"

	"pgaf/keeper"
)

// citusOptions are what coordinators and workers have beside the options of every node.
type citusOptions struct {
	Secondary bool   `name:"citus-secondary" short:"z" help:"A read replica: never promoted, of the cluster that --citus-cluster names."`
	Cluster   string `name:"citus-cluster" short:"Z" placeholder:"NAME" help:"Name of a Citus read replica cluster."`
}

// apply checks them and puts them into o.
func (c citusOptions) apply(o *keeper.CreateOptions) error {
	if c.Secondary && c.Cluster == "" {
		return usageError("pass --citus-cluster NAME", "of which cluster is the read replica? --citus-secondary needs --citus-cluster")
	}
	if c.Secondary && o.CandidatePriority == nil {
		never := 0
		o.CandidatePriority = &never
	}
	readOnly := c.Secondary || c.Cluster != "" && c.Cluster != "default"
	if readOnly && (o.CandidatePriority == nil || *o.CandidatePriority > 0) {
		return usageError("pass --candidate-priority 0", "a node of the read replica cluster %s is never promoted: its candidate priority is 0", c.Cluster)
	}
	o.Cluster, o.CitusSecondary = c.Cluster, c.Secondary
	return nil
}

type createCoordinatorCmd struct {
	createNodeOptions
	citusOptions
}

func (c *createCoordinatorCmd) Run(a *app) error {
	o, err := c.options(a)
	if err != nil {
		return err
	}
	if err := c.apply(&o); err != nil {
		return err
	}
	coordinators := 0
	o.NodeKind, o.Group = "coordinator", &coordinators
	return c.create(o)
}

type createWorkerCmd struct {
	createNodeOptions
	citusOptions
	ProxyPort *port        `name:"proxyport" short:"y" placeholder:"PORT" help:"Port of a connection pooler before this worker, for the coordinator."`
	Group     *workerGroup `name:"group" short:"g" placeholder:"N" help:"Group of workers to join, from 1 (default: the monitor chooses one)."`
}

func (c *createWorkerCmd) Run(a *app) error {
	o, err := c.options(a)
	if err != nil {
		return err
	}
	if err := c.apply(&o); err != nil {
		return err
	}
	o.NodeKind, o.Group = "worker", (*int)(c.Group)
	if c.ProxyPort != nil {
		o.ProxyPort = int(*c.ProxyPort)
	}
	return c.create(o)
}

// workerGroup is a group of workers; group 0 is the coordinators'.
type workerGroup int

func (g *workerGroup) UnmarshalText(text []byte) error {
	n, err := wholeNumber(text, 1)
	if err != nil {
		return fmt.Errorf("a group of workers is a number from 1 (group 0 is the coordinators'), got %q", text)
	}
	*g = workerGroup(n)
	return nil
}

// nodeID is the number of a node that no monitor numbers.
type nodeID int64

func (id *nodeID) UnmarshalText(text []byte) error {
	n, err := wholeNumber(text, 1)
	if err != nil {
		return fmt.Errorf("a node id is a number from 1, got %q", text)
	}
	*id = nodeID(n)
	return nil
}

// wholeNumber reads a number that is at least so much.
func wholeNumber(text []byte, least int) (n int, err error) {
	if _, err = fmt.Sscanf(string(text)+"\n", "%d\n", &n); err == nil && n < least {
		err = fmt.Errorf("%d is less than %d", n, least)
	}
	return n, err
}
