package keeper

import (
	"encoding/binary"
	"fmt"
	"time"

	"pgaf/monitor"
)

// The state file of pg_autoctl: one struct as the machine has it in memory, padded with
// zeros. Offsets are those of the 64-bit machines that it runs on.
const (
	olderStateSize = 1024

	atVersion          = 0  // int32: 1 (2.0) or 2
	atControlVersion   = 8  // uint32
	atCatalogVersion   = 12 // uint32
	atSystemIdentifier = 16 // uint64
	atNodeID           = 24 // int32
	atGroupID          = 28 // int32
	atAssigned         = 32 // int32
	atMonitorContact   = 48 // uint64, seconds since 1970; 0: never
	atCurrent          = 56 // int32
	atSecondaryContact = 64 // uint64
)

// olderStates are the states by the numbers that pg_autoctl has for them.
var olderStates = []monitor.State{
	monitor.StateUnknown, monitor.StateInit, monitor.StateSingle, monitor.StatePrimary, monitor.StateWaitPrimary,
	monitor.StateWaitStandby, monitor.StateDemoted, monitor.StateDemoteTimeout, monitor.StateDraining,
	monitor.StateSecondary, monitor.StateCatchingup, monitor.StatePreparePromotion, monitor.StateStopReplication,
	monitor.StateMaintenance, monitor.StateJoinPrimary, monitor.StateApplySettings, monitor.StatePrepareMaintenance,
	monitor.StateWaitMaintenance, monitor.StateReportLSN, monitor.StateFastForward, monitor.StateJoinSecondary,
	monitor.StateDropped,
}

// parseOlderState reads the state file of pg_autoctl. What pgaf keeps besides is left
// at zero.
func parseOlderState(content []byte) (State, error) {
	if len(content) != olderStateSize {
		return State{}, fmt.Errorf("it has %d bytes, a state file of pg_autoctl has %d", len(content), olderStateSize)
	}
	order := binary.NativeEndian
	number := func(at int) int { return int(int32(order.Uint32(content[at:]))) }
	if version := number(atVersion); version != 1 && version != 2 {
		return State{}, fmt.Errorf("its format is version %d; versions 1 and 2 (pg_auto_failover 2.x) can be taken over", version)
	}
	s := State{
		NodeID:               int64(number(atNodeID)),
		GroupID:              number(atGroupID),
		SystemIdentifier:     order.Uint64(content[atSystemIdentifier:]),
		ControlVersion:       number(atControlVersion),
		CatalogVersion:       number(atCatalogVersion),
		LastMonitorContact:   contactTime(order.Uint64(content[atMonitorContact:])),
		LastSecondaryContact: contactTime(order.Uint64(content[atSecondaryContact:])),
	}
	for at, state := range map[int]*monitor.State{atCurrent: &s.Current, atAssigned: &s.Assigned} {
		n := number(at)
		if n < 0 || n >= len(olderStates) {
			return State{}, fmt.Errorf("it names a state by the unknown number %d", n)
		}
		*state = olderStates[n]
	}
	return s, nil
}

func contactTime(seconds uint64) time.Time {
	if seconds == 0 {
		return time.Time{}
	}
	return time.Unix(int64(seconds), 0).UTC()
}
