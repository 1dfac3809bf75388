package keeper

import (
	"path/filepath"
	"testing"
	"time"

	"pgaf/monitor"
)

func at(seconds float64) instant { return instant(time.Duration(seconds * float64(time.Second))) }

// clock is what the clock of a standby shows, in seconds.
func clock(seconds float64) time.Time { return time.Unix(1_800_000_000, int64(seconds*1e9)) }

// replies is what pg_stat_replication shows of standbys that go on replying.
func replies(l *lease, from, to float64, names ...string) {
	for s := from; s <= to; s++ {
		var rows []standbyRow
		for _, name := range names {
			rows = append(rows, standbyRow{Name: name, PID: 7, Flush: 100, Reply: clock(s)})
		}
		l.look(at(s), rows)
	}
}

func newTestLease(peers ...string) *lease {
	l := newLease(20*time.Second, at(100))
	l.setPeers(peers)
	return l
}

func (l *lease) over(s float64, synchronous bool) bool {
	_, over := l.expired(at(s), synchronous)
	return over
}

func TestLeaseCountsFromTheSendingOfTheLastAcknowledgedReport(t *testing.T) {
	l := newTestLease("b")
	if l.over(119.9, true) {
		t.Error("over before its time")
	}
	if !l.over(120, true) {
		t.Error("not over in time")
	}
	l.ack(at(110))
	l.ack(at(105)) // answers may not shorten it
	if l.over(129.9, true) || !l.over(130, true) {
		t.Error("an acknowledged report does not renew it from its sending")
	}
}

// One standby that follows is as good as the monitor where commits wait for it.
func TestLeaseStandbyHoldsSynchronousPrimary(t *testing.T) {
	l := newTestLease("b", "c")
	replies(l, 100, 150, "b")
	if l.over(150, true) {
		t.Error("over although a standby replies")
	}
	if l.over(169, true) || !l.over(170, true) {
		t.Error("the standby's last sign of life does not count for 20 s")
	}
}

// A row of pg_stat_replication outlives a cut network; only new replies count.
func TestLeaseRowWithoutReplyIsNoSignOfLife(t *testing.T) {
	l := newTestLease("b")
	replies(l, 95, 101, "b")
	for s := 102.0; s < 140; s++ {
		l.look(at(s), []standbyRow{{Name: "b", PID: 7, Flush: 100, Reply: clock(101)}})
	}
	if !l.over(122, true) {
		t.Error("held by a standby that does not reply")
	}
}

// The clock of a standby jumps, back and forth: each of its messages is a sign of life all
// the same, and one that came before the jump is not a second one.
func TestLeaseStandbyWhoseClockJumps(t *testing.T) {
	l := newTestLease("b")
	replies(l, 95, 101, "b")
	for s := 102.0; s < 140; s++ {
		jumped := clock(s - 3600)
		if int(s)%2 == 0 {
			jumped = clock(s + 3600)
		}
		l.look(at(s), []standbyRow{{Name: "b", PID: 7, Flush: 100, Reply: jumped}})
		if l.over(s, true) || l.over(s, false) {
			t.Fatalf("over at %v although the standby replies", s)
		}
	}
	last := clock(139 - 3600)
	for s := 140.0; s < 160; s++ {
		l.look(at(s), []standbyRow{{Name: "b", PID: 7, Flush: 100, Reply: last}})
	}
	if !l.over(159, true) {
		t.Error("held by the message of before")
	}
}

func TestLeaseForeignConnectionsDoNotHold(t *testing.T) {
	l := newTestLease("b")
	replies(l, 100, 130, "somebody")
	if !l.over(130, true) {
		t.Error("held by a connection that is no standby of the group")
	}
}

// Where commits wait for nobody, each standby that may have been promoted must be seen.
func TestLeaseAsynchronousNeedsEveryStandby(t *testing.T) {
	l := newTestLease("b", "c")
	replies(l, 90, 100, "b", "c")
	replies(l, 101, 130, "b")
	if !l.over(121, false) {
		t.Error("held although one standby is gone")
	}
	if l.over(121, true) {
		t.Error("a synchronous primary needs only one")
	}
	both := newTestLease("b", "c")
	replies(both, 90, 140, "b", "c")
	if both.over(140, false) {
		t.Error("over although all standbys reply")
	}
}

