package cluster

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"pgaf/regress/harness"
)

// TestSlotsOnEveryNode looks at the replication slots of three nodes: each node has one for each of the others. Those of
// the standbys move on with what the others have received, so that they keep no WAL for nothing. The slots for a node
// that leaves are dropped.
func TestSlotsOnEveryNode(t *testing.T) {
	slot(t)
	s := newStory(t, harness.ClusterOptions{})
	s.addNodes(3)
	c := s.Nodes[2]
	slotsFor := func(ids string) string {
		return "select coalesce(string_agg(slot_name, ' ' order by slot_name), '') = '" + ids + "' from pg_replication_slots"
	}
	s.nodeHolds(s.a, slotsFor("pgautofailover_standby_2 pgautofailover_standby_3"))
	s.nodeHolds(s.b, slotsFor("pgautofailover_standby_1 pgautofailover_standby_3"))
	s.nodeHolds(c, slotsFor("pgautofailover_standby_1 pgautofailover_standby_2"))

	s.write(harness.WriterOptions{}).Stop()
	lsn := s.value(s.a, "select pg_current_wal_lsn()::text")
	for _, standby := range []*harness.Node{s.b, c} {
		s.nodeHolds(standby, fmt.Sprintf("select bool_and(restart_lsn >= '%s') from pg_replication_slots", lsn))
	}

	_, err := s.Monitor.Pgaf(s.within(patience), "drop", "node", "--pgdata", s.Monitor.PGDATA, "--name", c.Name)
	s.must(err)
	s.nodeHolds(s.a, slotsFor("pgautofailover_standby_2"))
	s.nodeHolds(s.b, slotsFor("pgautofailover_standby_1"))
}

// TestLostSlot takes the slot of a standby away in three ways. One that Postgres runs into a wall with is reported as a
// stall and mended by a reload. One that was dropped is made anew, and as the WAL is still there, nothing is copied. One
// that was away for more WAL than max_slot_wal_keep_size is recognised as lost and made anew, and its standby copied anew.
func TestLostSlot(t *testing.T) {
	s := twoNodes(t)
	writer := s.write(harness.WriterOptions{})
	folder := s.folderID(s.b)

	s.statements(s.b, "alter system set primary_slot_name = 'nowhere'", "select pg_reload_conf()")
	s.monitorHolds("select upstreamlost is not null from pgautofailover.node where nodename = 'node_b'")
	s.monitorHolds("select upstreamlost is null from pgautofailover.node where nodename = 'node_b'")
	s.logged(s.b, "receives nothing from the primary")
	s.awaitHealthy(s.a)
	s.awaitWrites(writer)

	s.must(s.b.KillAll())
	s.await(harness.Want{"node_a": "wait_primary"})
	s.statements(s.a, "select pg_drop_replication_slot('pgautofailover_standby_2')")
	s.must(s.b.Start())
	s.awaitHealthy(s.a)
	if s.folderID(s.b) != folder {
		t.Error("the standby was copied anew although the primary had all WAL that it needed")
	}

	s.must(s.b.KillAll())
	s.await(harness.Want{"node_a": "wait_primary"})
	s.statements(s.a, "alter system set max_slot_wal_keep_size = '1MB'", "alter system set wal_keep_size = 0", "select pg_reload_conf()")
	for range 3 { // away with the segments that the standby needs next
		s.statements(s.a, "select pg_switch_wal()", "select pg_logical_emit_message(true, 'filler', repeat('x', 1000000))", "checkpoint")
	}
	s.logged(s.a, "the WAL that a standby still needed is gone")
	s.statements(s.a, "alter system reset max_slot_wal_keep_size", "alter system reset wal_keep_size", "select pg_reload_conf()")
	s.must(s.b.Start())
	s.awaitHealthy(s.a)
	if s.folderID(s.b) == folder {
		t.Error("the standby was not copied anew")
	}
	s.awaitWrites(writer)
	s.settle(writer, 15*time.Second)
	s.expectFailovers()
	s.expectSameData(s.a, s.b)
}

// statements runs statements on a node.
func (s *story) statements(n *harness.Node, statements ...string) {
	s.Helper()
	conn, err := n.Connect(s.soon())
	s.must(err)
	defer conn.Close(context.Background())
	for _, statement := range statements {
		_, err := conn.Exec(s.soon(), statement)
		s.must(err)
	}
}

// value is the text that a query on a node returns.
func (s *story) value(n *harness.Node, query string) (text string) {
	s.Helper()
	conn, err := n.Connect(s.soon())
	s.must(err)
	defer conn.Close(context.Background())
	s.must(conn.QueryRow(s.soon(), query).Scan(&text))
	return text
}

// nodeHolds waits until a query on a node returns true: nothing announces a change of a slot.
func (s *story) nodeHolds(n *harness.Node, query string) {
	s.Helper()
	conn, err := n.Connect(s.soon())
	s.must(err)
	s.untilTrue(conn, n.Name, query)
}

// monitorHolds is nodeHolds for the monitor.
func (s *story) monitorHolds(query string) {
	s.Helper()
	conn, err := s.ConnectMonitor(s.soon())
	s.must(err)
	s.untilTrue(conn, "the monitor", query)
}

func (s *story) untilTrue(conn *pgx.Conn, where, query string) {
	s.Helper()
	defer conn.Close(context.Background())
	s.pollUntil(fmt.Sprintf("on %s: %s", where, query), func(ctx context.Context) (met *bool, err error) {
		return met, conn.QueryRow(ctx, query).Scan(&met)
	})
}

// logged waits until the keeper of a node has logged a text.
func (s *story) logged(n *harness.Node, text string) {
	s.Helper()
	s.pollUntil(fmt.Sprintf("%s logging %q", n.Name, text), func(context.Context) (*bool, error) {
		content, err := os.ReadFile(n.LogFile())
		met := strings.Contains(string(content), text)
		return &met, err
	})
}

// pollUntil asks until the answer is yes; no answer is no.
func (s *story) pollUntil(what string, ask func(context.Context) (*bool, error)) {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), patience)
	defer cancel()
	for {
		met, err := ask(ctx)
		if err == nil && met != nil && *met {
			return
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			s.Fatalf("waited in vain for %s (%v); the group is: %s", what, err, s.Watch.States())
		}
	}
}
