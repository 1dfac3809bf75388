package cluster

import (
	"testing"
	"time"

	"pgaf/regress/harness"
)

// TestFrozenMonitorIsNoEvent freezes everything on the monitor's machine, as a virtual machine that is paused, for longer than every
// time after which a node counts as silent. Then the monitor wakes up, and all that it knows is old.
func TestFrozenMonitorIsNoEvent(t *testing.T) {
	s := twoNodes(t)
	writer := s.write(harness.WriterOptions{})
	for range 2 {
		before := time.Now()
		s.must(s.Monitor.Freeze())
		<-time.After(35 * time.Second) // unchecked_node_timeout is 30 s
		s.must(s.Monitor.Thaw())
		for _, n := range s.Nodes {
			s.must(s.reportsAgain(n))
		}
		s.awaitHealthy(s.a)
		s.awaitWrites(writer)
		s.Logf("frozen: largest gap %s", writer.LargestGap(before))
	}
	s.expectNoEvent()
	if gap := writer.LargestGap(time.Time{}); gap.Length() > time.Second {
		t.Errorf("a frozen monitor interrupted writes for %s", gap)
	}
	s.settle(writer, 5*time.Second)
}
