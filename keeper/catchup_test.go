package keeper

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"pgaf/keeper/postgres"
	"pgaf/monitor"
)

// A standby of which the primary is behind, on the same timeline, cannot be rewound: to
// try it for ever would help nobody. It is copied, and what only it had is kept.
func TestStandbyAheadOfItsPrimary(t *testing.T) {
	c, a, b := newPair(t)
	b.service.kill(syscall.SIGTERM)
	c.await(a.is(monitor.StateWaitPrimary))
	a.mustSQL("create table t as select 1 as n")
	a.service.kill(syscall.SIGTERM)
	snapshot := filepath.Join(c.dir, "snapshot")
	copyTree := func(from, to string) {
		t.Helper()
		if output, err := exec.Command("cp", "-a", from, to).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, output)
		}
	}
	copyTree(a.pgdata, snapshot)
	a.run()
	b.run()
	c.await(a.is(monitor.StatePrimary), b.is(monitor.StateSecondary))
	a.mustSQL("insert into t select generate_series(2, 1000)")
	b.service.kill(syscall.SIGTERM)
	c.await(a.is(monitor.StateWaitPrimary))
	a.service.kill(syscall.SIGTERM)

	if err := os.RemoveAll(a.pgdata); err != nil {
		t.Fatal(err)
	}
	copyTree(snapshot, a.pgdata)
	a.run()
	c.await(a.is(monitor.StateWaitPrimary))
	b.run()
	c.await(a.is(monitor.StatePrimary), b.is(monitor.StateSecondary))
	if rewinds := b.logged("msg=rewinding"); rewinds > 2 {
		t.Errorf("it was rewound %d times", rewinds)
	}
	if kept := postgres.KeptPathsOf(b.pgdata); len(kept) != 1 || !postgres.HasCluster(kept[0]) {
		t.Errorf("kept: %v", kept)
	}
	if rows := a.mustSQL("select count(*) from t"); rows != "1" {
		t.Errorf("%s rows", rows)
	}
}

// A standby that fetches what the primary has removed from an archive is left alone while
// it progresses: neither restarted nor copied.
func TestCatchUpFromArchive(t *testing.T) {
	c, a, b := newPair(t)
	b.service.kill(syscall.SIGTERM)
	c.await(a.is(monitor.StateWaitPrimary))
	archive := filepath.Join(c.dir, "archive")
	if err := os.Mkdir(archive, 0o700); err != nil {
		t.Fatal(err)
	}
	a.mustSQL("create table t (n int)")
	for range 12 {
		a.mustSQL("insert into t values (1)")
		a.mustSQL("select pg_switch_wal()")
	}
	a.mustSQL("insert into t values (1)") // the present segment has begun
	if output, err := exec.Command("sh", "-c", fmt.Sprintf("cp %s/pg_wal/0* %s/", a.pgdata, archive)).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	current := a.mustSQL("select pg_walfile_name(pg_current_wal_lsn())")
	os.Remove(filepath.Join(archive, current)) // not complete, so not archived
	a.mustSQL("alter system set wal_keep_size = 0")
	a.mustSQL("select pg_reload_conf()")
	a.mustSQL("select pg_drop_replication_slot('" + postgres.SlotName(c.states()["b"].ID) + "')")
	a.mustSQL("checkpoint")

	conf, err := os.OpenFile(filepath.Join(b.pgdata, "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(conf, "restore_command = 'test -f %s/%%f && sleep 1.5 && cp %s/%%f \"%%p\"'\n", archive, archive)
	conf.Close()
	starts := b.logged(`msg="Postgres started"`)
	b.run()
	c.await(a.is(monitor.StatePrimary), b.is(monitor.StateSecondary))
	if b.logged("gets with restore_command") == 0 {
		t.Error("it did not take long enough to tell")
	}
	if starts = b.logged(`msg="Postgres started"`) - starts; starts != 1 {
		t.Errorf("Postgres was started %d times", starts)
	}
	if b.logged(`msg="copying the data"`) != 1 { // the one of its creation
		t.Error("it was copied")
	}
	if rows := b.mustSQL("select count(*) from t"); rows != "13" {
		t.Errorf("%s rows", rows)
	}
}
