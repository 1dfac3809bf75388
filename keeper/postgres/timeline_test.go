package postgres

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const historyText = "1\t0/3000148\tno recovery target specified\n\n2\t1/A0\tbefore 2026-11-21 04:15:49+00\n# comment\n"

func TestParseHistory(t *testing.T) {
	got, err := ParseHistory([]byte(historyText))
	if err != nil {
		t.Fatal(err)
	}
	want := History{
		{1, 0x3000148, "no recovery target specified"},
		{2, 1<<32 + 0xA0, "before 2026-11-21 04:15:49+00"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatal(diff)
	}
	if lsn, ok := got.SwitchPoint(2); !ok || lsn != 1<<32+0xA0 {
		t.Errorf("switch point of 2: %s, %t", lsn, ok)
	}
	if _, ok := got.SwitchPoint(3); ok {
		t.Error("3 is no ancestor")
	}
	for _, bad := range []string{"1\n", "x\t0/1\tr\n", "1\tnowhere\tr\n", "2\t0/1\tr\n1\t0/2\tr\n", "0\t0/1\tr\n"} {
		if h, err := ParseHistory([]byte(bad)); err == nil {
			t.Errorf("%q was accepted: %v", bad, h)
		}
	}
}

// Ancestry both ways, by timeline and position.
func TestCompare(t *testing.T) {
	h, _ := ParseHistory([]byte(historyText)) // 1 until 0/3000148, 2 until 1/A0, then 3
	up := System{Timeline: 3, LSN: 1<<32 + 0x500}
	upTo2 := h[:1]
	for _, c := range []struct {
		what  string
		local Position
		start bool
		own   History
		want  Relation
	}{
		{"unknown timeline", Position{0, 5}, false, nil, RelationUnknown},
		{"lagging on the same timeline", Position{3, 1<<32 + 0x400}, false, h, RelationSame},
		{"level", Position{3, 1<<32 + 0x500}, false, h, RelationSame},
		{"ahead on the same timeline", Position{3, 1<<32 + 0x501}, false, h, RelationDiverged},
		{"the same number, begun elsewhere", Position{3, 1<<32 + 0x400}, false, History{h[0], {2, 1<<32 + 0xB0, ""}}, RelationDiverged},
		{"the same number, of another parent", Position{3, 1<<32 + 0x400}, false, History{{1, 1<<32 + 0xA0, ""}}, RelationDiverged},
		{"older timeline, lagging", Position{2, 0x3000200}, false, upTo2, RelationAncestor},
		{"older timeline, exactly at the switch", Position{2, 1<<32 + 0xA0}, false, upTo2, RelationAncestor},
		{"older timeline, a record that begins at the switch", Position{2, 1<<32 + 0xA0}, true, upTo2, RelationDiverged},
		{"older timeline, the last record before the switch", Position{2, 1<<32 + 0x28}, true, upTo2, RelationAncestor},
		{"older timeline, beyond the switch", Position{2, 1<<32 + 0xA1}, false, upTo2, RelationDiverged},
		{"older timeline of the same number, begun elsewhere", Position{2, 0x3000200}, false, History{{1, 0x3000140, ""}}, RelationDiverged},
		{"oldest timeline, lagging", Position{1, 0x3000100}, false, nil, RelationAncestor},
		{"oldest timeline, beyond its switch", Position{1, 0x3000149}, false, nil, RelationDiverged},
		{"later timeline, begun where the upstream had not been yet", Position{4, 1<<32 + 0x700}, false, append(h[:2:2], Ancestor{3, 1<<32 + 0x500, ""}), RelationDescendant},
		{"later timeline, begun before the upstream's end", Position{4, 1<<32 + 0x700}, false, append(h[:2:2], Ancestor{3, 1<<32 + 0x4FF, ""}), RelationDiverged},
		{"later timeline, sibling", Position{4, 1<<32 + 0x700}, false, append(h[:1:1], Ancestor{2, 1 << 32, ""}), RelationDiverged},
		// Without a history of our own only numbers and positions are left.
		{"history unknown, same timeline", Position{3, 1<<32 + 0x400}, false, nil, RelationSame},
		{"history unknown, older timeline", Position{2, 0x3000200}, false, nil, RelationAncestor},
	} {
		if got := Compare(c.local, c.start, c.own, up, h); got != c.want {
			t.Errorf("%s: %s instead of %s", c.what, got, c.want)
		}
	}
	sibling := History{{1, 100, ""}} // timeline 2 is not in its history
	for _, own := range []History{nil, {{1, 40, ""}}} {
		if got := Compare(Position{2, 50}, false, own, System{Timeline: 3, LSN: 200}, sibling); got != RelationDiverged {
			t.Errorf("sibling timeline: %s", got)
		}
	}
}

// A promotion begins the timeline that it is told to, and standbys follow it there. A promotion that does not take
// place leaves nothing that keeps the standby from starting.
func TestReserveTimelines(t *testing.T) {
	primary := newPrimary(t)
	winner, follower := primary.standby(1), primary.standby(2)
	_, err := winner.EnsureSlots(within(t, time.Minute), []SlotWanted{{Name: SlotName(2)}}, true)
	winner.must(err)
	primary.exec("create table public.t as select 1 as one")
	winner.caughtUp(primary)
	follower.caughtUp(primary)

	release := func(n *node) (left []int) {
		t.Helper()
		reserved, err := ReservedTimelines(n.pgdata)
		n.must(err)
		n.must(ReleaseTimelines(n.pgdata, reserved, 1))
		left, err = ReservedTimelines(n.pgdata)
		n.must(err)
		return left
	}
	winner.must(ReserveTimelines(winner.pgdata, 1, 4))
	winner.stop(Fast)
	if err := winner.Start(within(t, 3*time.Second)); err == nil {
		t.Fatal("a standby starts with timelines that are not its children: they need not be released")
	}
	winner.stop(Immediate)
	if left := release(winner); len(left) != 0 {
		t.Fatalf("not all were released: %v", left)
	}
	winner.start()
	winner.must(winner.WaitStreaming(within(t, time.Minute)))
	winner.caughtUp(primary)

	primary.stop(Immediate)
	winner.must(ReserveTimelines(winner.pgdata, 1, 4))
	winner.must(winner.Promote(within(t, time.Minute)))
	winner.must(RemoveStandby(winner.pgdata))
	winner.exec("create table public.after ()")
	if m := winner.metadata(); m.Timeline != 4 {
		t.Fatalf("promoted to timeline %d", m.Timeline)
	}
	if left := release(winner); len(left) != 2 {
		t.Fatalf("standbys fetch the files of 2 and 3, and there is %v", left)
	}

	follower.must(follower.Repoint(within(t, time.Minute), winner.upstream(2)))
	follower.caughtUp(winner)
	if m := follower.metadata(); m.Timeline != 4 {
		t.Fatalf("followed to timeline %d", m.Timeline)
	}
	follower.stop(Fast)
	release(follower)
	follower.start()
	follower.must(follower.WaitStreaming(within(t, time.Minute)))
}

// What stays and what goes, by the numbers and ancestors of the files.
func TestReleaseTimelines(t *testing.T) {
	for _, c := range []struct {
		what    string
		files   map[int]string // "" is a reserved one
		current int
		stays   []int
	}{
		{"none", nil, 4, nil},
		{"no promotion followed", map[int]string{5: "", 6: ""}, 4, nil},
		{"a promotion followed", map[int]string{5: "", 6: "", 7: "4\t0/1\tr\n"}, 4, []int{5, 6}},
		{"older than the data", map[int]string{3: ""}, 4, []int{3}},
		{"a stranger with a gap before it", map[int]string{5: "", 7: "4\t0/1\tr\n"}, 4, nil},
		{"a stranger next to it", map[int]string{5: "", 6: "3\t0/1\tr\n"}, 4, nil},
		{"on both sides of a stranger", map[int]string{5: "", 6: "3\t0/1\tr\n", 7: ""}, 4, nil},
		{"only those below the promotion", map[int]string{5: "", 6: "4\t0/1\tr\n", 7: ""}, 4, []int{5}},
	} {
		pgdata := t.TempDir()
		if err := os.Mkdir(filepath.Join(pgdata, "pg_wal"), 0o700); err != nil {
			t.Fatal(err)
		}
		for tli, text := range c.files {
			if text == "" {
				text = reservedMark
			}
			if err := os.WriteFile(historyFile(pgdata, tli), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		reserved, err := ReservedTimelines(pgdata)
		if err == nil {
			err = ReleaseTimelines(pgdata, reserved, c.current)
		}
		if err != nil {
			t.Errorf("%s: %v", c.what, err)
		}
		reserved, err = ReservedTimelines(pgdata)
		if err != nil || !slices.Equal(reserved, c.stays) {
			t.Errorf("%s: %v stay, want %v (%v)", c.what, reserved, c.stays, err)
		}
	}
}
