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
		s.monitorAway(writer, "frozen", s.Monitor.Freeze, 35*time.Second, s.Monitor.Thaw) // unchecked_node_timeout is 30 s
	}
	s.expectNoEvent()
	s.expectWritesWentOn(writer)
	s.settle(writer, 5*time.Second)
}
