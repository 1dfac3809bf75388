package cluster

import (
	"context"
	"testing"
	"time"

	"pgaf/regress/harness"
)

// TestRestartOfAKeeperIsNoEvent kills each node's keeper, leaves Postgres alone for longer than the heartbeat's
// threshold, and starts the keeper again. It adopts the running Postgres; clients notice nothing.
func TestRestartOfAKeeperIsNoEvent(t *testing.T) {
	s := twoNodes(t)
	writer := s.write(harness.WriterOptions{})
	for _, n := range s.Nodes {
		postmaster := n.PostmasterPID()
		s.must(n.KillKeeper())
		s.holds(5*time.Second, "the group while a keeper is dead", func() bool { return n.PostmasterPID() == postmaster })
		s.must(n.Start())
		s.must(s.reportsAgain(n))
		s.awaitHealthy(s.a)
		if now := n.PostmasterPID(); now != postmaster {
			t.Errorf("%s: postmaster %d before the keeper's restart, %d after", n.Name, postmaster, now)
		}
	}
	s.awaitWrites(writer)
	s.settle(writer, time.Second)
	s.expectNoEvent()
}

// holds lets a fault last for a while, and fails when the condition does not hold at its end.
func (s *story) holds(d time.Duration, what string, condition func() bool) {
	s.Helper()
	<-time.After(d)
	if !condition() {
		s.Errorf("%s: changed within %s", what, d)
	}
}

// reportsAgain waits until the monitor has a report of the node that is younger than the call.
func (s *story) reportsAgain(n *harness.Node) error {
	ctx, cancel := context.WithTimeout(s.Context(), patience)
	defer cancel()
	return s.WaitReport(ctx, n)
}
