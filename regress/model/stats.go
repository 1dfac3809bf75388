package model

import "maps"

// Stats counts what was done.
type Stats struct {
	runs, steps  int64
	acknowledged int64
	safe, late   int64 // of those, under synchronous replication; while another node was the primary
	lostAsync    int64
	promotions   int64
	stuckChecks  int64
	faults       map[Kind]int64
	states       map[uint64]struct{}
}

func newStats() *Stats { return &Stats{faults: map[Kind]int64{}, states: map[uint64]struct{}{}} }

func (s *Stats) add(t *Stats) {
	s.runs += t.runs
	s.steps += t.steps
	s.acknowledged += t.acknowledged
	s.safe += t.safe
	s.late += t.late
	s.lostAsync += t.lostAsync
	s.promotions += t.promotions
	s.stuckChecks += t.stuckChecks
	for kind, n := range t.faults {
		s.faults[kind] += n
	}
	maps.Copy(s.states, t.states)
}

func (s *Stats) count(a ack) {
	s.acknowledged++
	if a.safe {
		s.safe++
	}
	if a.late {
		s.late++
	}
}
