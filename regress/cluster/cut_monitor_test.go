package cluster

import (
	"testing"
	"time"

	"pgaf/regress/harness"
)

// TestCutMonitorIsNoEvent cuts the monitor off from everybody, for longer than it takes to find that nobody answers. The nodes come back
// one after the other, and whoever comes first tells nothing about the others.
func TestCutMonitorIsNoEvent(t *testing.T) {
	s := twoNodes(t)
	writer := s.write(harness.WriterOptions{})
	for range 6 {
		s.monitorAway(writer, "cut off", s.Monitor.Host.Cut, 7*time.Second, s.Monitor.Host.Heal)
	}
	s.expectNoEvent()
	s.expectWritesWentOn(writer)
	s.settle(writer, 5*time.Second)
}
