package postgres

import (
	"testing"

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

func TestCompare(t *testing.T) {
	h, _ := ParseHistory([]byte(historyText)) // 1 until 0/3000148, 2 until 1/A0, then 3
	up := System{Timeline: 3, LSN: 1<<32 + 0x500}
	for _, c := range []struct {
		what  string
		local Position
		start bool
		want  Relation
	}{
		{"unknown timeline", Position{0, 5}, false, RelationUnknown},
		{"lagging on the same timeline", Position{3, 1<<32 + 0x400}, false, RelationSame},
		{"level", Position{3, 1<<32 + 0x500}, false, RelationSame},
		{"ahead on the same timeline", Position{3, 1<<32 + 0x501}, false, RelationDiverged},
		{"later timeline", Position{4, 1}, false, RelationDiverged},
		{"older timeline, lagging", Position{2, 0x3000200}, false, RelationAncestor},
		{"older timeline, exactly at the switch", Position{2, 1<<32 + 0xA0}, false, RelationAncestor},
		{"older timeline, a record that begins at the switch", Position{2, 1<<32 + 0xA0}, true, RelationDiverged},
		{"older timeline, the last record before the switch", Position{2, 1<<32 + 0x28}, true, RelationAncestor},
		{"older timeline, beyond the switch", Position{2, 1<<32 + 0xA1}, false, RelationDiverged},
		{"oldest timeline, beyond its switch", Position{1, 0x3000149}, false, RelationDiverged},
	} {
		if got := Compare(c.local, c.start, up, h); got != c.want {
			t.Errorf("%s: %s instead of %s", c.what, got, c.want)
		}
	}
	sibling := History{{1, 100, ""}} // timeline 2 is not in its history
	if got := Compare(Position{2, 50}, false, System{Timeline: 3, LSN: 200}, sibling); got != RelationDiverged {
		t.Errorf("sibling timeline: %s", got)
	}
}
