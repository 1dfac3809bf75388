package cluster

import (
	"testing"
	"time"

	"pgaf/regress/harness"
)

// TestNoAckedLossWhenThePrimaryIsKilled kills keeper and Postgres of the primary at once. The standby takes over without
// waiting for the dead one's demote timeout, as its WAL proves that the old primary can acknowledge nothing
// (NoWaitWhenProven). Started again, the old primary becomes its standby, by rewind and not by a copy.
func TestNoAckedLossWhenThePrimaryIsKilled(t *testing.T) {
	s := twoNodes(t)
	writer := s.write(harness.WriterOptions{})
	folder := s.folderID(s.a)
	s.must(s.a.KillAll())
	s.await(harness.Want{"node_b": "wait_primary"})
	s.awaitWrites(writer)

	s.must(s.a.Start())
	s.awaitHealthy(s.b)
	if s.folderID(s.a) != folder {
		t.Error("the old primary returned by a base backup, not by rewind")
	}
	s.awaitWrites(writer)
	s.expectFailovers(s.b)

	// And back: the returned node is a full standby again.
	s.must(s.b.KillAll())
	s.await(harness.Want{"node_a": "wait_primary"})
	s.awaitWrites(writer)
	s.must(s.b.Start())
	s.awaitHealthy(s.a)
	s.awaitWrites(writer)

	s.settle(writer, 8*time.Second)
	s.expectFailovers(s.b, s.a)
	s.expectSameData(s.a, s.b)
}
