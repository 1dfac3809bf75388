package cluster

import (
	"strings"
	"testing"
	"time"

	"pgaf/regress/harness"
)

// TestCreateAndJoin grows a group from one node to three while a client writes.
func TestCreateAndJoin(t *testing.T) {
	slot(t)
	s := newStory(t, harness.ClusterOptions{})
	s.addNodes(1)
	s.await(harness.Want{"node_a": "single"})
	writer := s.write(harness.WriterOptions{})

	s.addNodes(1)
	s.await(harness.Want{"node_a": "primary", "node_b": "secondary"})
	names, err := s.Monitor.Pgaf(s.soon(), "show", "standby-names", "--pgdata", s.Monitor.PGDATA)
	s.must(err)
	if got, want := strings.TrimSpace(names), "'ANY 1 (pgautofailover_standby_2)'"; got != want {
		t.Errorf("synchronous_standby_names with two nodes: %s, want %s", got, want)
	}
	s.expectSameData(s.Nodes[0], s.Nodes[1])

	s.addNodes(1)
	s.awaitHealthy(s.Nodes[0])
	s.awaitWrites(writer)
	s.settle(writer, 3*time.Second)
	s.started = 0 // from the very beginning
	s.expectFailovers()
}

// TestCreateMonitorWithoutExtensionFiles creates the objects directly where Postgres's shared folder has no
// files of the extension and may not be written to.
func TestCreateMonitorWithoutExtensionFiles(t *testing.T) {
	slot(t)
	postgres, err := run.NewPostgres(t.Context(), "read-only-postgres", false)
	if err != nil {
		t.Fatal(err)
	}
	s := newStory(t, harness.ClusterOptions{Postgres: postgres})
	s.addNodes(2)
	writer := s.write(harness.WriterOptions{})
	s.perform("switchover")
	s.awaitHealthy(s.b)
	s.awaitWrites(writer)
	s.settle(writer, 5*time.Second)
	s.expectFailovers(s.b)
}
