package keeper

import (
	"errors"
	"syscall"
	"testing"

	"github.com/jackc/pglogrepl"

	"pgaf/monitor"
)

func TestPromise(t *testing.T) {
	n := &node{}
	clean, dirty := view{State: State{Current: monitor.StateReportLSN}}, view{State: State{Current: monitor.StateReportLSN, Dirty: true}}
	for _, step := range []struct {
		v         view
		lsn, want pglogrepl.LSN
	}{
		{clean, 100, 100},
		{clean, 90, 100}, // restarted, and still replaying what it had
		{clean, 110, 110},
		{dirty, 120, 0}, // an action away from the state has begun
		{clean, 105, 105},
	} {
		if got := n.promise(step.v, step.lsn); got != step.want {
			t.Errorf("promise(%s): %s, want %s", step.lsn, got, step.want)
		}
	}
}

func TestReasonOf(t *testing.T) {
	if reasonOf(errors.New("12:00:01 [17] down")) != reasonOf(errors.New("12:00:09 [23] down")) || reasonOf(errors.New("down")) == reasonOf(errors.New("up")) {
		t.Error("reasons are told apart by their digits")
	}
}

func TestExitCode(t *testing.T) {
	wrapped := errors.Join(errors.New("x"), exitf(ExitMonitor, "no answer from %s: %w", "m", syscall.ECONNREFUSED))
	if ExitCode(nil) != ExitOK || ExitCode(wrapped) != ExitMonitor || ExitCode(errors.New("x")) != ExitInternal || !errors.Is(wrapped, syscall.ECONNREFUSED) {
		t.Error("exit codes are wrong")
	}
}
