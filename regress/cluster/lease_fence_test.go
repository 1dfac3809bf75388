package cluster

import (
	"testing"
	"time"

	"pgaf/regress/harness"
)

// TestLeaseFence leaves a primary alone for longer than its lease of 20 s: it reaches neither the monitor nor the standby, and
// stops its Postgres by itself.
func TestLeaseFence(t *testing.T) {
	s := twoNodes(t)
	writer := s.write(harness.WriterOptions{})
	postmaster := s.a.PostmasterPID()
	s.must(s.a.Host.Cut())
	cut := time.Now()
	s.must(harness.WaitExit(postmaster, 30*time.Second))
	fenced := time.Since(cut)
	s.Logf("the isolated primary stopped its Postgres %.1f s after the cut", fenced.Seconds())
	if fenced > 26*time.Second {
		t.Errorf("that is later than its lease of 20 s and a margin")
	}
	s.awaitWrites(writer)
	s.must(s.a.Host.Heal())
	s.awaitHealthy(s.b)
	s.settle(writer, 12*time.Second)
	s.expectFailovers(s.b)
	s.expectSameData(s.b, s.a)
}
