package keeper

import (
	"strings"
	"testing"

	"pgaf/monitor"
)

// A create that goes on, and a process that is no service of this kind, are not replaced.
func TestReplaceIsRefused(t *testing.T) {
	c := newCluster(t)
	c.newMonitor()
	a := c.newNode("a")
	c.await(a.is(monitor.StateSingle))
	a.killService()
	a.refused(a.program("replace"), ExitInternal, "nothing to replace")

	b := c.node("b")
	o := c.options(b.name, b.port)
	o.Run = true
	b.service = c.start(b.name, program{Command: "create", Create: o})
	c.await(b.is(monitor.StateWaitStandby)) // for the keeper of a
	b.refused(b.program("replace"), ExitReload, "still being created")

	a.run()
	c.await(a.is(monitor.StatePrimary), b.is(monitor.StateSecondary))
	// What is on disk is this test, which does not know the commands of pgaf.
	pid := b.postmaster()
	if code, output := c.run(b.name, b.program("replace")); code != ExitReload || !strings.Contains(output, "goes on with the program it has") {
		t.Errorf("exit %d:\n%s", code, output)
	}
	if now := b.postmaster(); now != pid {
		t.Errorf("Postgres was restarted (%d, now %d)", pid, now)
	}
	c.await(a.is(monitor.StatePrimary), b.is(monitor.StateSecondary))
}
