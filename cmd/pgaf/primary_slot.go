package main

import (
	"context"
	"fmt"

	"pgaf/keeper"
)

type slotOptions struct {
	handOptions
	NodeID *count `name:"node-id" placeholder:"N" help:"Node whose slot it is (default: the local one)."`
}

// node is the node whose slot it is; 0 for the local one.
func (o slotOptions) node() int64 {
	if o.NodeID == nil {
		return 0
	}
	return int64(*o.NodeID)
}

type slotCreateCmd struct{ slotOptions }

func (c *slotCreateCmd) Run(a *app) error {
	return c.byHand(a, func(ctx context.Context, o keeper.HandOptions) error {
		name, created, err := keeper.CreateSlotByHand(ctx, o, c.node())
		if err != nil {
			return err
		}
		a.log.Info(fmt.Sprintf("replication slot %s is there", name), "created", created)
		return nil
	})
}

type slotDropCmd struct{ slotOptions }

func (c *slotDropCmd) Run(a *app) error {
	return c.byHand(a, func(ctx context.Context, o keeper.HandOptions) error {
		name, dropped, err := keeper.DropSlotByHand(ctx, o, c.node())
		if err != nil {
			return err
		}
		a.log.Info(fmt.Sprintf("there is no replication slot %s", name), "dropped", dropped)
		return nil
	})
}
