package keeper

import (
	"fmt"
	"strings"
	"syscall"
	"testing"

	"pgaf/monitor"
)

// One step at a time in the place of the service; Postgres stays as the step leaves it.
func TestStep(t *testing.T) {
	c, a, b := newPair(t)
	c.await(a.is(monitor.StatePrimary), b.is(monitor.StateSecondary))
	b.refused(b.program("step"), ExitBadState, "already running")
	postmaster := b.postmaster()
	b.killService()

	step := func(kind StepKind, want string) {
		t.Helper()
		p := b.program("step")
		p.Kind = kind
		if code, output := c.run(b.name, p); code != 0 || !strings.Contains(output, "step: "+want+"\n") {
			t.Errorf("step %s: exit %d, want %s:\n%s", kind, code, want, output)
		}
		if now := b.postmaster(); now != postmaster {
			t.Errorf("Postgres was restarted (%d, now %d)", postmaster, now)
		}
	}
	state := func() State {
		t.Helper()
		s, err := ReadState(b.paths().State)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	assign := func(s monitor.State) {
		c.monitorSQL(fmt.Sprintf("update pgautofailover.node set goalstate = '%s' where nodename = '%s'", s, b.name))
	}
	// The monitor takes a silent standby for one that has to catch up, after a while.
	for range 10 {
		if s := state(); s.Current == monitor.StateSecondary && s.Assigned == monitor.StateSecondary {
			break
		}
		c.mustRun(b.name, b.program("step"))
	}
	assign(monitor.StateCatchingup)
	step(StepReport, "secondary ➜ catchingup")
	if s := state(); s.Current != monitor.StateSecondary || s.Assigned != monitor.StateCatchingup {
		t.Errorf("a report left %s ➜ %s", s.Current, s.Assigned)
	}
	step(StepAdvance, "secondary ➜ catchingup")
	if s := state(); s.Current != monitor.StateCatchingup {
		t.Errorf("the step left %s", s.Current)
	}
	b.run()
	c.await(a.is(monitor.StatePrimary), b.is(monitor.StateSecondary))

	// A monitor that does not answer.
	b.killService()
	c.monitor.service.kill(syscall.SIGTERM)
	b.refused(b.program("step"), ExitMonitor, "ask the monitor")
}
