package keeper

import (
	"testing"
	"time"

	"pgaf/monitor"
)

func newTestRestarts() *restarts {
	return &restarts{maxFailures: 3, patience: 20 * time.Second}
}

func TestRestartsGiveUpAfterThreeFailures(t *testing.T) {
	r := newTestRestarts()
	r.trying(at(0))
	for i, delay := range []time.Duration{200 * time.Millisecond, time.Second} {
		r.failed(at(float64(i)))
		if r.givenUp(at(2)) {
			t.Fatalf("given up after %d failures", i+1)
		}
		if r.delay() != delay {
			t.Errorf("pause after failure %d is %s, want %s", i+1, r.delay(), delay)
		}
	}
	r.failed(at(2))
	if !r.givenUp(at(2)) {
		t.Error("not given up after 3 failures")
	}
	r.running()
	if r.givenUp(at(2)) || r.delay() != 0 {
		t.Error("success does not start anew")
	}
}

// A long crash recovery is no failure as long as it progresses.
func TestRestartsWaitForRecoveryThatProgresses(t *testing.T) {
	r := newTestRestarts()
	r.trying(at(0))
	for s := 0.0; s < 300; s++ {
		r.progress(at(s))
		if r.givenUp(at(s)) {
			t.Fatalf("given up after %.0f s of recovery", s)
		}
	}
	if r.givenUp(at(318)) {
		t.Error("given up before the patience is over")
	}
	if !r.givenUp(at(320)) {
		t.Error("not given up although nothing progresses")
	}
}

func TestRestartsProgressIsOnlyThatOfAnAttempt(t *testing.T) {
	r := newTestRestarts()
	r.progress(at(5))
	if r.givenUp(at(1000)) {
		t.Error("given up without any trouble")
	}
}

// The monitor hears that a primary's Postgres is down once restarting it is given up,
// and of every other node at once.
func TestReportsRunning(t *testing.T) {
	failed := restarts{maxFailures: 3, patience: time.Hour, failures: 3, trouble: true, since: bootTime()}
	trying := restarts{maxFailures: 3, patience: time.Hour, failures: 1, trouble: true, since: bootTime()}
	for _, test := range []struct {
		name    string
		v       view
		running bool
		want    bool
	}{
		{"runs", view{State: State{Current: monitor.StatePrimary}}, true, true},
		{"primary, restarting", view{State: State{Current: monitor.StatePrimary}, Restarts: trying, Restoring: true}, false, true},
		{"primary, given up", view{State: State{Current: monitor.StatePrimary}, Restarts: failed, Restoring: true}, false, false},
		{"primary, leaving", view{State: State{Current: monitor.StatePrimary}, Restarts: trying}, false, false},
		{"secondary, restarting", view{State: State{Current: monitor.StateSecondary}, Restarts: trying}, false, false},
		{"demoted", view{State: State{Current: monitor.StateDemoted}}, false, false},
	} {
		if got := reportsRunning(test.v, test.running); got != test.want {
			t.Errorf("%s: %v", test.name, got)
		}
	}
}
