package keeper

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"pgaf/keeper/postgres"
	"pgaf/monitor"
)

// crash kills keeper and Postgres of a primary that has WAL which nobody else has.
func (n *testNode) crash() {
	n.c.t.Helper()
	pid := n.postmaster()
	n.service.cmd.Process.Kill()
	<-n.service.done
	syscall.Kill(pid, syscall.SIGKILL)
}

// logged counts what a node's keeper has logged.
func (n *testNode) logged(words string) int {
	content, _ := os.ReadFile(filepath.Join(n.c.dir, n.name+".log"))
	return strings.Count(string(content), words)
}

// A full disk is waited for: the data is neither thrown away nor copied. What can never
// be rewound is copied anew.
func TestRejoinWhenRewindFails(t *testing.T) {
	c := newCluster(t)
	c.newMonitor()
	a := c.newNode("a")
	b := c.node("b")
	o := c.options("b", b.port)
	o.PgCtl = c.installation("pg_rewind", `echo 'pg_rewind: fatal: could not write file: No space left on device' >&2; exit 1`)
	rewind := filepath.Join(filepath.Dir(o.PgCtl), "pg_rewind")
	c.mustRun("b", program{Command: "create", Create: o})
	b.run()
	c.await(a.is(monitor.StatePrimary), b.is(monitor.StateSecondary))
	copies := b.logged("copied the data")
	c.failover()
	c.await(b.is(monitor.StatePrimary), a.is(monitor.StateSecondary))
	w := c.startWriter()
	b.crash()
	c.await(a.is(monitor.StateWaitPrimary))
	b.run()
	c.step("no space", func(t *testing.T) {
		waitFor(t, "the rewind fails", func() bool { return b.logged("No space left on device") > 0 })
		waitFor(t, "it is tried again", func() bool { return b.logged("rewinding") >= 3 })
		if state := c.states()["b"].Reported; state != monitor.StateDemoted {
			t.Errorf("b reports %s", state)
		}
		if b.logged("copied the data") != copies || !postgres.HasCluster(b.pgdata) {
			t.Error("the data was replaced for want of space")
		}
	})
	c.step("no common history", func(t *testing.T) {
		script := "#!/bin/sh\necho 'pg_rewind: error: could not find common ancestor of the source and target cluster'\"'\"'s timelines' >&2\nexit 1\n"
		if err := os.WriteFile(rewind, []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
		c.await(a.is(monitor.StatePrimary), b.is(monitor.StateSecondary))
		if b.logged("copied the data") != copies+1 {
			t.Error("the data was not copied anew")
		}
	})
	c.step("the real pg_rewind, next time", func(t *testing.T) {
		bin, err := postgres.FindFirstBin("")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(rewind, fmt.Appendf(nil, "#!/bin/sh\nexec %s \"$@\"\n", bin.Path("pg_rewind")), 0o755); err != nil {
			t.Fatal(err)
		}
		c.failover()
		c.await(b.is(monitor.StatePrimary), a.is(monitor.StateSecondary))
		b.crash()
		c.await(a.is(monitor.StateWaitPrimary))
		b.run()
		c.await(a.is(monitor.StatePrimary), b.is(monitor.StateSecondary))
		if n := b.logged("msg=rewound"); n != 1 || b.logged("copied the data") != copies+1 {
			t.Error("the node did not return by a rewind")
		}
	})
	w.stop(a)
}

// A node that was promoted without a monitor may have WAL that looks like the primary's
// and is not: it is copied anew, whatever a comparison says.
func TestAstrayNodeIsCopiedAnew(t *testing.T) {
	c, a, b := newPair(t)
	b.service.kill(syscall.SIGTERM)
	c.await(a.is(monitor.StateWaitPrimary))
	state, err := ReadState(b.paths().State)
	if err != nil {
		t.Fatal(err)
	}
	state.Astray = true
	if err := state.Save(b.paths().State); err != nil {
		t.Fatal(err)
	}
	copies := b.logged("copied the data")
	b.run()
	c.await(a.is(monitor.StatePrimary), b.is(monitor.StateSecondary))
	if b.logged("copied the data") != copies+1 {
		t.Error("it was not copied")
	}
	if state, err := ReadState(b.paths().State); err != nil || state.Astray {
		t.Errorf("still astray: %v, %v", state.Astray, err)
	}

	// A promotion that the monitor knows leaves no trace.
	c.failover()
	c.await(b.is(monitor.StatePrimary), a.is(monitor.StateSecondary))
	if state, err := ReadState(b.paths().State); err != nil || state.Astray {
		t.Errorf("a primary is astray: %v, %v", state.Astray, err)
	}
	c.failover()
	c.await(a.is(monitor.StatePrimary), b.is(monitor.StateSecondary))
	if b.logged("copied the data") != copies+1 {
		t.Error("the old primary of a planned switchover was copied")
	}
}
