package cluster

import (
	"sync"
	"syscall"
	"testing"
	"time"

	"pgaf/regress/harness"
)

// TestSigtermOfAll stops every node at the same moment, as the loss of mains power that a UPS announces does. Each ends in
// bounded time although nobody is left to take over, and started again they are a group that has lost nothing.
func TestSigtermOfAll(t *testing.T) {
	s := twoNodes(t)
	writer := s.write(harness.WriterOptions{})
	before := time.Now()
	var ends sync.WaitGroup
	for _, n := range s.Nodes {
		s.must(n.SignalKeeper(syscall.SIGTERM))
	}
	for _, n := range s.Nodes {
		ends.Go(func() {
			code, err := n.Ended(s.within(patience))
			if err != nil || code != 0 {
				t.Errorf("%s: exit code %d, %v", n.Name, code, err)
			}
			t.Logf("%s ended after %d ms", n.Name, time.Since(before).Milliseconds())
		})
	}
	ends.Wait()
	for _, n := range s.Nodes {
		if pid := n.PostmasterPID(); pid != 0 {
			t.Errorf("Postgres of %s still runs (process %d)", n.Name, pid)
		}
	}
	if took := time.Since(before); took > 35*time.Second {
		t.Errorf("the last service ended after %s, the hand-over may take 30 s", took)
	}
	for _, n := range s.Nodes {
		s.must(n.Start())
	}
	s.must(s.Until(s.within(patience), "one primary, one secondary", func(states harness.States) bool {
		return harness.Want{s.a.Name: "primary", s.b.Name: "secondary"}.Met(states) || harness.Want{s.b.Name: "primary", s.a.Name: "secondary"}.Met(states)
	}))
	s.awaitWrites(writer)
	s.settle(writer, 90*time.Second)
}
