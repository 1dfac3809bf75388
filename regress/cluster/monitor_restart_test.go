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
		s.monitorAway(writer, restart.name, restart.down, 4*time.Second, s.Monitor.Start) // longer than every threshold of detection
	}
	s.expectNoEvent()
	s.expectWritesWentOn(writer)

	s.perform("switchover")
	s.awaitHealthy(s.b)
	s.awaitWrites(writer)
	s.settle(writer, 5*time.Second)
	s.expectFailovers(s.b)
}

// monitorAway takes the monitor away for a while and waits until all is as before.
func (s *story) monitorAway(writer *harness.Writer, what string, leave func() error, lasts time.Duration, comeBack func() error) {
	s.Helper()
	before := time.Now()
	s.must(leave())
	<-time.After(lasts)
	s.must(comeBack())
	for _, n := range s.Nodes {
		s.must(s.reportsAgain(n))
	}
	s.awaitHealthy(s.a)
	s.awaitWrites(writer)
	s.Logf("%s: largest gap %s", what, writer.LargestGap(before))
}

// expectWritesWentOn checks that nothing has interrupted the writer for longer than a second.
func (s *story) expectWritesWentOn(writer *harness.Writer) {
	s.Helper()
	if gap := writer.LargestGap(time.Time{}); gap.Length() > time.Second {
		s.Errorf("the monitor's absence interrupted writes for %s", gap)
	}
}
