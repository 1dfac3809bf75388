package cluster

import (
	"testing"
	"time"

	"pgaf/regress/harness"
)

// TestRestartOfTheMonitorIsNoEvent restarts the monitor in three ways. Writes go on, no node changes its state, and a switchover
// works afterwards.
func TestRestartOfTheMonitorIsNoEvent(t *testing.T) {
	s := twoNodes(t)
	writer := s.write(harness.WriterOptions{})
	for _, restart := range []struct {
		name string
		down func() error
	}{
		{"its service killed, Postgres adopted", s.Monitor.KillKeeper},
		{"everything killed", s.Monitor.KillAll},
		{"stopped", func() error { return s.Monitor.Stop(20 * time.Second) }},
	} {
		before := time.Now()
		s.must(restart.down())
		<-time.After(4 * time.Second) // how long it is away: longer than every threshold of detection
		s.must(s.Monitor.Start())
		for _, n := range s.Nodes {
			s.must(s.reportsAgain(n))
		}
		s.awaitHealthy(s.a)
		s.awaitWrites(writer)
		s.Logf("%s: largest gap %s", restart.name, writer.LargestGap(before))
	}
	s.expectNoEvent()
	if gap := writer.LargestGap(time.Time{}); gap.Length() > time.Second {
		t.Errorf("the restarts of the monitor interrupted writes for %s", gap)
	}

	s.perform("switchover")
	s.awaitHealthy(s.b)
	s.awaitWrites(writer)
	s.settle(writer, 5*time.Second)
	s.expectFailovers(s.b)
}
