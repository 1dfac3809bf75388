package cluster

import (
	"testing"
	"time"

	"pgaf/regress/harness"
)

// TestKilledPostgresIsRestarted kills the primary's postmaster. Its keeper starts it again, which is quicker than any
// failover, so there is none.
func TestKilledPostgresIsRestarted(t *testing.T) {
	s := twoNodes(t)
	writer := s.write(harness.WriterOptions{})
	before := s.a.PostmasterPID()
	s.must(s.a.KillPostgres())
	s.awaitWrites(writer)
	s.awaitHealthy(s.a)
	if after := s.a.PostmasterPID(); after == 0 || after == before {
		t.Errorf("postmaster of node_a: pid %d before, %d after", before, after)
	}

	before = s.b.PostmasterPID()
	s.must(s.b.KillPostgres())
	s.awaitWrites(writer)
	s.awaitHealthy(s.a)
	s.Log("the standby's Postgres was killed as well")

	s.settle(writer, 6*time.Second)
	s.expectFailovers()
	s.expectSameData(s.a, s.b)
}
