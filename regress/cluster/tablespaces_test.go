package cluster

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"pgaf/regress/harness"
)

// TestTablespaces has the written table in a tablespace outside of PGDATA. The standby gets a copy in a folder of its own, and both
// nodes return from a failover by rewind, with the tablespace.
func TestTablespaces(t *testing.T) {
	slot(t)
	s := newStory(t, harness.ClusterOptions{})
	s.addNodes(1)
	s.await(harness.Want{"node_a": "single"})
	space := filepath.Join(s.Dir, "space")
	s.must(run.Account.Mkdir(space))
	joining := s.write(harness.WriterOptions{Name: "joining"})
	s.exec(s.a, "create tablespace space location '"+space+"'")
	s.exec(s.a, "alter table acknowledged_writes set tablespace space")

	s.addNodes(1)
	s.awaitWrites(joining)
	s.settle(joining, 3*time.Second)
	writer := s.write(harness.WriterOptions{}) // knows both nodes
	folders := map[string]uint64{"node_a": s.folderID(s.a), "node_b": s.folderID(s.b)}
	for _, failover := range []struct{ from, to *harness.Node }{{s.a, s.b}, {s.b, s.a}} {
		s.must(failover.from.KillAll())
		s.await(harness.Want{failover.to.Name: "wait_primary"})
		s.awaitWrites(writer)
		s.must(failover.from.Start())
		s.awaitHealthy(failover.to)
		s.awaitWrites(writer)
		if s.folderID(failover.from) != folders[failover.from.Name] {
			t.Errorf("%s returned by a base backup, not by rewind", failover.from.Name)
		}
	}
	s.settle(writer, 8*time.Second)
	s.expectFailovers(s.b, s.a)
	s.expectSameData(s.a, s.b)
	if a, b := s.tablespace(s.a), s.tablespace(s.b); a == b {
		t.Errorf("both nodes use %s", a)
	}
}

// tablespace is where the only tablespace of a node lies.
func (s *story) tablespace(n *harness.Node) string {
	s.Helper()
	links, err := filepath.Glob(filepath.Join(n.PGDATA, "pg_tblspc", "*"))
	s.must(err)
	if len(links) != 1 {
		s.Fatalf("%s has tablespaces %v", n.Name, links)
	}
	target, err := os.Readlink(links[0])
	s.must(err)
	return target
}

// exec runs one statement on a node.
func (s *story) exec(n *harness.Node, sql string) {
	s.Helper()
	ctx := s.soon()
	conn, err := n.Connect(ctx)
	s.must(err)
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, sql)
	s.must(err)
}
