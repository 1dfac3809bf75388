package postgres

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
)

func TestSyncStandbyNames(t *testing.T) {
	primary := newPrimary(t)
	standby := primary.standby(1)
	primary.exec("create table public.t (g int)")
	value := "ANY 1 (pgautofailover_standby_1, pgautofailover_standby_2)"
	took(t, "arm synchronous replication", func() { primary.must(primary.SetSyncStandbyNames(within(t, time.Minute), value)) })
	if m := primary.metadata(); m.SyncState != "quorum" || m.Standbys != 1 {
		t.Fatalf("after arming: %+v", m)
	}
	took(t, "the same again", func() { primary.must(primary.SetSyncStandbyNames(within(t, time.Minute), value)) })
	value = "ANY 2 (pgautofailover_standby_1, pgautofailover_standby_2)"
	took(t, "change", func() { primary.must(primary.SetSyncStandbyNames(within(t, time.Minute), value)) })

	// A commit of a client waits now; ours does not.
	waiting := make(chan error, 1)
	go func() {
		waiting <- primary.Database(context.Background(), "postgres", func(conn *pgx.Conn) error {
			_, err := conn.Exec(context.Background(), "set synchronous_commit = on; insert into t values (1)")
			return err
		})
	}()
	ctx := within(t, time.Minute)
	primary.must(askUntil(ctx, func() (bool, error) {
		return primary.text("select count(*) from pg_stat_activity where wait_event = 'SyncRep'") == "1", nil
	}))
	primary.exec("insert into public.t values (2)")
	if n, err := primary.CancelSyncWaiters(ctx); err != nil || n != 1 {
		t.Fatalf("%d waiters canceled, %v", n, err)
	}
	primary.must(<-waiting)
	took(t, "disarm synchronous replication", func() { primary.must(primary.SetSyncStandbyNames(ctx, "")) })
	if m := primary.metadata(); m.SyncState != "async" {
		t.Fatalf("after disarming: %+v", m)
	}
	took(t, "set on a standby", func() { standby.must(standby.SetSyncStandbyNames(ctx, "")) })
	if err := primary.SetSyncStandbyNames(ctx, "ANY x ("); err == nil {
		t.Fatal("nonsense was accepted")
	}
	if got, err := primary.SyncStandbyNames(ctx); err != nil || got != "" {
		t.Fatalf("in effect: %q, %v", got, err)
	}
}

func TestParseSyncNames(t *testing.T) {
	for value, want := range map[string]map[string]int{
		"":                      {"a": 0},
		"*":                     {"a": 1, "b": 1},
		"a, b":                  {"a": 1, "b": 2, "c": 0},
		"2 (a, b , c)":          {"a": 1, "b": 2, "c": 3},
		"FIRST 1 (b, a)":        {"a": 2, "B": 1},
		"any 2(a,b)":            {"a": 1, "b": 1, "c": 0},
		`ANY 1 ("a b", "c""d")`: {"a b": 1, `c"d`: 1, "c": 0},
		`FIRST 1 ("x(y", a, *)`: {"x(y": 1, "a": 2, "other": 3},
		`"solo (a)"`:            {"solo (a)": 1, "a": 0},
	} {
		names, err := parseSyncNames(value)
		if err != nil {
			t.Errorf("%s: %v", value, err)
		}
		for name, priority := range want {
			if got := names.priority(name); got != priority {
				t.Errorf("%s: %s has priority %d, not %d", value, name, got, priority)
			}
		}
	}
	if _, err := parseSyncNames(`ANY 1 ("a)`); err == nil {
		t.Error("an open quote was accepted")
	}
}

func TestSlots(t *testing.T) {
	primary := newPrimary(t)
	standby := primary.standby(1)
	ctx := within(t, time.Minute)
	ensure := func(n *node, wanted []SlotWanted, recovery bool, want SlotChanges) {
		t.Helper()
		got, err := n.EnsureSlots(ctx, wanted, recovery)
		n.must(err)
		slices.Sort(got.Created)
		slices.Sort(got.Dropped)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
	}
	one, two, three := SlotWanted{Name: SlotName(1)}, SlotWanted{Name: SlotName(2)}, SlotWanted{Name: SlotName(3)}
	ensure(primary, []SlotWanted{one, two, three}, false, SlotChanges{Created: []string{two.Name, three.Name}})
	ensure(primary, []SlotWanted{one, two, three}, false, SlotChanges{})
	primary.exec("select pg_create_physical_replication_slot('mine')")
	primary.exec("select pg_create_physical_replication_slot('pgautofailover_standby')")
	ensure(primary, []SlotWanted{three}, false, SlotChanges{Dropped: []string{"pgautofailover_standby", two.Name}}) // one is in use

	primary.exec("create table public.t as select repeat('x', 100) from generate_series(1, 1000)")
	standby.caughtUp(primary)
	ensure(standby, []SlotWanted{two}, true, SlotChanges{Created: []string{two.Name}})
	primary.exec("insert into public.t select repeat('x', 100) from generate_series(1, 1000)")
	standby.caughtUp(primary)
	two.LSN = standby.metadata().ReplayLSN
	ensure(standby, []SlotWanted{two}, true, SlotChanges{})
	if at := standby.text("select restart_lsn from pg_replication_slots where slot_name = '" + two.Name + "'"); at != two.LSN.String() {
		t.Fatalf("slot at %s, wanted %s", at, two.LSN)
	}
	two.LSN = 1 // behind: stays
	ensure(standby, []SlotWanted{two}, true, SlotChanges{})
	dropped, err := standby.DropInactiveSlots(ctx)
	if err != nil || len(dropped) != 1 {
		t.Fatalf("dropped %v, %v", dropped, err)
	}
}
