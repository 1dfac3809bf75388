package cluster

import (
	"testing"
	"time"

	"pgaf/regress/harness"
)

// TestNoFlap slows everything down below the thresholds of detection: each node in turn is frozen for a second, and then every core
// has four competing processes for 20 seconds. Nobody fails over. The benchmark does the same for ten minutes.
func TestNoFlap(t *testing.T) {
	if testing.Short() {
		t.Skip("cluster tests do not run with -short")
	}
	// Not parallel: the starvation is this test's own, not the other clusters'.
	s := newStory(t, harness.ClusterOptions{})
	s.addNodes(2)
	writer := s.write(harness.WriterOptions{})
	for _, n := range []*harness.Node{s.a, s.b, s.Monitor} {
		s.must(n.Freeze())
		<-time.After(time.Second)
		s.must(n.Thaw())
		s.awaitWrites(writer)
		s.awaitHealthy(s.a)
	}
	s.expectFailovers()
	s.Logf("frozen for a second: largest gap %s", writer.LargestGap(time.Time{}))

	before := time.Now()
	s.must(run.Starve(20 * time.Second))
	s.awaitWrites(writer)
	s.awaitHealthy(s.a)
	s.Logf("starved: largest gap %s", writer.LargestGap(before))
	s.settle(writer, 5*time.Second)
	s.expectFailovers()
}
