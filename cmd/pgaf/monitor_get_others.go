package main

import (
	"context"

	"pgaf/keeper"
	"pgaf/monitor"
)

type monitorGetOthersCmd struct {
	pgdataOption
	jsonOption
}

func (c *monitorGetOthersCmd) Run(a *app) error {
	pgdata, err := c.require()
	if err != nil {
		return err
	}
	id, err := localNodeID(pgdata)
	if err != nil {
		return err
	}
	return nodeSelector{PGData: pgdata}.ask(a, "", nil, func(ctx context.Context, client *monitor.Client, _ target) error {
		others, err := client.OtherNodes(ctx, id)
		if err != nil {
			return err
		}
		return printPeers(a, others, c.JSON)
	})
}

// localNodeID is the id of the node of pgdata, from its state file.
func localNodeID(pgdata string) (int64, error) {
	config, err := keeper.Load(pgdata)
	if err != nil {
		return 0, err
	}
	if config.IsMonitor() {
		return 0, failure(exitBadConfig, "name the data folder of a node with --pgdata", "%s is a monitor, not a node", pgdata)
	}
	paths, err := keeper.PathsOf(pgdata)
	if err != nil {
		return 0, err
	}
	state, err := keeper.ReadState(paths.State)
	return state.NodeID, err
}
