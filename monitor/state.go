package monitor

// State is one label of the SQL enum pgautofailover.replication_state: what a
// node reports to be (reported state) or is told to become (assigned state, goal).
type State string

// The replication states, in the order of the SQL enum.
const (
	StateUnknown            State = "unknown"
	StateInit               State = "init"
	StateSingle             State = "single"
	StateWaitPrimary        State = "wait_primary"
	StatePrimary            State = "primary"
	StateDraining           State = "draining"
	StateDemoteTimeout      State = "demote_timeout"
	StateDemoted            State = "demoted"
	StateCatchingup         State = "catchingup"
	StateSecondary          State = "secondary"
	StatePreparePromotion   State = "prepare_promotion"
	StateStopReplication    State = "stop_replication"
	StateWaitStandby        State = "wait_standby"
	StateMaintenance        State = "maintenance"
	StateJoinPrimary        State = "join_primary"
	StateApplySettings      State = "apply_settings"
	StatePrepareMaintenance State = "prepare_maintenance"
	StateWaitMaintenance    State = "wait_maintenance"
	StateReportLSN          State = "report_lsn"
	StateFastForward        State = "fast_forward"
	StateJoinSecondary      State = "join_secondary"
	StateDropped            State = "dropped"
)

// States lists every replication state in the order of the SQL enum; a test
// compares it with the installed extension.
var States = []State{
	StateUnknown, StateInit, StateSingle, StateWaitPrimary, StatePrimary,
	StateDraining, StateDemoteTimeout, StateDemoted, StateCatchingup,
	StateSecondary, StatePreparePromotion, StateStopReplication,
	StateWaitStandby, StateMaintenance, StateJoinPrimary, StateApplySettings,
	StatePrepareMaintenance, StateWaitMaintenance, StateReportLSN,
	StateFastForward, StateJoinSecondary, StateDropped,
}

// Writable reports whether a node in state s accepts writes.
func (s State) Writable() bool {
	switch s {
	case StateSingle, StatePrimary, StateWaitPrimary, StateJoinPrimary, StateApplySettings:
		return true
	}
	return false
}

// Connection says what a client can do with a node that reports s:
// "read-write", "read-only" or "none", as shown by show state and watch.
func (s State) Connection() string {
	switch s {
	case StateSingle, StatePrimary, StateWaitPrimary, StateJoinPrimary,
		StatePrepareMaintenance, StateApplySettings:
		return "read-write"
	case StateSecondary, StateCatchingup, StatePreparePromotion, StateStopReplication,
		StateWaitMaintenance, StateFastForward, StateJoinSecondary, StateReportLSN:
		return "read-only"
	}
	return "none"
}

// Valid reports whether s is one of States.
func (s State) Valid() bool {
	for _, known := range States {
		if s == known {
			return true
		}
	}
	return false
}
