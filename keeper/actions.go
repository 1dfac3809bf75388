package keeper

import (
	"context"
	"fmt"
	"time"

	"pgaf/keeper/killpoint"
	"pgaf/keeper/postgres"
	"pgaf/monitor"
)

// action takes a node along one edge. It may be cancelled or killed at any point
// and is then begun again: every step looks first at what is already done.
type action func(ctx context.Context, n *node, t Transition) error

// actions are the actions that Transitions name.
var actions map[string]action

func init() {
	// Filled here because actions refer to functions that look the table up.
	actions = map[string]action{
		"init_primary":                          initPrimary,
		"init_standby":                          initStandby,
		"init_from_standby":                     initFromStandby,
		"disable_replication":                   disableReplication,
		"resume_as_primary":                     resumeAsPrimary,
		"prepare_replication":                   prepareReplication,
		"disable_sync_rep":                      disableSyncRep,
		"enable_sync_rep":                       enableSyncRep,
		"start_postgres":                        startAsPrimary,
		"stop_postgres":                         stopServing,
		"stop_postgres_for_primary_maintenance": stopForMaintenance,
		"stop_postgres_and_setup_standby":       stopAsStandby,
		"start_maintenance_on_standby":          leaveToOperator,
		"restart_standby":                       rejoin,
		"rewind_or_init":                        rejoin,
		"follow_new_primary":                    followPrimary,
		"prepare_for_secondary":                 prepareForSecondary,
		"prepare_standby_for_promotion":         prepareForPromotion,
		"promote_standby":                       promote,
		"stop_replication":                      promoteReadOnly,
		"promote_standby_to_primary":            acceptWrites,
		"report_lsn":                            reportLSN,
		"report_lsn_and_drop_replication_slots": returnAsStandby,
		"fast_forward":                          fastForward,
		"cleanup_as_primary":                    nothing,
		"checkpoint_and_stop_postgres":          waitForWinner,
		"drop_node":                             dropNode,
	}
	for _, t := range Transitions {
		if t.Kind != KindAny {
			actions[t.Action] = needsCitus
		}
	}
}

// nothing is the action of transitions that are only a matter of the group.
func nothing(context.Context, *node, Transition) error { return nil }

// needsCitus stands for the actions of coordinators and workers.
func needsCitus(_ context.Context, n *node, t Transition) error {
	return fmt.Errorf("%w: %s ➜ %s on a %s (%s)", errNeedsCitus, t.From, t.To, n.cfg().NodeKind, t.Action)
}

// start makes sure that Postgres runs and accepts connections.
func (n *node) start(ctx context.Context) error {
	if n.server.Status() == postgres.Ready {
		return nil
	}
	if err := n.writeSettings(ctx); err != nil {
		return err
	}
	if postgres.IsStandby(n.paths.PGDATA) {
		if err := n.releaseTimelines(ctx); err != nil {
			return err
		}
	}
	killpoint.At(ctx, "start-Start")
	return n.server.Start(ctx)
}

// restart stops Postgres and starts it with the present settings.
func (n *node) restart(ctx context.Context) error {
	n.log.Info("restarting Postgres, for settings that take a restart", "port", n.cfg().Port)
	n.activity.set("restarting Postgres")
	defer n.activity.set("")
	if n.server.Status() == postgres.Ready {
		// While clients still write, so that they wait for a short one only.
		killpoint.At(ctx, "restart-Checkpoint")
		if err := n.server.Checkpoint(ctx); err != nil && ctx.Err() == nil {
			n.log.Warn("no checkpoint before the restart, which takes longer by that", "error", err)
		}
	}
	if err := n.stopNow(ctx); err != nil {
		return err
	}
	return n.start(ctx)
}

// stopPatience is how long a fast stop may take where the stop is urgent. Clients
// are cut off by the fast stop at once; what takes longer is the checkpoint, and
// standbys that cannot be reached.
const stopPatience = 3 * time.Second

// stopNow stops Postgres: in good order when that is quick, else without.
func (n *node) stopNow(ctx context.Context) error {
	begun := time.Now()
	killpoint.At(ctx, "stopNow-stopQuickly")
	err := stopQuickly(ctx, n.server)
	if took := time.Since(begun); err == nil && took >= stopPatience {
		n.log.Warn("a fast stop of Postgres took too long: it was stopped without a checkpoint", "took", took.Round(time.Millisecond))
	}
	return err
}

// stopServing stops a primary. A planned hand-over (draining) writes a checkpoint
// while clients still write, so that they wait for a short one only, and takes as
// long as the standbys need to receive everything; the monitor calls it off when
// that is too long. Every other stop is urgent.
func stopServing(ctx context.Context, n *node, t Transition) error {
	if t.To != monitor.StateDraining {
		return n.stopNow(ctx)
	}
	if n.server.Status() == postgres.Ready {
		killpoint.At(ctx, "stopServing-Checkpoint")
		if err := n.server.Checkpoint(ctx); err != nil && ctx.Err() == nil {
			n.log.Warn("no checkpoint before the stop, which takes longer by that", "error", err)
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	killpoint.At(ctx, "stopServing-Stop")
	return n.server.Stop(ctx, postgres.Fast)
}

// dropNode stops the Postgres of a node that left its group. Its data stays.
func dropNode(ctx context.Context, n *node, _ Transition) error {
	if err := n.stopNow(ctx); err != nil {
		return err
	}
	killpoint.At(ctx, "dropNode-removeFile")
	return removeFile(n.paths.Init)
}

// reentry is what makes a state true again after an action away from it was begun
// and the goal came back.
func reentry(s monitor.State) (Transition, bool) {
	names := map[monitor.State]string{
		monitor.StateSingle:           "disable_replication",
		monitor.StateWaitPrimary:      "disable_sync_rep",
		monitor.StatePrimary:          "start_postgres",
		monitor.StateCatchingup:       "follow_new_primary",
		monitor.StateSecondary:        "follow_new_primary",
		monitor.StateReportLSN:        "report_lsn",
		monitor.StateJoinSecondary:    "report_lsn",
		monitor.StateFastForward:      "report_lsn",
		monitor.StatePreparePromotion: "prepare_standby_for_promotion",
		monitor.StateDraining:         "stop_postgres",
		monitor.StateDemoted:          "stop_postgres",
		monitor.StateDemoteTimeout:    "stop_postgres",
	}
	name, found := names[s]
	return Transition{From: s, To: s, Kind: KindAny, Action: name, Comment: "back in " + string(s)}, found
}

// exitText says how a Postgres ended.
func exitText(e postgres.Exit) string {
	switch {
	case !e.Known:
		return "unknown"
	case e.Signal != 0:
		return fmt.Sprintf("signal %d (%s)", int(e.Signal), e.Signal)
	}
	return fmt.Sprintf("exit code %d", e.Code)
}
