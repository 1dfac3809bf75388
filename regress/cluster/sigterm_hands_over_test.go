package cluster

import (
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"pgaf/regress/harness"
)

// TestSigtermHandsOver stops the service of the primary, as an operator or systemd does: a standby takes over first, and
// the stopped node comes back as a standby when it is started, without rewind or copy. A standby just stops. With SIGINT a
// primary stops without asking.
func TestSigtermHandsOver(t *testing.T) {
	s := twoNodes(t)
	writer := s.write(harness.WriterOptions{})
	folder := s.folderID(s.a)

	before := time.Now()
	s.stops(s.a)
	s.Logf("the service of the primary ended %d ms after SIGTERM", time.Since(before).Milliseconds())
	s.await(harness.Want{s.b.Name: "wait_primary"})
	if pid := s.a.PostmasterPID(); pid != 0 {
		t.Errorf("Postgres of %s still runs (process %d)", s.a.Name, pid)
	}
	s.awaitWrites(writer)
	gap := writer.LargestGap(before)
	s.Logf("SIGTERM of the primary: largest gap %s", gap)
	if gap.Length() > 5*time.Second {
		t.Errorf("the hand-over interrupted writes for %s", gap)
	}

	s.must(s.a.Start())
	s.awaitHealthy(s.b)
	if s.folderID(s.a) != folder {
		t.Error("a base backup was made")
	}
	s.expectNoLine(s.a, "pg_rewind")

	before = time.Now()
	s.stops(s.a)
	s.await(harness.Want{s.b.Name: "wait_primary"})
	s.awaitWrites(writer)
	s.Logf("SIGTERM of the standby: largest gap %s", writer.LargestGap(before))
	s.must(s.a.Start())
	s.awaitHealthy(s.b)
	s.expectFailovers(s.b)

	before = time.Now()
	s.must(s.b.SignalKeeper(syscall.SIGINT))
	s.endsSoon(s.b)
	s.await(harness.Want{s.a.Name: "wait_primary"})
	s.awaitWrites(writer)
	s.Logf("SIGINT of the primary: largest gap %s", writer.LargestGap(before))
	s.expectNoLine(s.b, "a standby has taken over")
	s.must(s.b.Start())
	s.awaitHealthy(s.a)

	s.settle(writer, 5*time.Second)
	s.expectFailovers(s.b, s.a)
	s.expectSameData(s.a, s.b)
}

// stops ends a service with SIGTERM, with exit code 0.
func (s *story) stops(n *harness.Node) {
	s.Helper()
	s.must(n.SignalKeeper(syscall.SIGTERM))
	s.endsSoon(n)
}

// endsSoon waits until the node's service has ended, in good order.
func (s *story) endsSoon(n *harness.Node) {
	s.Helper()
	code, err := n.Ended(s.within(patience))
	s.must(err)
	if code != 0 {
		s.Errorf("the service of %s ended with exit code %d", n.Name, code)
	}
}

// expectNoLine checks that a node's service has not logged a text.
func (s *story) expectNoLine(n *harness.Node, text string) {
	s.Helper()
	log, err := os.ReadFile(n.LogFile())
	s.must(err)
	for line := range strings.Lines(string(log)) {
		if strings.Contains(line, text) {
			s.Errorf("%s logged: %s", n.Name, line)
		}
	}
}
