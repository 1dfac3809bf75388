package postgres

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A standby that was killed while it received the first part of the segment in which its new primary's timeline
// begins does not start by itself; that part is received anew.
func TestKilledWhileReceivingTheSwitch(t *testing.T) {
	p := newPrimary(t)
	winner, n := p.standby(1), p.backup(2)
	p.exec("create table public.filler as select repeat('x', 1000) from generate_series(1, 300)") // some 300 kB
	n.start()
	n.must(n.WaitStreaming(within(t, time.Minute)))
	winner.caughtUp(p)
	n.caughtUp(p)
	n.stop(Fast)
	p.stop(Fast)
	n.must(winner.Promote(within(t, time.Minute)))
	winner.exec("create table public.after ()")

	_, err := winner.EnsureSlots(within(t, time.Minute), []SlotWanted{{Name: SlotName(2)}}, false)
	n.must(err)
	history, text, err := LocalHistory(winner.pgdata, 2)
	n.must(err)
	begin := history[len(history)-1].SwitchLSN
	name := segmentName(2, begin, 1<<20)
	received := filepath.Join(n.pgdata, "pg_wal", name)
	n.must(os.WriteFile(filepath.Join(n.pgdata, "pg_wal", "00000002.history"), text, 0o600))
	content, err := os.ReadFile(filepath.Join(winner.pgdata, "pg_wal", name))
	n.must(err)
	n.must(os.WriteFile(received, content, 0o600))
	offset := int(uint64(begin) % (1 << 20))
	if removed, err := removeUnfinishedSwitch(n.pgdata); err != nil || len(removed) != 0 {
		t.Fatalf("of a whole segment: removed %v, %v", removed, err)
	}
	const written = 64 << 10
	if offset <= written+8192 {
		t.Fatalf("the timeline begins at %d of its segment: too early for this test", offset)
	}
	clear(content[written:])
	n.must(os.WriteFile(received, content, 0o600))
	_, err = WriteStandby(n.pgdata, winner.upstream(2))
	n.must(err)

	n.start()
	n.must(n.WaitStreaming(within(t, time.Minute)))
	n.caughtUp(winner)
	if got := n.text("select count(*) from pg_class where relname = 'after'"); got != "1" {
		t.Errorf("%s tables of the new timeline", got)
	}
}
