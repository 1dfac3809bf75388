package keeper

import (
	"context"
	"testing"

	"pgaf/monitor"
)

// A keeper whose node was dropped stops, says so, and does not start again: with code 0
// where it took part in it, with 122 where the monitor just does not know it any more. The
// data stays, and the way back that the error names works.
func TestKeeperOfADroppedNode(t *testing.T) {
	c, a, b := newPair(t)
	c.await(a.is(monitor.StatePrimary), b.is(monitor.StateSecondary))
	remove := func(force bool) {
		t.Helper()
		client := c.client()
		defer client.Close(context.Background())
		if _, err := client.RemoveNodeByName(context.Background(), "default", b.name, force); err != nil {
			t.Fatal(err)
		}
		c.await(b.isGone(), a.is(monitor.StateSingle))
	}
	for _, test := range []struct {
		name  string
		force bool
		code  int
		says  string
	}{
		{"by force", true, ExitFatal, "it was dropped with --force"},
		{"in good order", false, ExitOK, "this node was dropped"},
	} {
		remove(test.force)
		if code := b.service.wait(t); code != test.code {
			t.Errorf("%s: exit %d, want %d", test.name, code, test.code)
		}
		if b.logged(test.says) == 0 {
			t.Errorf("%s: the log does not say %q", test.name, test.says)
		}
		if pid := b.postmaster(); pid != 0 {
			t.Errorf("%s: Postgres still runs (process %d)", test.name, pid)
		}
		b.refused(b.program("run"), ExitFatal, "dropped")
		b.refused(b.program("run"), ExitFatal, "pgaf create postgres")
		if pid := b.postmaster(); pid != 0 {
			t.Errorf("%s: Postgres was started (process %d)", test.name, pid)
		}
		c.mustRun(b.name, program{Command: "create", Create: c.options(b.name, b.port)})
		b.run()
		c.await(a.is(monitor.StatePrimary), b.is(monitor.StateSecondary))
	}
	if b.logged("copying the data\"") > 1 {
		t.Error("the data that was there was copied anew")
	}
}
