package monitor

import (
	"slices"
	"testing"
	"time"
)

// at is a moment of the tests' clock, in milliseconds.
func at(ms int) time.Time { return time.Unix(1000, 0).Add(time.Duration(ms) * time.Millisecond) }

func TestSuspicion(t *testing.T) {
	type step struct {
		begun, took int // ms; due when it began
		sign        Sign
		want        Health
		wantSign    Sign
	}
	on := func(begun, took int, sign Sign, want Health) step { return step{begun, took, sign, want, sign} }
	for _, c := range []struct {
		name  string
		steps []step
	}{
		{"healthy", []step{on(0, 1, SignOK, HealthGood), on(1000, 1, SignOK, HealthGood)}},
		{"one failure is not enough", []step{
			on(0, 1, SignOK, HealthGood), on(1000, 1, SignRefused, HealthUnknown), on(2000, 1, SignOK, HealthGood)}},
		{"two in a row are", []step{
			on(0, 1, SignRefused, HealthUnknown), on(1000, 1, SignRefused, HealthBad), on(2000, 1, SignRefused, HealthBad),
			on(3000, 1, SignOK, HealthGood), on(4000, 1, SignRefused, HealthUnknown)}},
		{"of different kinds, too", []step{
			on(0, 1, SignStarting, HealthUnknown), on(1000, 1, SignReset, HealthBad)}},
		{"a confirmation is not a second failure", []step{
			on(0, 1, SignReset, HealthUnknown), on(1, 1, SignRefused, HealthUnknown), on(2, 1, SignRefused, HealthUnknown),
			on(1003, 1, SignRefused, HealthBad)}},
		{"silence takes its own time", []step{
			on(0, 1000, SignTimeout, HealthUnknown), on(1000, 1000, SignTimeout, HealthBad)}},
		{"an error message is a sign of life", []step{
			on(0, 1, SignRefused, HealthUnknown), on(1000, 1, SignDenied, HealthGood), on(2000, 1, SignRefused, HealthUnknown)}},
		{"a late observer proves nothing", []step{
			on(0, 1000, SignTimeout, HealthUnknown),
			{1000, 1400, SignTimeout, HealthUnknown, SignLate}, // noticed 400 ms after its deadline
			{2400, 1400, SignTimeout, HealthUnknown, SignLate},
			on(4000, 1000, SignTimeout, HealthBad)}},
		{"but who was reached was reached", []step{
			on(0, 1400, SignRefused, HealthUnknown), on(2000, 1400, SignRefused, HealthBad), on(4000, 1900, SignOK, HealthGood)}},
		{"the observer's own trouble neither adds nor clears", []step{
			on(0, 1, SignRefused, HealthUnknown), on(1000, 1, SignLate, HealthUnknown), on(2000, 1, SignRefused, HealthBad)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := Suspicion{Threshold: 2, Spacing: 500 * time.Millisecond}
			for i, step := range c.steps {
				v := s.Judge(Look{Due: at(step.begun), Begun: at(step.begun), Ended: at(step.begun + step.took),
					Deadline: time.Second, Sign: step.sign})
				if v.Health != step.want || v.Sign != step.wantSign {
					t.Errorf("look %d: %v %s, want %v %s", i, v.Health, v.Sign, step.want, step.wantSign)
				}
			}
		})
	}
}

func TestLateness(t *testing.T) {
	for _, c := range []struct{ due, begun, ended, want int }{
		{0, 0, 10, 0},         // quick
		{0, 0, 1000, 0},       // to the deadline
		{0, 0, 1300, 300},     // the end was noticed late
		{0, 300, 310, 300},    // began late
		{0, 300, 1500, 300},   // both: the larger one
		{0, 100, 1500, 400},   //
		{100, 0, 10, 0},       // asked for early
		{100, 0, 1200, 200},   //
		{0, 5000, 5001, 5000}, // the machine slept
	} {
		l := Look{Due: at(c.due), Begun: at(c.begun), Ended: at(c.ended), Deadline: time.Second}
		if got := l.Lateness(); got != time.Duration(c.want)*time.Millisecond {
			t.Errorf("%+v: %s", c, got)
		}
	}
}

