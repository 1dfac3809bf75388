package keeper

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pgaf/monitor"
)

// own are the transitions that pg_auto_failover does not have.
var own = []Edge{
	{monitor.StateWaitPrimary, monitor.StateDemoteTimeout},
	{monitor.StateReportLSN, monitor.StateMaintenance},
	{monitor.StateReportLSN, monitor.StateWaitMaintenance},
}

func isOwn(t Transition) bool { return slices.Contains(own, Edge{t.From, t.To}) }

// A monitor of pg_auto_failover must find every edge that it knows.
func TestTransitionsAreThoseOfPgAutoFailover(t *testing.T) {
	content, err := os.ReadFile("testdata/transitions.txt")
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for line := range strings.Lines(string(content)) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			want = append(want, line)
		}
	}
	var got []string
	for _, x := range Transitions {
		if isOwn(x) {
			continue
		}
		got = append(got, strings.Join([]string{string(x.From), string(x.To), x.Kind, orDash(x.Action), orDash(x.Phase)}, " "))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("transitions differ (-want +got):\n%s", diff)
	}
	if len(got) != 131 {
		t.Errorf("%d transitions, want 131", len(got))
	}
	if pairs := len(Edges()) - len(own); pairs != 108 {
		t.Errorf("%d distinct pairs, want 108", pairs)
	}
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func TestEveryActionExists(t *testing.T) {
	used := map[string]bool{}
	for _, x := range Transitions {
		if x.Action == "" {
			continue
		}
		used[x.Action] = true
		if actions[x.Action] == nil {
			t.Errorf("%s ➜ %s: there is no action %q", x.From, x.To, x.Action)
		}
	}
	for name := range actions {
		if !used[name] {
			t.Errorf("action %q is used by no transition", name)
		}
	}
	if len(used) != 40 {
		t.Errorf("%d actions, want 40", len(used))
	}
}

func TestTransitionsSayWhatTheyDo(t *testing.T) {
	for _, x := range Transitions {
		if x.Kind == KindAny && (x.Comment == "" || x.Phase == PhaseNone) {
			t.Errorf("%s ➜ %s has no comment or phase", x.From, x.To)
		}
	}
}

// The first matching row wins, so a row for one kind must precede that for any.
func TestKindsPrecedeAny(t *testing.T) {
	generic := map[Edge]bool{}
	for _, x := range Transitions {
		if x.Kind == KindAny {
			generic[Edge{x.From, x.To}] = true
		} else if generic[Edge{x.From, x.To}] {
			t.Errorf("%s ➜ %s for %s is shadowed by the row for any kind", x.From, x.To, x.Kind)
		}
	}
}

func TestFindTransition(t *testing.T) {
	for _, test := range []struct {
		from, to monitor.State
		kind     string
		action   string
	}{
		{monitor.StateSecondary, monitor.StatePreparePromotion, "standalone", "prepare_standby_for_promotion"},
		{monitor.StateSecondary, monitor.StatePreparePromotion, "worker", "citus_worker_prepare_standby_for_promotion"},
		{monitor.StateSecondary, monitor.StatePreparePromotion, "coordinator", "prepare_standby_for_promotion"},
		{monitor.StateCatchingup, monitor.StateSecondary, "coordinator", "citus_maintain_replication_slots"},
		{monitor.StateMaintenance, monitor.StateDropped, "standalone", "drop_node"},
		{monitor.StateWaitPrimary, monitor.StateDemoteTimeout, "standalone", "stop_postgres"},
	} {
		got, err := findTransition(test.from, test.to, test.kind)
		if err != nil || got.Action != test.action {
			t.Errorf("%s ➜ %s on a %s: %q, %v; want %q", test.from, test.to, test.kind, got.Action, err, test.action)
		}
	}
	if _, err := findTransition(monitor.StateSingle, monitor.StateSecondary, "standalone"); err == nil {
		t.Error("single ➜ secondary was found")
	}
}

// A state in which Postgres must be down and one in which it must be up exclude each
// other, and every state that can be left half done knows how to be entered anew.
func TestStatesAreConsistent(t *testing.T) {
	for _, s := range monitor.States {
		if stopsPostgres(s) && runsPostgres(s) {
			t.Errorf("%s wants Postgres up and down", s)
		}
		if s.Writable() && !runsPostgres(s) {
			t.Errorf("%s is writable without Postgres", s)
		}
		if x, found := reentry(s); found && (actions[x.Action] == nil || x.From != s || x.To != s) {
			t.Errorf("%s is entered anew by %+v", s, x)
		}
	}
	for _, s := range []monitor.State{monitor.StateReportLSN, monitor.StateWaitPrimary} {
		if _, found := reentry(s); !found {
			t.Errorf("%s makes a promise and cannot be entered anew", s)
		}
	}
}

func TestContradicts(t *testing.T) {
	go1 := job{Transition: Transition{From: monitor.StatePrimary, To: monitor.StateDraining}}
	go2 := job{Transition: Transition{From: monitor.StatePrimary, To: monitor.StateDemoteTimeout}}
	stay := func(u upkeep) job {
		return job{Transition: Transition{From: monitor.StatePrimary, To: monitor.StatePrimary}, upkeep: u}
	}
	for _, test := range []struct {
		name          string
		want, running job
		contradicts   bool
	}{
		{"same goal", go1, go1, false},
		{"other goal", go2, go1, true},
		{"goal came back", stay(noUpkeep), go1, true},
		{"goal while Postgres starts", go1, stay(startPostgres), true},
		{"upkeep while upkeep", stay(startPostgres), stay(servePeers), false},
		{"nothing wanted, upkeep ends by itself", stay(noUpkeep), stay(servePeers), false},
		{"stop while something else", stay(stopPostgres), stay(servePeers), true},
	} {
		if got := contradicts(test.want, test.running); got != test.contradicts {
			t.Errorf("%s: %v", test.name, got)
		}
	}
}
