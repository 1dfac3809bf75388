package keeper

import (
	"fmt"

	"pgaf/monitor"
)

// Any stands for every state, as the From of a Transition.
const Any monitor.State = "any"

// Kinds of nodes that a Transition can be for. KindCitus is both of the other two.
const (
	KindAny         = "any"
	KindCitus       = "citus"
	KindCoordinator = "coordinator"
	KindWorker      = "worker"
)

// Phases group the transitions for people who draw them.
const (
	PhaseNone        = ""
	PhaseInit        = "init"
	PhaseSteady      = "steady-state"
	PhaseFailover    = "failover"
	PhaseMaintenance = "maintenance"
	PhaseRemoval     = "removal"
)

// Transition is one edge that a keeper can walk: what it does to get from one
// state to the next.
type Transition struct {
	From    monitor.State // or Any
	To      monitor.State
	Kind    string // of node
	Action  string // key of the table of actions; "": the new state is simply adopted
	Phase   string
	Comment string
}

// Transitions is the keeper's state machine, searched in order: rows for one kind
// of node precede the row for any. The monitor may only assign goals that a walk
// along these edges reaches.
var Transitions = []Transition{
	{monitor.StateInit, monitor.StateSingle, KindCoordinator, "citus_coordinator_init_primary", PhaseNone, ""},
	{monitor.StateInit, monitor.StateSingle, KindWorker, "citus_worker_init_primary", PhaseNone, ""},
	{monitor.StateInit, monitor.StateSingle, KindAny, "init_primary", PhaseInit, "initialise or adopt the data folder and serve alone"},
	{monitor.StateDropped, monitor.StateSingle, KindWorker, "citus_worker_init_primary", PhaseNone, ""},
	{monitor.StateDropped, monitor.StateSingle, KindAny, "init_primary", PhaseInit, "initialise or adopt the data folder and serve alone"},
	{monitor.StateDropped, monitor.StateReportLSN, KindAny, "init_from_standby", PhaseInit, "copy the most advanced standby while there is no primary"},
	{monitor.StatePrimary, monitor.StateSingle, KindAny, "disable_replication", PhaseRemoval, "the last standby left: serve alone"},
	{monitor.StateWaitPrimary, monitor.StateSingle, KindAny, "disable_replication", PhaseRemoval, "the last standby left: serve alone"},
	{monitor.StateJoinPrimary, monitor.StateSingle, KindAny, "disable_replication", PhaseRemoval, "the last standby left: serve alone"},
	{monitor.StatePrimary, monitor.StateDraining, KindAny, "stop_postgres", PhaseFailover, "stop serving so that a standby may take over"},
	{monitor.StateDraining, monitor.StateDemoted, KindAny, "stop_postgres", PhaseFailover, "a standby takes over: stay stopped"},
	{monitor.StatePrimary, monitor.StateDemoted, KindAny, "stop_postgres", PhaseFailover, "another node is the primary: stop serving at once"},
	{monitor.StatePrimary, monitor.StateDemoteTimeout, KindAny, "stop_postgres", PhaseFailover, "cut off, or too slow to drain: stop serving at once"},
	{monitor.StateJoinPrimary, monitor.StateDraining, KindAny, "stop_postgres", PhaseFailover, "stop serving so that a standby may take over"},
	{monitor.StateJoinPrimary, monitor.StateDemoted, KindAny, "stop_postgres", PhaseFailover, "another node is the primary: stop serving at once"},
	{monitor.StateJoinPrimary, monitor.StateDemoteTimeout, KindAny, "stop_postgres", PhaseFailover, "cut off, or too slow to drain: stop serving at once"},
	{monitor.StateApplySettings, monitor.StateDraining, KindAny, "stop_postgres", PhaseFailover, "stop serving so that a standby may take over"},
	{monitor.StateApplySettings, monitor.StateDemoted, KindAny, "stop_postgres", PhaseFailover, "another node is the primary: stop serving at once"},
	{monitor.StateApplySettings, monitor.StateDemoteTimeout, KindAny, "stop_postgres", PhaseFailover, "cut off, or too slow to drain: stop serving at once"},
	{monitor.StatePrimary, monitor.StatePrepareMaintenance, KindAny, "stop_postgres_for_primary_maintenance", PhaseMaintenance, "checkpoint and stop, for maintenance"},
	{monitor.StatePrepareMaintenance, monitor.StateMaintenance, KindAny, "stop_postgres_and_setup_standby", PhaseMaintenance, "stopped as a standby without upstream, so that an operator cannot start a second primary"},
	{monitor.StatePrimary, monitor.StateMaintenance, KindAny, "stop_postgres_for_primary_maintenance", PhaseMaintenance, "checkpoint and stop, for maintenance"},
	{monitor.StateDraining, monitor.StateDemoteTimeout, KindAny, "stop_postgres", PhaseFailover, "cut off, or too slow to drain: stop serving at once"},
	{monitor.StateDemoteTimeout, monitor.StateDemoted, KindAny, "stop_postgres", PhaseFailover, "a standby took over: stay stopped"},
	{monitor.StateWaitPrimary, monitor.StateDemoted, KindAny, "stop_postgres", PhaseFailover, "another node is the primary: stop serving at once"},
	{monitor.StateInit, monitor.StateDemoted, KindAny, "stop_postgres", PhaseFailover, "another node is the primary: stop serving at once"},
	{monitor.StateSingle, monitor.StateDemoted, KindAny, "stop_postgres", PhaseFailover, "another node is the primary: stop serving at once"},
	{monitor.StateCatchingup, monitor.StateDemoted, KindAny, "stop_postgres", PhaseFailover, "another node is the primary: stop serving at once"},
	{monitor.StateSecondary, monitor.StateDemoted, KindAny, "stop_postgres", PhaseFailover, "another node is the primary: stop serving at once"},
	{monitor.StatePreparePromotion, monitor.StateDemoted, KindAny, "stop_postgres", PhaseFailover, "another node is the primary: stop serving at once"},
	{monitor.StateStopReplication, monitor.StateDemoted, KindAny, "stop_postgres", PhaseFailover, "another node is the primary: stop serving at once"},
	{monitor.StateMaintenance, monitor.StateDemoted, KindAny, "stop_postgres", PhaseFailover, "another node is the primary: stop serving at once"},
	{monitor.StatePrepareMaintenance, monitor.StateDemoted, KindAny, "stop_postgres", PhaseFailover, "another node is the primary: stop serving at once"},
	{monitor.StateWaitMaintenance, monitor.StateDemoted, KindAny, "stop_postgres", PhaseFailover, "another node is the primary: stop serving at once"},
	{monitor.StateReportLSN, monitor.StateDemoted, KindAny, "stop_postgres", PhaseFailover, "another node is the primary: stop serving at once"},
	{monitor.StateFastForward, monitor.StateDemoted, KindAny, "stop_postgres", PhaseFailover, "another node is the primary: stop serving at once"},
	{monitor.StateInit, monitor.StateDemoteTimeout, KindAny, "stop_postgres", PhaseFailover, "cut off, or too slow to drain: stop serving at once"},
	{monitor.StateSingle, monitor.StateDemoteTimeout, KindAny, "stop_postgres", PhaseFailover, "cut off, or too slow to drain: stop serving at once"},
	{monitor.StateDemoted, monitor.StateDemoteTimeout, KindAny, "stop_postgres", PhaseFailover, "cut off, or too slow to drain: stop serving at once"},
	{monitor.StateCatchingup, monitor.StateDemoteTimeout, KindAny, "stop_postgres", PhaseFailover, "cut off, or too slow to drain: stop serving at once"},
	{monitor.StateSecondary, monitor.StateDemoteTimeout, KindAny, "stop_postgres", PhaseFailover, "cut off, or too slow to drain: stop serving at once"},
	{monitor.StatePreparePromotion, monitor.StateDemoteTimeout, KindAny, "stop_postgres", PhaseFailover, "cut off, or too slow to drain: stop serving at once"},
	{monitor.StateStopReplication, monitor.StateDemoteTimeout, KindAny, "stop_postgres", PhaseFailover, "cut off, or too slow to drain: stop serving at once"},
	{monitor.StateMaintenance, monitor.StateDemoteTimeout, KindAny, "stop_postgres", PhaseFailover, "cut off, or too slow to drain: stop serving at once"},
	{monitor.StatePrepareMaintenance, monitor.StateDemoteTimeout, KindAny, "stop_postgres", PhaseFailover, "cut off, or too slow to drain: stop serving at once"},
	{monitor.StateWaitMaintenance, monitor.StateDemoteTimeout, KindAny, "stop_postgres", PhaseFailover, "cut off, or too slow to drain: stop serving at once"},
	{monitor.StateReportLSN, monitor.StateDemoteTimeout, KindAny, "stop_postgres", PhaseFailover, "cut off, or too slow to drain: stop serving at once"},
	{monitor.StateFastForward, monitor.StateDemoteTimeout, KindAny, "stop_postgres", PhaseFailover, "cut off, or too slow to drain: stop serving at once"},
	{monitor.StateDemoted, monitor.StateSingle, KindWorker, "citus_worker_resume_as_primary", PhaseNone, ""},
	{monitor.StateDemoted, monitor.StateSingle, KindAny, "resume_as_primary", PhaseRemoval, "no other node is left: serve again"},
	{monitor.StateDemoteTimeout, monitor.StateSingle, KindWorker, "citus_worker_resume_as_primary", PhaseNone, ""},
	{monitor.StateDemoteTimeout, monitor.StateSingle, KindAny, "resume_as_primary", PhaseRemoval, "no other node is left: serve again"},
	{monitor.StateDraining, monitor.StateSingle, KindWorker, "citus_worker_resume_as_primary", PhaseNone, ""},
	{monitor.StateDraining, monitor.StateSingle, KindAny, "resume_as_primary", PhaseRemoval, "no other node is left: serve again"},
	{monitor.StateSecondary, monitor.StateSingle, KindCoordinator, "citus_coordinator_promote_standby_to_single", PhaseNone, ""},
	{monitor.StateSecondary, monitor.StateSingle, KindWorker, "citus_worker_promote_standby_to_single", PhaseNone, ""},
	{monitor.StateSecondary, monitor.StateSingle, KindAny, "promote_standby", PhaseRemoval, "promote"},
	{monitor.StateCatchingup, monitor.StateSingle, KindCoordinator, "citus_coordinator_promote_standby_to_single", PhaseNone, ""},
	{monitor.StateCatchingup, monitor.StateSingle, KindWorker, "citus_worker_promote_standby_to_single", PhaseNone, ""},
	{monitor.StateCatchingup, monitor.StateSingle, KindAny, "promote_standby", PhaseRemoval, "promote"},
	{monitor.StatePreparePromotion, monitor.StateSingle, KindCoordinator, "citus_coordinator_promote_standby_to_single", PhaseNone, ""},
	{monitor.StatePreparePromotion, monitor.StateSingle, KindWorker, "citus_worker_promote_standby_to_single", PhaseNone, ""},
	{monitor.StatePreparePromotion, monitor.StateSingle, KindAny, "promote_standby", PhaseRemoval, "promote"},
	{monitor.StateStopReplication, monitor.StateSingle, KindWorker, "citus_worker_promote_standby_to_single", PhaseNone, ""},
	{monitor.StateStopReplication, monitor.StateSingle, KindAny, "promote_standby", PhaseRemoval, "promote"},
	{monitor.StateReportLSN, monitor.StateSingle, KindAny, "promote_standby", PhaseRemoval, "promote"},
	{monitor.StateWaitMaintenance, monitor.StateSingle, KindAny, "promote_standby", PhaseRemoval, "promote"},
	{monitor.StateFastForward, monitor.StateSingle, KindAny, "promote_standby", PhaseRemoval, "promote"},
	{monitor.StateSingle, monitor.StateWaitPrimary, KindAny, "prepare_replication", PhaseInit, "let a standby connect: access rules and slots"},
	{monitor.StatePrimary, monitor.StateJoinPrimary, KindAny, "prepare_replication", PhaseSteady, "another standby joins: access rules and slots"},
	{monitor.StatePrimary, monitor.StateWaitPrimary, KindAny, "disable_sync_rep", PhaseSteady, "no standby is able to confirm: stop waiting for one"},
	{monitor.StateJoinPrimary, monitor.StateWaitPrimary, KindAny, "disable_sync_rep", PhaseSteady, "no standby is able to confirm: stop waiting for one"},
	{monitor.StateWaitPrimary, monitor.StateJoinPrimary, KindAny, "prepare_replication", PhaseSteady, "another standby joins: access rules and slots"},
	{monitor.StateWaitPrimary, monitor.StatePrimary, KindAny, "enable_sync_rep", PhaseSteady, "a standby has caught up: wait for it before acknowledging a commit"},
	{monitor.StateJoinPrimary, monitor.StatePrimary, KindAny, "enable_sync_rep", PhaseSteady, "a standby has caught up: wait for it before acknowledging a commit"},
	{monitor.StateDemoteTimeout, monitor.StatePrimary, KindAny, "start_postgres", PhaseFailover, "nothing was promoted meanwhile: serve again"},
	{monitor.StateWaitStandby, monitor.StateCatchingup, KindAny, "init_standby", PhaseInit, "copy the primary and follow it"},
	{monitor.StateDemoted, monitor.StateCatchingup, KindAny, "rewind_or_init", PhaseFailover, "a new primary serves: rewind to it, or copy it, and follow it"},
	{monitor.StateSecondary, monitor.StateCatchingup, KindAny, "follow_new_primary", PhaseSteady, "follow the primary"},
	{monitor.StateCatchingup, monitor.StateSecondary, KindCitus, "citus_maintain_replication_slots", PhaseNone, ""},
	{monitor.StateCatchingup, monitor.StateSecondary, KindAny, "prepare_for_secondary", PhaseSteady, "caught up on the timeline of the primary"},
	{monitor.StateSecondary, monitor.StatePreparePromotion, KindWorker, "citus_worker_prepare_standby_for_promotion", PhaseNone, ""},
	{monitor.StateSecondary, monitor.StatePreparePromotion, KindAny, "prepare_standby_for_promotion", PhaseFailover, "be ready to be promoted"},
	{monitor.StateCatchingup, monitor.StatePreparePromotion, KindWorker, "citus_worker_prepare_standby_for_promotion", PhaseNone, ""},
	{monitor.StateCatchingup, monitor.StatePreparePromotion, KindAny, "prepare_standby_for_promotion", PhaseFailover, "be ready to be promoted"},
	{monitor.StatePreparePromotion, monitor.StateStopReplication, KindWorker, "citus_worker_stop_replication", PhaseNone, ""},
	{monitor.StatePreparePromotion, monitor.StateStopReplication, KindAny, "stop_replication", PhaseFailover, "promote, still refusing writes by default"},
	{monitor.StateStopReplication, monitor.StateWaitPrimary, KindCoordinator, "citus_coordinator_promote_standby_to_primary", PhaseNone, ""},
	{monitor.StateStopReplication, monitor.StateWaitPrimary, KindWorker, "citus_worker_promote_standby_to_primary", PhaseNone, ""},
	{monitor.StateStopReplication, monitor.StateWaitPrimary, KindAny, "promote_standby_to_primary", PhaseFailover, "accept writes"},
	{monitor.StatePreparePromotion, monitor.StateWaitPrimary, KindWorker, "citus_worker_promote_standby", PhaseNone, ""},
	{monitor.StatePreparePromotion, monitor.StateWaitPrimary, KindAny, "promote_standby", PhaseFailover, "promote"},
	{monitor.StateInit, monitor.StateWaitStandby, KindAny, "", PhaseInit, "wait until the primary is ready for a standby"},
	{monitor.StateDropped, monitor.StateWaitStandby, KindAny, "", PhaseInit, "wait until the primary is ready for a standby"},
	{monitor.StateSecondary, monitor.StateWaitStandby, KindAny, "", PhaseSteady, "wait until the primary is ready for a standby"},
	{monitor.StateSecondary, monitor.StateWaitMaintenance, KindAny, "", PhaseMaintenance, "wait until the primary no longer needs this standby"},
	{monitor.StateCatchingup, monitor.StateWaitMaintenance, KindAny, "", PhaseMaintenance, "wait until the primary no longer needs this standby"},
	{monitor.StateSecondary, monitor.StateMaintenance, KindAny, "start_maintenance_on_standby", PhaseMaintenance, "leave Postgres to the operator"},
	{monitor.StateCatchingup, monitor.StateMaintenance, KindAny, "start_maintenance_on_standby", PhaseMaintenance, "leave Postgres to the operator"},
	{monitor.StateWaitMaintenance, monitor.StateMaintenance, KindAny, "start_maintenance_on_standby", PhaseMaintenance, "leave Postgres to the operator"},
	{monitor.StateMaintenance, monitor.StateCatchingup, KindAny, "restart_standby", PhaseMaintenance, "maintenance is over: rewind where needed and follow the primary"},
	{monitor.StatePrepareMaintenance, monitor.StateCatchingup, KindAny, "restart_standby", PhaseMaintenance, "maintenance is over: rewind where needed and follow the primary"},
	{monitor.StatePrimary, monitor.StateApplySettings, KindAny, "", PhaseSteady, "settings of the formation or of a node changed"},
	{monitor.StateWaitPrimary, monitor.StateApplySettings, KindAny, "", PhaseSteady, "settings of the formation or of a node changed"},
	{monitor.StateApplySettings, monitor.StatePrimary, KindAny, "enable_sync_rep", PhaseSteady, "a standby has caught up: wait for it before acknowledging a commit"},
	{monitor.StateApplySettings, monitor.StateSingle, KindAny, "disable_replication", PhaseRemoval, "the last standby left: serve alone"},
	{monitor.StateApplySettings, monitor.StateWaitPrimary, KindAny, "disable_sync_rep", PhaseSteady, "no standby is able to confirm: stop waiting for one"},
	{monitor.StateApplySettings, monitor.StateJoinPrimary, KindAny, "prepare_replication", PhaseSteady, "another standby joins: access rules and slots"},
	{monitor.StateSecondary, monitor.StateReportLSN, KindAny, "report_lsn", PhaseFailover, "stop receiving, and report how far this node has come"},
	{monitor.StateCatchingup, monitor.StateReportLSN, KindAny, "report_lsn", PhaseFailover, "stop receiving, and report how far this node has come"},
	{monitor.StateMaintenance, monitor.StateReportLSN, KindAny, "report_lsn", PhaseMaintenance, "stop receiving, and report how far this node has come"},
	{monitor.StatePrepareMaintenance, monitor.StateReportLSN, KindAny, "report_lsn", PhaseMaintenance, "stop receiving, and report how far this node has come"},
	{monitor.StateWaitMaintenance, monitor.StateReportLSN, KindAny, "report_lsn", PhaseMaintenance, "stop receiving, and report how far this node has come"},
	{monitor.StateFastForward, monitor.StateReportLSN, KindAny, "report_lsn", PhaseFailover, "stop receiving, and report how far this node has come"},
	{monitor.StatePreparePromotion, monitor.StateReportLSN, KindAny, "report_lsn", PhaseFailover, "stop receiving, and report how far this node has come"},
	{monitor.StateStopReplication, monitor.StateReportLSN, KindAny, "report_lsn", PhaseFailover, "stop receiving, and report how far this node has come"},
	{monitor.StateDemoteTimeout, monitor.StateReportLSN, KindAny, "report_lsn", PhaseFailover, "stop receiving, and report how far this node has come"},
	{monitor.StateJoinSecondary, monitor.StateReportLSN, KindAny, "report_lsn", PhaseFailover, "stop receiving, and report how far this node has come"},
	{monitor.StateReportLSN, monitor.StatePreparePromotion, KindWorker, "citus_worker_prepare_standby_for_promotion", PhaseNone, ""},
	{monitor.StateReportLSN, monitor.StatePreparePromotion, KindAny, "prepare_standby_for_promotion", PhaseFailover, "be ready to be promoted"},
	{monitor.StateReportLSN, monitor.StateFastForward, KindAny, "fast_forward", PhaseFailover, "fetch the WAL that only another standby has"},
	{monitor.StateFastForward, monitor.StatePreparePromotion, KindCitus, "citus_cleanup_and_resume_as_primary", PhaseNone, ""},
	{monitor.StateFastForward, monitor.StatePreparePromotion, KindAny, "cleanup_as_primary", PhaseFailover, "has every byte of WAL that any standby has"},
	{monitor.StateReportLSN, monitor.StateJoinSecondary, KindAny, "checkpoint_and_stop_postgres", PhaseFailover, "another node was elected: wait until it serves"},
	{monitor.StateReportLSN, monitor.StateSecondary, KindAny, "follow_new_primary", PhaseFailover, "follow the primary"},
	{monitor.StateJoinSecondary, monitor.StateSecondary, KindAny, "follow_new_primary", PhaseFailover, "follow the primary"},
	{monitor.StateDraining, monitor.StateReportLSN, KindAny, "report_lsn_and_drop_replication_slots", PhaseFailover, "come back as a standby without upstream, and report how far this node has come"},
	{monitor.StateDemoted, monitor.StateReportLSN, KindAny, "report_lsn_and_drop_replication_slots", PhaseFailover, "come back as a standby without upstream, and report how far this node has come"},
	{monitor.StateInit, monitor.StateReportLSN, KindAny, "init_from_standby", PhaseInit, "copy the most advanced standby while there is no primary"},
	{Any, monitor.StateDropped, KindCitus, "citus_drop_node", PhaseNone, ""},
	{Any, monitor.StateDropped, KindAny, "drop_node", PhaseRemoval, "removed from the group: stop"},
	// Ours. A standby that went on to report its position for an election that was called off has its maintenance nevertheless;
	// and pg_auto_failover has no way to fence a primary that waits for a standby.
	{monitor.StateReportLSN, monitor.StateMaintenance, KindAny, "start_maintenance_on_standby", PhaseMaintenance, "leave Postgres to the operator"},
	{monitor.StateReportLSN, monitor.StateWaitMaintenance, KindAny, "", PhaseMaintenance, "wait until the primary no longer needs this standby"},
	{monitor.StateWaitPrimary, monitor.StateDemoteTimeout, KindAny, "stop_postgres", PhaseFailover, "cut off, or too slow to drain: stop serving at once"},
}

// Edge is a pair of states.
type Edge struct{ From, To monitor.State }

// Edges lists the distinct pairs of Transitions, in order.
func Edges() []Edge {
	var edges []Edge
	seen := map[Edge]bool{}
	for _, t := range Transitions {
		if e := (Edge{t.From, t.To}); !seen[e] {
			seen[e] = true
			edges = append(edges, e)
		}
	}
	return edges
}

// findTransition returns the row for a node of the given kind ("standalone",
// "coordinator" or "worker").
func findTransition(from, to monitor.State, nodeKind string) (Transition, error) {
	for _, t := range Transitions {
		if (t.From == from || t.From == Any) && t.To == to && kindMatches(t.Kind, nodeKind) {
			return t, nil
		}
	}
	return Transition{}, fmt.Errorf("a node in state %s cannot become %s: no such transition; the monitor may be of another version", from, to)
}

func kindMatches(kind, nodeKind string) bool {
	switch kind {
	case KindAny:
		return true
	case KindCitus:
		return nodeKind == KindCoordinator || nodeKind == KindWorker
	}
	return kind == nodeKind
}
