package main

import (
	"pgaf/keeper"
	"pgaf/monitor"
)

type fsmAssignCmd struct {
	pgdataOption
	jsonOption
	State string `arg:"" name:"state" help:"State to become."`
}

func (c *fsmAssignCmd) Run(a *app) error {
	pgdata, err := c.require()
	if err != nil {
		return err
	}
	goal := monitor.State(c.State)
	if !goal.Valid() {
		var states []string
		for _, state := range monitor.States {
			states = append(states, string(state))
		}
		return usageError(suggest(nearest(c.State, states), "see where the node can go with: "+a.name+" inspect fsm list"),
			"there is no state %q", c.State)
	}
	ctx, stop := a.interruptible()
	defer stop()
	line := a.waiting(waitText{what: "the node to become " + string(goal), stop: "Ctrl-C stops waiting, and the change goes on", late: true})
	err = keeper.AssignGoal(ctx, pgdata, goal)
	line.end()
	if err != nil {
		return err
	}
	return printNodeState(a, pgdata)
}
