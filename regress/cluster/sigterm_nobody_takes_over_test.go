package cluster

import (
	"testing"
	"time"

	"pgaf/regress/harness"
)

// TestSigtermNobodyTakesOver stops the service of a primary whose standby may not be promoted. It stops without delay and says
// why; the group waits for it, and it resumes when it is started again.
func TestSigtermNobodyTakesOver(t *testing.T) {
	s := twoNodes(t)
	s.does(s.b, "set", "node", "candidate-priority", "0")
	s.awaitHealthy(s.a)
	writer := s.write(harness.WriterOptions{})
	before := time.Now()
	s.stops(s.a)
	took := time.Since(before)
	s.Logf("the service ended %d ms after SIGTERM", took.Milliseconds())
	if took > 5*time.Second {
		t.Error("it waited for nobody")
	}
	s.logs(s.a, "stops without handing over")
	s.logs(s.a, "has candidate priority 0")
	s.must(s.a.Start())
	s.awaitHealthy(s.a)
	s.awaitWrites(writer)
	s.settle(writer, 30*time.Second)
	s.expectFailovers()
}
