package keeper

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"pgaf/keeper/postgres"
	"pgaf/monitor"
)

func TestPositionOfStoppedPostgres(t *testing.T) {
	control := postgres.ControlData{State: postgres.StateShutDown, CheckpointLSN: 100, Timeline: 2}
	if o := (observation{stopped: control}); o.lsn() != 100 || o.timeline() != 2 {
		t.Errorf("%s on %d", o.lsn(), o.timeline())
	}
	control.State = postgres.StateInProduction
	if o := (observation{stopped: control}); o.lsn() != 0 {
		t.Errorf("crashed: %s", o.lsn())
	}
	control = postgres.ControlData{State: postgres.StateShutDownInRecovery, CheckpointLSN: 100, Timeline: 2, MinRecoveryEnd: 150, MinRecoveryEndTLI: 3}
	if p := positionOf(control); p.LSN != 150 || p.Timeline != 3 {
		t.Errorf("%+v", p)
	}
}

func TestTimelineSwitches(t *testing.T) {
	history := postgres.History{{TLI: 1, SwitchLSN: 100}, {TLI: 3, SwitchLSN: 200}}
	want := []monitor.TimelineSwitch{{TLI: 3, ParentTLI: 1, SwitchLSN: 100}, {TLI: 7, ParentTLI: 3, SwitchLSN: 200}}
	if diff := cmp.Diff(want, switches(history, 7)); diff != "" {
		t.Error(diff)
	}
	if got := switches(nil, 1); got != nil {
		t.Errorf("timeline 1: %v", got)
	}
}
