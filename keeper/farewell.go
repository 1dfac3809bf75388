package keeper

import (
	"context"
	"fmt"
	"log/slog"

	"pgaf/monitor"
)

// dropped says whether a node has left its group.
func dropped(s State) bool {
	return s.Current == monitor.StateDropped && s.Assigned == monitor.StateDropped
}

// farewell tells the monitor of a removal that is complete, where the keeper was killed
// before it could: until then the monitor waits for it. A monitor that has forgotten the
// node, or does not answer, is no obstacle.
func farewell(ctx context.Context, cfg *Config, s State, log *slog.Logger) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	client, err := connectMonitor(ctx, cfg, fmt.Sprintf("pgautofailover_keeper_%d", s.NodeID))
	if err == nil {
		defer client.Close(context.WithoutCancel(ctx))
		var waited bool
		var node monitor.Node
		if node, waited, err = client.NodeByID(ctx, s.NodeID); err == nil && (!waited || node.Assigned != monitor.StateDropped) {
			return
		}
	}
	if err == nil {
		err = client.OpenSession(ctx, s.NodeID)
	}
	if err == nil {
		_, err = client.NodeActive(ctx, monitor.Report{Formation: cfg.Formation, NodeID: s.NodeID, GroupID: s.GroupID, State: monitor.StateDropped})
	}
	if err != nil {
		log.Warn("the monitor could not be told that this node has left its group", "error", err)
		return
	}
	log.Info("the monitor knows now that this node has left its group")
}
