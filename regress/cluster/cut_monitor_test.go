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
		before := time.Now()
		s.must(s.Monitor.Host.Cut())
		<-time.After(7 * time.Second)
		s.must(s.Monitor.Host.Heal())
		for _, n := range s.Nodes {
			s.must(s.reportsAgain(n))
		}
		s.awaitHealthy(s.a)
		s.awaitWrites(writer)
		s.Logf("cut off: largest gap %s", writer.LargestGap(before))
	}
	s.expectNoEvent()
	if gap := writer.LargestGap(time.Time{}); gap.Length() > time.Second {
		t.Errorf("a monitor that was cut off interrupted writes for %s", gap)
	}
	s.settle(writer, 5*time.Second)
}
