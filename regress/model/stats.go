package model

import "maps"

// Stats counts what was done.
type Stats struct {
	Runs, Steps  int64
	Acknowledged int64 // commits
	Safe, Late   int64 // of those, under synchronous replication; while another node was the primary
	LostAsync    int64 // commits that were lost and may be: nobody had promised them
	Promotions   int64
	Kinds        map[Kind]int64
	states       map[uint64]struct{}
}

// NewStats has counted nothing.
func NewStats() *Stats { return &Stats{Kinds: map[Kind]int64{}, states: map[uint64]struct{}{}} }

// States is how many distinct states of a group were seen.
func (s *Stats) States() int { return len(s.states) }

// Add adds what another explorer did.
func (s *Stats) Add(t *Stats) {
	s.Runs += t.Runs
	s.Steps += t.Steps
	s.Acknowledged += t.Acknowledged
	s.Safe += t.Safe
	s.Late += t.Late
	s.LostAsync += t.LostAsync
	s.Promotions += t.Promotions
	for kind, n := range t.Kinds {
		s.Kinds[kind] += n
	}
	maps.Copy(s.states, t.states)
}

func (s *Stats) count(a ack) {
	s.Acknowledged++
	if a.safe {
		s.Safe++
	}
	if a.late {
		s.Late++
	}
}

// Faults are the kinds of steps that are faults or what an operator does.
var Faults = []Kind{
	Crash, Boot, Freeze, Thaw, KillKeeper, StartKeeper, KillPostgres, Break, Repair, Cut, Heal, Restart,
	Send, GiveUp, Execute, Take, WrongHealth,
	Failover, LossyFailover, Promote, StartMaintain, StopMaintain, Remove, ForceRemove, SetPriority, SetQuorum, SetNumberSync, Register,
}
