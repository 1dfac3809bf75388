package cluster

import (
	"os"
	"strings"
	"testing"
	"time"

	"pgaf/regress/harness"
)

// TestCleanSwitchover switches over and back on request. Nothing is lost, not even by a client that does
// not wait for the disk (synchronous_commit = off), and nobody copies or rewinds anything.
func TestCleanSwitchover(t *testing.T) {
	s := twoNodes(t)
	careful := s.write(harness.WriterOptions{})
	careless := s.write(harness.WriterOptions{Name: "careless", SynchronousCommit: "off"})
	folderA, folderB := s.folderID(s.a), s.folderID(s.b)

	table := s.perform("switchover")
	if !strings.Contains(table, "prepare_promotion") || !strings.Contains(table, "primary") {
		t.Errorf("the table of notifications misses states:\n%s", table)
	}
	states, err := s.States(s.soon())
	s.must(err)
	if states[s.b.Name].Reported != "primary" {
		t.Errorf("perform switchover ended, but %s", states)
	}
	s.awaitHealthy(s.b)
	s.awaitWrites(careful)
	s.awaitWrites(careless)

	s.perform("switchover")
	s.awaitHealthy(s.a)
	s.awaitWrites(careful)
	s.awaitWrites(careless)

	s.settle(careful, 5*time.Second)
	s.settle(careless, 5*time.Second)
	s.expectFailovers(s.b, s.a)
	s.expectSameData(s.a, s.b)
	if s.folderID(s.a) != folderA || s.folderID(s.b) != folderB {
		t.Error("a base backup was made")
	}
	for _, n := range s.Nodes {
		log, err := os.ReadFile(n.LogFile())
		s.must(err)
		if strings.Contains(string(log), "pg_rewind") {
			t.Errorf("%s was rewound after a clean switchover", n.Name)
		}
	}
}

// perform runs `pgaf perform failover|switchover` on the monitor and returns what it printed.
func (s *story) perform(what string) string {
	s.Helper()
	table, err := s.Monitor.Pgaf(s.within(patience), "perform", what, "--pgdata", s.Monitor.PGDATA, "--group", "0")
	s.must(err)
	return table
}
