package model

import (
	"math/rand/v2"
	"testing"
)

func TestParseStep(t *testing.T) {
	for _, kind := range kinds {
		for _, s := range []Step{{Kind: kind, Node: 2, Other: 3, Value: 5}, {Kind: kind, Node: 2}} {
			text := s.String()
			parsed, err := ParseStep(text)
			if err != nil || parsed.String() != text || parsed.Kind != kind {
				t.Errorf("%q: got %v, %v", text, parsed, err)
			}
		}
	}
	for _, text := range []string{"", "crash", "crash x", "crash 1 2", "fly 1"} {
		if s, err := ParseStep(text); err == nil {
			t.Errorf("%q is taken for %v", text, s)
		}
	}
}

func TestParseConfig(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 200 {
		c := RandomConfig(r, 0)
		parsed, err := parseConfig(c.String())
		if err != nil || parsed.String() != c.String() {
			t.Fatalf("%s: got %s, %v", c, parsed, err)
		}
	}
	if _, err := parseConfig("some nodes"); err == nil {
		t.Error("taken for a group")
	}
}

// Two nodes whose WAL is the same up to a timeline of one number, and differs in it, look
// the same to a keeper: that is what checkHistory is there for.
func TestCompare(t *testing.T) {
	w := &World{stats: NewStats()}
	a, b := &Node{id: 1}, &Node{id: 2}
	w.write(a, recordBegin)
	w.write(a, recordCommit)
	b.pg.wal = append(wal(nil), a.pg.wal...)
	if got := w.compare(b.pg.wal, a.pg.wal); got != relationSame {
		t.Errorf("equal: %v", got)
	}
	w.begin(a, 2)
	if got := w.compare(b.pg.wal, a.pg.wal); got != relationAncestor {
		t.Errorf("behind a promotion: %v", got)
	}
	if got := w.compare(a.pg.wal, b.pg.wal); got != relationDiverged {
		t.Errorf("ahead: %v", got)
	}
	w.begin(b, 2)
	if got := w.compare(b.pg.wal, a.pg.wal); got != relationSame || b.pg.wal.startOf(a.pg.wal) {
		t.Errorf("another timeline of the same number: %v", got)
	}
	b.pg.wal = b.pg.wal[:2]
	w.begin(b, 3)
	if got := w.compare(b.pg.wal, a.pg.wal); got != relationDiverged {
		t.Errorf("another timeline: %v", got)
	}
}