// A standby that was away long before the monitor fell silent cannot have been chosen.
func TestLeaseForgetsStandbysLongGone(t *testing.T) {
	l := newTestLease("b", "c")
	replies(l, 50, 60, "c")
	replies(l, 61, 140, "b")
	if l.over(140, false) {
		t.Error("over for a standby that was gone 40 s before the last answer")
	}
}

func TestLeaseAsynchronousWithoutStandby(t *testing.T) {
	if l := newTestLease("b"); !l.over(121, false) {
		t.Error("an asynchronous primary without any standby goes on")
	}
}

func TestNeedsLease(t *testing.T) {
	both := func(s monitor.State) State { return State{Current: s, Assigned: s} }
	to := func(from, to monitor.State) State { return State{Current: from, Assigned: to} }
	unconfirmed := both(monitor.StateWaitPrimary)
	unconfirmed.Unconfirmed = true
	for _, test := range []struct {
		name     string
		state    State
		writable bool
		want     bool
	}{
		{"single", both(monitor.StateSingle), true, false},
		{"single told to wait", to(monitor.StateSingle, monitor.StateWaitPrimary), true, false},
		{"told to be single", to(monitor.StateDemoted, monitor.StateSingle), true, false},
		{"primary", both(monitor.StatePrimary), true, true},
		{"primary whose Postgres does not answer", both(monitor.StatePrimary), false, true},
		{"applying settings", to(monitor.StateApplySettings, monitor.StatePrimary), true, true},
		{"waiting", both(monitor.StateWaitPrimary), true, false},
		{"waiting, and the monitor does not know", unconfirmed, true, true},
		{"waiting, told to be primary", to(monitor.StateWaitPrimary, monitor.StatePrimary), true, true},
		{"promoted, not arrived", to(monitor.StatePreparePromotion, monitor.StateWaitPrimary), true, true},
		{"about to be promoted", to(monitor.StatePreparePromotion, monitor.StateWaitPrimary), false, false},
		{"resumed, not arrived", to(monitor.StateDemoteTimeout, monitor.StatePrimary), true, true},
		{"secondary", both(monitor.StateSecondary), false, false},
		{"stopped", both(monitor.StateDemoted), false, false},
		{"maintenance", both(monitor.StateMaintenance), true, false},
	} {
		if got := needsLease(test.state, test.writable); got != test.want {
			t.Errorf("%s: %v", test.name, got)
		}
	}
}

// A primary that was told to wait for nobody counts as one that does.
func TestWaitsForStandbys(t *testing.T) {
	for assigned, want := range map[monitor.State]bool{
		monitor.StatePrimary: true, monitor.StateApplySettings: true, monitor.StateWaitPrimary: false, monitor.StateSingle: false,
	} {
		if got := waitsForStandbys(State{Current: monitor.StatePrimary, Assigned: assigned}, true); got != want {
			t.Errorf("told %s: %v", assigned, got)
		}
	}
	if waitsForStandbys(State{Assigned: monitor.StatePrimary}, false) {
		t.Error("without synchronous_standby_names")
	}
}

// A keeper that is restarted while it is cut off gets no new lease.
func TestLeaseFileSurvivesTheKeeper(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pgaf.lease")
	open := func() *leaseFile {
		t.Helper()
		f, err := openLeaseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(f.close)
		return f
	}
	first := open()
	if got := first.load(at(500)); got != at(500) {
		t.Errorf("an empty file gives %v", got)
	}
	for _, acked := range []instant{at(499.123456789), at(89), at(1_000_000)} {
		if err := first.save(acked); err != nil {
			t.Fatal(err)
		}
		if got := open().load(at(2_000_000)); got != acked {
			t.Errorf("saved %v, loaded %v", acked, got)
		}
	}
	if got := open().load(at(999)); got != at(999) {
		t.Errorf("an instant of the future is believed: %v", got)
	}
	other := open()
	other.boot = "00000000-0000-0000-0000-000000000000"
	if got := other.load(at(2_000_000)); got != at(2_000_000) {
		t.Errorf("an instant of another boot is believed: %v", got)
	}
}

func TestBootTimeAdvances(t *testing.T) {
	before := bootTime()
	if after := bootTime(); after < before || before == 0 {
		t.Errorf("%v, then %v", before, after)
	}
	if bootID() == "" {
		t.Error("the boot has no id")
	}
}
