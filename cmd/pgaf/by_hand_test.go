package main

import (
	"strings"
	"testing"

	"pgaf/keeper"
	"pgaf/keeper/postgres"
	"pgaf/monitor"
)

func TestCandidates(t *testing.T) {
	secondary := monitor.Node{Reported: monitor.StateSecondary, Assigned: monitor.StateSecondary, CandidatePriority: 50, Health: monitor.HealthGood}
	nodes := []monitor.Node{secondary}
	for _, change := range []func(*monitor.Node){
		func(n *monitor.Node) { n.CandidatePriority = 0 },
		func(n *monitor.Node) { n.Health = monitor.HealthBad },
		func(n *monitor.Node) { n.Assigned = monitor.StateMaintenance },
		func(n *monitor.Node) { n.Reported, n.Assigned = monitor.StatePrimary, monitor.StatePrimary },
	} {
		n := secondary
		change(&n)
		nodes = append(nodes, n)
	}
	if got := candidates(nodes); got != 1 {
		t.Errorf("%d candidates, want only the healthy secondary with a priority", got)
	}
}

func TestPrintIdentity(t *testing.T) {
	var b strings.Builder
	err := printIdentity(&b, postgres.System{Timeline: 4, LSN: 0x9000}, postgres.History{{TLI: 1, SwitchLSN: 0x3000}, {TLI: 3, SwitchLSN: 0x5000}})
	want := "Current timeline: 4\nCurrent WAL LSN: 0/9000\nTimeline 1: 0/0 .. 0/3000\nTimeline 3: 0/3000 .. 0/5000\nTimeline 4: 0/5000 .. 0/9000\n"
	if err != nil || b.String() != want {
		t.Errorf("printed %q, %v; want %q", b.String(), err, want)
	}
}

func TestMismatchesAreAnError(t *testing.T) {
	var log strings.Builder
	a := &app{name: "pgaf", log: newLogger(&log, verbosity{}, false)}
	if err := reportMismatches(a, nil); err != nil {
		t.Errorf("no mismatch is the error %v", err)
	}
	err := reportMismatches(a, []monitor.FSMEdge{{Pos: 7, Current: monitor.StateSecondary, Assigned: monitor.StateInit, Comment: "a mistake"}})
	if exitCode(err) != exitInternal || !strings.Contains(log.String(), "rule 7 of the monitor (a mistake) takes a node from secondary to init") {
		t.Errorf("a mismatch is %v, logged as %q", err, log.String())
	}
}

func TestCitusKindsOnly(t *testing.T) {
	for kind, want := range map[string]int{"standalone": exitBadArgs, "worker": exitOK, "coordinator": exitOK} {
		config := keeper.NewConfig(keeper.RoleKeeper)
		config.NodeKind = kind
		err := refuseWithoutCitus(config)
		if got := exitCode(err); err != nil && got != want || err == nil && want != exitOK {
			t.Errorf("kind %s: %v, want exit code %d", kind, err, want)
		}
	}
	if err := refuseWithoutCitus(keeper.NewConfig(keeper.RoleMonitor)); err == nil {
		t.Error("a monitor is part of a Citus cluster")
	}
}

func TestCompareWrites(t *testing.T) {
	var out strings.Builder
	a := &app{stdout: &out}
	if err := a.compareWrites(5, 6); err != nil || out.String() != "5 writes were acknowledged, 0 of them are lost.\n" {
		t.Errorf("a write without an answer: %v, %q", err, out.String())
	}
	if err := a.compareWrites(6, 5); err == nil || !strings.Contains(err.Error(), "1 are lost") {
		t.Errorf("a lost write: %v", err)
	}
}
