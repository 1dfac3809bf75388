package keeper

import (
	"context"

	"pgaf/keeper/killpoint"
	"pgaf/keeper/postgres"
)

// stopForMaintenance stops a primary that hands over and is then the operator's.
func stopForMaintenance(ctx context.Context, n *node, _ Transition) error {
	if n.server.Status() == postgres.Ready {
		killpoint.At(ctx, "stopForMaintenance-Checkpoint")
		if err := n.server.Checkpoint(ctx); err != nil && ctx.Err() == nil {
			n.log.Warn("no checkpoint before the stop, which takes longer by that", "error", err)
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	killpoint.At(ctx, "stopForMaintenance-Stop")
	return n.server.Stop(ctx, postgres.Fast)
}

// stopAsStandby leaves a former primary such that the operator who starts it gets a
// standby of nobody, and not a second primary.
func stopAsStandby(ctx context.Context, n *node, _ Transition) error {
	if err := n.ensureStopped(ctx); err != nil {
		return err
	}
	killpoint.At(ctx, "stopAsStandby-WriteStandby")
	_, err := postgres.WriteStandby(n.paths.PGDATA, postgres.Upstream{})
	return err
}

// leaveToOperator: Postgres keeps running, and the keeper starts and stops nothing.
func leaveToOperator(_ context.Context, n *node, _ Transition) error {
	n.log.Info("maintenance: Postgres is the operator's until maintenance is disabled")
	return nil
}
