package cluster

import (
	"context"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgaf/regress/harness"
)

// TestBaseBackupInterrupted takes a standby away for so long that its slot is lost and its WAL is gone: it has to be copied anew. In the
// middle of that copy the primary's Postgres is killed, and in the middle of the next one the primary is cut off. The standby keeps
// its old data each time, and joins as soon as a copy can come to its end.
func TestBaseBackupInterrupted(t *testing.T) {
	s := twoNodes(t)
	writer := s.write(harness.WriterOptions{})
	_, err := s.b.Pgaf(s.soon(), "config", "set", "--pgdata", s.b.PGDATA, "replication.maximum_backup_rate", "8M")
	s.must(err)
	s.exec(s.a, "create table filler as select repeat('x', 1000) as x from generate_series(1, 60000)")
	s.must(s.b.KillAll())
	s.await(harness.Want{"node_a": "wait_primary"})
	folder := s.folderID(s.b)
	for _, sql := range []string{
		"alter system set wal_keep_size = 0", "alter system set max_slot_wal_keep_size = '1MB'", "select pg_reload_conf()",
		"select pg_switch_wal()", "create table more as select * from filler limit 20000", "select pg_switch_wal()", "checkpoint",
	} {
		s.exec(s.a, sql)
	}

	s.must(s.b.Start())
	s.awaitCopying(s.b)
	failed := s.awaitLog(s.b, "failed", "base backup of")
	s.must(s.a.KillPostgres())
	failed()
	s.awaitWrites(writer)
	s.awaitCopying(s.b)

	failed = s.awaitLog(s.b, "failed", "base backup of")
	s.must(s.a.Host.Cut())
	failed()
	if s.folderID(s.b) != folder {
		t.Error("the old data was replaced by a copy that was cut off")
	}
	if control, err := s.b.ControlData(s.soon()); err != nil || control["Database system identifier"] == "" {
		t.Errorf("the old data is damaged: %v", err)
	}
	s.must(s.a.Host.Heal())
	s.awaitHealthy(s.a)
	s.awaitWrites(writer)
	if s.folderID(s.b) == folder {
		t.Error("the standby was not copied")
	}
	// Nobody can take over meanwhile: the gap is as long as the cut, which ends when the broken connection is noticed.
	s.settle(writer, 60*time.Second)
	s.expectFailovers()
	s.expectSameData(s.a, s.b)
}

// awaitCopying waits until the monitor shows that a copy of the node has begun and is not at its end.
func (s *story) awaitCopying(n *harness.Node) {
	s.Helper()
	s.poll("a copy of "+n.Name+" in its middle", func(ctx context.Context) bool {
		table, err := s.Monitor.Pgaf(ctx, "show", "state", "--pgdata", s.Monitor.PGDATA)
		s.must(err)
		_, text, found := strings.Cut(table, "(copying ")
		percent, _, _ := strings.Cut(text, " %")
		number, err := strconv.Atoi(percent)
		return found && err == nil && number >= 2 && number < 50
	})
}

// awaitLog returns what waits until a line of the node's log, written after this call, has all these words.
func (s *story) awaitLog(n *harness.Node, words ...string) func() {
	s.Helper()
	before, err := os.ReadFile(n.LogFile())
	s.must(err)
	return func() {
		s.Helper()
		s.poll(n.Name+" logs "+strings.Join(words, " … "), func(context.Context) bool {
			now, err := os.ReadFile(n.LogFile())
			s.must(err)
			for line := range strings.Lines(string(now[len(before):])) {
				if !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(line, word) }) {
					return true
				}
			}
			return false
		})
	}
}

// poll asks again and again for something that nobody notifies.
func (s *story) poll(what string, holds func(context.Context) bool) {
	s.Helper()
	ctx := s.within(patience)
	for !holds(ctx) {
		select {
		case <-ctx.Done():
			s.Fatalf("in vain: %s", what)
		case <-time.After(100 * time.Millisecond):
		}
	}
}