func TestAwareness(t *testing.T) {
	var a Awareness
	check := func(when, want int) {
		t.Helper()
		if got := a.Stretch(at(when), time.Second); got != time.Duration(want)*time.Millisecond {
			t.Errorf("at %d ms: %s, want %d ms", when, got, want)
		}
	}
	check(0, 1000)
	a.Observe(at(0), 100*time.Millisecond)
	check(0, 1400)
	a.Observe(at(10), 50*time.Millisecond) // a better moment does not make up for a worse one
	check(10, 1400)
	check(5000, 1200) // it fades
	check(10_000, 1100)
	a.Observe(at(10_000), 10*time.Second) // a machine that slept
	check(10_000, 4000)
	check(3_600_000, 1000)
}

func TestOutbox(t *testing.T) {
	o := newOutbox(5 * time.Second)
	good := Verdict{HealthGood, SignOK, ""}
	late := Verdict{HealthUnknown, SignLate, ""}
	refused := Verdict{HealthUnknown, SignRefused, "connection refused"}
	bad := Verdict{HealthBad, SignRefused, "connection refused"}
	put := func(ms int, v Verdict) { o.put(at(ms), 1, v) }
	take := func(ms int, wantUrgent bool, want ...Verdict) {
		t.Helper()
		list, urgent := o.take(at(ms))
		var got []Verdict
		for _, v := range list {
			got = append(got, v.Verdict)
		}
		if !slices.Equal(got, want) || urgent != wantUrgent {
			t.Errorf("at %d ms: %v, urgent %v; want %v, %v", ms, got, urgent, want, wantUrgent)
		}
	}
	put(0, good)
	take(0, true, good) // the first is news
	put(1000, good)
	take(1000, false)
	put(5000, good)
	take(5000, false, good) // once per refresh
	put(6000, refused)
	take(6000, true, refused)
	put(7000, bad)
	take(7000, true, bad)
	put(8000, bad)
	take(8000, false)
	put(8100, late) // says nothing
	take(8100, false)
	put(8200, bad) // and so this is no news
	take(8200, false)
	put(9000, refused)
	put(9001, late) // does not replace what waits
	put(9002, good)
	take(9003, true, good) // the newest counts
	put(20_000, late)
	take(20_000, false, late)
	put(20_001, good)
	take(20_001, true, good)
	put(20_002, refused)
	put(20_003, good) // back before it was sent: sent all the same, it is not wrong
	take(20_004, true, good)
	o.forget(1)
	put(20_005, good)
	take(20_005, true, good)
}

func TestOutboxOrdersByNode(t *testing.T) {
	o := newOutbox(time.Second)
	for _, id := range []int64{7, 3, 5} {
		o.put(at(0), id, Verdict{HealthGood, SignOK, ""})
	}
	list, _ := o.take(at(0))
	if len(list) != 3 || list[0].NodeID != 3 || list[2].NodeID != 7 {
		t.Error(list)
	}
}

func TestPace(t *testing.T) {
	p, enabled := readPace([]Setting{
		{Name: "pgautofailover.health_check_period", Value: "1500"},
		{Name: "pgautofailover.health_check_timeout", Value: "250.5"},
		{Name: "pgautofailover.health_check_retry_delay", Value: "nonsense"},
		{Name: "pgautofailover.health_check_max_retries", Value: "2"},
		{Name: "pgautofailover.enable_health_checks", Value: "off"},
	})
	want := pace{1500 * time.Millisecond, 250500 * time.Microsecond, time.Second, 3}
	if p != want || enabled {
		t.Errorf("%+v, %v", p, enabled)
	}
	if p, enabled = readPace(nil); p != (pace{time.Second, time.Second, time.Second, 2}) || !enabled {
		t.Errorf("without settings: %+v, %v", p, enabled)
	}
	if p, _ = readPace([]Setting{{Name: "pgautofailover.health_check_max_retries", Value: "0"}}); p.threshold != 2 {
		t.Errorf("without retries: %+v", p)
	}
}

func TestBackoff(t *testing.T) {
	var b Backoff
	for range 1000 {
		if d := b.Next(); d < 5*time.Millisecond || d > 2*time.Second {
			t.Fatal(d)
		}
	}
	b.Reset()
	if d := b.Next(); d > 15*time.Millisecond {
		t.Errorf("after a success: %s", d)
	}
}

func TestExpectsPostgres(t *testing.T) {
	var off []State
	for _, s := range States {
		if !expectsPostgres(Node{Reported: s}) {
			off = append(off, s)
		}
	}
	want := []State{StateUnknown, StateInit, StateDraining, StateDemoteTimeout, StateDemoted,
		StateWaitStandby, StateMaintenance, StatePrepareMaintenance, StateDropped}
	if !slices.Equal(off, want) {
		t.Error(off)
	}
}

var farAway = time.Now().Add(time.Hour)
