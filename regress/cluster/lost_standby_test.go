package cluster

import (
	"testing"
	"time"

	"pgaf/regress/harness"
)

// TestLostStandbyLetsWritesGoOn kills the standby. Commits wait for it until the monitor gives it up: the primary becomes wait_primary and
// writes go on alone. Started again, the standby catches up, and the group is synchronous as before.
func TestLostStandbyLetsWritesGoOn(t *testing.T) {
	s := twoNodes(t)
	writer := s.write(harness.WriterOptions{})
	s.must(s.b.KillAll())
	s.await(harness.Want{"node_a": "wait_primary"})
	s.awaitWrites(writer)
	s.must(s.b.Start())
	s.awaitHealthy(s.a)
	s.awaitWrites(writer)
	s.settle(writer, 12*time.Second)
	s.expectFailovers()
	s.expectSameData(s.a, s.b)
}
