package postgres

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// diverged returns a promoted node and the old primary, stopped, which wrote on after the promotion.
func diverged(t *testing.T) (promoted, old *node) {
	t.Helper()
	old = newPrimary(t)
	promoted = old.standby(1)
	old.exec("create table public.t as select g from generate_series(1, 10000) g")
	promoted.caughtUp(old)
	_, err := promoted.StopReceiver(within(t, time.Minute))
	promoted.must(err)
	promoted.must(promoted.Promote(within(t, time.Minute)))
	old.exec("insert into public.t select g from generate_series(1, 10000) g")
	promoted.exec("insert into public.t values (0)")
	_, err = promoted.EnsureSlots(within(t, time.Minute), []SlotWanted{{Name: SlotName(2)}}, false)
	promoted.must(err)
	return promoted, old
}

func (n *node) rewindOptions(source *node, id int64) RewindOptions {
	return RewindOptions{PGDATA: n.pgdata, Source: source.upstream(id), Standby: source.upstream(id)}
}

func (n *node) mustRewind(o RewindOptions, wanted bool) {
	n.t.Helper()
	rewound, err := testBin.Rewind(within(n.t, time.Minute), o)
	n.must(err)
	if rewound != wanted {
		n.t.Fatalf("rewound: %t", rewound)
	}
}

func (n *node) follows(source *node, rows string) {
	n.t.Helper()
	if !IsStandby(n.pgdata) || RewindPending(n.pgdata) {
		n.t.Fatal("the rewound folder is no standby")
	}
	n.writeSettings()
	n.start()
	n.must(n.WaitStreaming(within(n.t, time.Minute)))
	n.caughtUp(source)
	if got := n.text("select count(*) from public.t"); got != rows {
		n.t.Fatalf("%s rows instead of %s", got, rows)
	}
}

func TestRewind(t *testing.T) {
	promoted, old := diverged(t)
	old.stop(Immediate) // pg_rewind recovers it first
	var lines int
	options := old.rewindOptions(promoted, 2)
	options.Progress = func(BackupProgress) { lines++ }
	took(t, "rewind", func() { old.mustRewind(options, true) })
	if lines == 0 {
		t.Error("no progress was reported")
	}
	old.follows(promoted, "10001")

	// A standby that was cut off is rewound too; nothing is lost when there is nothing to do.
	old.stop(Immediate)
	old.mustRewind(options, false)
	old.follows(promoted, "10001")
}

// A rewind that was cut off must never be started, but can be repeated.
func TestRewindInterrupted(t *testing.T) {
	promoted, old := diverged(t)
	old.stop(Fast)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	options := old.rewindOptions(promoted, 2)
	options.Progress = func(BackupProgress) { cancel() }
	_, err := testBin.Rewind(ctx, options)
	var failed *RewindError
	if !errors.As(err, &failed) || failed.Kind != FailureInterrupted || !failed.Touched || !RewindPending(old.pgdata) {
		t.Fatalf("interrupted rewind: %v", err)
	}
	var start *StartError
	if err := old.Start(within(t, time.Minute)); !errors.As(err, &start) || start.Kind != StartRewinding {
		t.Fatalf("start of a half rewound folder: %v", err)
	}
	t.Log(start)
	// The source away: the mark stays.
	options.Progress, options.Source.Port = nil, testPort()
	if _, err := testBin.Rewind(within(t, time.Minute), options); FailureOf(err) != FailureUnreachable || !RewindPending(old.pgdata) {
		t.Fatalf("rewind from nowhere: %v", err)
	}
	// The second attempt may find its own WAL overwritten by the first; then it says so.
	_, err = testBin.Rewind(within(t, time.Minute), old.rewindOptions(promoted, 2))
	if FailureOf(err) == FailureImpossible {
		t.Log(err)
		err = testBin.BaseBackup(within(t, time.Minute), old.backupOptions(promoted, 2))
	}
	old.must(err)
	old.follows(promoted, "10001")
}

// A rewind that was complete when its keeper was killed is only finished: pg_rewind would recover the folder as a
// primary.
func TestRewindCompleteIsNotRunAgain(t *testing.T) {
	promoted, old := diverged(t)
	old.stop(Fast)
	options := old.rewindOptions(promoted, 2)
	_, err := testBin.Rewind(within(t, time.Minute), options)
	old.must(err)
	old.must(unix.Mkfifo(filepath.Join(old.pgdata, rewindMarker), 0o600))
	old.must(os.Remove(filepath.Join(old.pgdata, standbySignal)))
	_, err = testBin.Rewind(within(t, time.Minute), options)
	old.must(err)
	control, err := testBin.ControlData(within(t, time.Minute), old.pgdata)
	old.must(err)
	if control.State != StateInArchiveRecovery {
		t.Errorf("the rewound folder was recovered, its state is %s", control.State)
	}
	old.follows(promoted, "10001")
}

func TestRewindErrors(t *testing.T) {
	promoted, old := diverged(t)
	try := func(options RewindOptions, want Failure, text string) {
		t.Helper()
		_, err := testBin.Rewind(within(t, time.Minute), options)
		var failed *RewindError
		if !errors.As(err, &failed) || failed.Kind != want || failed.Touched || !strings.Contains(err.Error(), text) {
			t.Fatalf("want %s with %q: %v", want, text, err)
		}
		t.Log(err)
	}
	good := old.rewindOptions(promoted, 2)
	try(good, FailureUnknown, "stop it first")
	old.stop(Fast)

	options := good
	options.Source.Port = testPort()
	try(options, FailureUnreachable, "connection refused")
	options = good
	options.Source.User = "nobody"
	try(options, FailureRefused, `role "nobody" does not exist`)
	options = good
	options.PGDATA = old.pgdata + "-missing"
	try(options, FailureUnknown, "pg_control")

	standby := promoted.backup(3)
	standby.start()
	options = good
	options.Source = standby.upstream(2)
	try(options, FailureUnreachable, "not yet promoted")

	other := newNode(t, testDir(t))
	other.must(testBin.InitDB(within(t, time.Minute), other.pgdata, quick))
	other.writeSettings()
	other.start()
	other.exec("create role pgautofailover_replicator login superuser replication")
	options = good
	options.Source = other.upstream(2)
	try(options, FailureImpossible, "different systems")

	// pg_rewind itself: no common ancestor, WAL gone.
	promoted.stop(Fast)
	_, err := WriteStandby(promoted.pgdata, Upstream{})
	promoted.must(err)
	promoted.start()
	promoted.must(promoted.Promote(within(t, time.Minute)))
	history := filepath.Join(promoted.pgdata, "pg_wal", "00000003.history")
	content, err := os.ReadFile(history)
	promoted.must(err)
	promoted.must(os.WriteFile(history, []byte("2\t0/1000\tforeign\n"), 0o600))
	try(good, FailureImpossible, "could not find common ancestor")
	promoted.must(os.WriteFile(history, content, 0o600))
	removeWAL(t, old)
	try(good, FailureImpossible, "pg_wal/")
	if IsStandby(old.pgdata) {
		t.Fatal("the folder was changed")
	}
	// What is left then:
	_, err = promoted.EnsureSlots(within(t, time.Minute), []SlotWanted{{Name: SlotName(2)}}, false)
	promoted.must(err)
	backup := old.backupOptions(promoted, 2)
	old.must(testBin.BaseBackup(within(t, time.Minute), backup))
	old.follows(promoted, "10001")
}

// The full disk is neither the source's fault nor a reason to rebuild.
func TestNoSpace(t *testing.T) {
	disk := os.Getenv("PGAF_TEST_DISK")
	if disk == "" {
		t.Skip("root lends the tests a small disk; run them as root")
	}
	promoted, old := diverged(t)
	promoted.exec("create table public.big as select repeat('x', 1000) as x from generate_series(1, 40000)")
	old.stop(Fast)

	empty := func() {
		entries, _ := filepath.Glob(filepath.Join(disk, "*"))
		for _, entry := range entries {
			os.RemoveAll(entry)
		}
	}
	leave := func(bytes int64) {
		var fs unix.Statfs_t
		promoted.must(unix.Statfs(disk, &fs))
		filler, err := os.Create(filepath.Join(disk, "filler"))
		promoted.must(err)
		defer filler.Close()
		promoted.must(unix.Fallocate(int(filler.Fd()), 0, 0, int64(fs.Bavail)*fs.Bsize-bytes))
	}
	t.Cleanup(empty)
	full := newNode(t, disk)

	leave(30 << 20)
	err := testBin.BaseBackup(within(t, time.Minute), full.backupOptions(promoted, 2))
	if FailureOf(err) != FailureNoSpace || exists(full.pgdata) {
		t.Fatalf("base backup: %v", err)
	}
	t.Log(err)

	empty()
	leave(10 << 20)
	err = testBin.InitDB(within(t, time.Minute), full.pgdata, quick)
	if FailureOf(err) != FailureNoSpace || exists(full.pgdata) {
		t.Fatalf("initdb: %v", err)
	}
	t.Log(err)

	empty()
	full.must(os.CopyFS(full.pgdata, os.DirFS(old.pgdata)))
	full.must(os.Chmod(full.pgdata, 0o700))
	leave(20 << 20)
	_, err = testBin.Rewind(within(t, time.Minute), full.rewindOptions(promoted, 2))
	var failed *RewindError
	if !errors.As(err, &failed) || failed.Kind != FailureNoSpace || !failed.Touched {
		t.Fatalf("rewind: %v", err)
	}
	t.Log(err)

	empty()
	full.must(os.CopyFS(full.pgdata, os.DirFS(old.pgdata)))
	full.must(os.Chmod(full.pgdata, 0o700))
	leave(0)
	var start *StartError
	if err := full.Start(within(t, time.Minute)); !errors.As(err, &start) || start.Kind != StartNoSpace {
		t.Fatalf("start: %v", err)
	}
	t.Log(start)
}

// WAL that is gone from the target is fetched with its restore_command: no copy is needed.
func TestRewindWithArchive(t *testing.T) {
	promoted, old := diverged(t)
	archive := filepath.Join(old.dir, "archive")
	old.must(os.Mkdir(archive, 0o700))
	old.stop(Fast)
	old.must(os.CopyFS(archive, os.DirFS(filepath.Join(old.pgdata, "pg_wal"))))
	removeWAL(t, old)
	options := old.rewindOptions(promoted, 2)
	if _, err := testBin.Rewind(within(t, time.Minute), options); FailureOf(err) != FailureImpossible {
		t.Fatalf("without restore_command: %v", err)
	}
	conf := filepath.Join(old.pgdata, "postgresql.auto.conf")
	content, err := os.ReadFile(conf)
	old.must(err)
	old.must(os.WriteFile(conf, append(content, "restore_command = 'cp "+archive+"/%f \"%p\"'\n"...), 0o600))
	old.mustRewind(options, true)
	old.follows(promoted, "10001")
}

// Tablespaces that the new primary made or dropped since the histories parted.
func TestRewindTablespaces(t *testing.T) {
	old := newPrimary(t)
	old.exec("create table public.t as select g from generate_series(1, 10000) g")
	space := func(name string) string {
		dir := filepath.Join(old.dir, name)
		old.must(os.Mkdir(dir, 0o700))
		return dir
	}
	old.exec("create tablespace before location '" + space("before") + "'")
	old.exec("create table public.before tablespace before as select g from generate_series(1, 1000) g")
	promoted := old.standby(1)
	_, err := promoted.StopReceiver(within(t, time.Minute))
	promoted.must(err)
	promoted.must(promoted.Promote(within(t, time.Minute)))
	old.exec("insert into public.before select g from generate_series(1, 1000) g")
	// On another machine, the folder of the new primary's tablespace would be another one.
	elsewhere := space("elsewhere")
	promoted.exec("create tablespace since location '" + elsewhere + "'")
	promoted.exec("create table public.since tablespace since as select g from generate_series(1, 1000) g")
	promoted.exec("checkpoint")
	_, err = promoted.EnsureSlots(within(t, time.Minute), []SlotWanted{{Name: SlotName(2)}}, false)
	promoted.must(err)
	old.stop(Immediate)

	old.must(os.Chmod(old.dir, 0o500)) // like the parent of a mount point
	old.must(os.Chmod(elsewhere, 0o500))
	if _, err := testBin.Rewind(within(t, time.Minute), old.rewindOptions(promoted, 2)); FailureOf(err) != FailureNotWritable || RewindPending(old.pgdata) {
		t.Fatalf("the folder of the tablespace cannot be made: %v", err)
	}
	old.must(os.Chmod(elsewhere, 0o700))
	old.must(os.Chmod(old.dir, 0o700))
	if n := len(localTablespaces(old.pgdata)); n != 1 {
		t.Fatalf("a failed rewind left %d tablespaces", n)
	}
	old.mustRewind(old.rewindOptions(promoted, 2), true)
	spaces := localTablespaces(old.pgdata)
	if len(spaces) != 2 {
		t.Fatalf("tablespaces: %v", spaces)
	}
	for oid, theirs := range localTablespaces(promoted.pgdata) {
		if spaces[oid] == theirs {
			t.Fatalf("both nodes use %s", theirs)
		}
	}
}

// pg_rewind must not meet the copies of other nodes that lie below a tablespace's folder.
func TestRewindSharedTablespace(t *testing.T) {
	old := newPrimary(t)
	old.exec("create table public.t as select g from generate_series(1, 10000) g")
	space := filepath.Join(old.dir, "space")
	old.must(os.Mkdir(space, 0o700))
	old.exec("create tablespace space location '" + space + "'")
	promoted := old.standby(1)
	promoted.must(promoted.Promote(within(t, time.Minute)))
	_, err := promoted.EnsureSlots(within(t, time.Minute), []SlotWanted{{Name: SlotName(2)}}, false)
	promoted.must(err)
	old.stop(Immediate)
	for _, shared := range []string{space, localTablespaces(promoted.pgdata)[slices.Collect(maps.Keys(localTablespaces(promoted.pgdata)))[0]]} {
		foreign := filepath.Join(shared, "pgaf_01234567_89", "PG_15_202209061")
		old.must(os.MkdirAll(foreign, 0o700))
		if _, err := testBin.Rewind(within(t, time.Minute), old.rewindOptions(promoted, 2)); FailureOf(err) != FailureImpossible || !exists(foreign) {
			t.Errorf("with a copy below %s: %v", shared, err)
		}
		old.must(os.RemoveAll(filepath.Dir(foreign)))
	}
	old.mustRewind(old.rewindOptions(promoted, 2), true)
}

// A standby that received WAL which the promoted node lacks, though nothing in it changed its data.
func TestRewindStandbyAhead(t *testing.T) {
	primary := newPrimary(t)
	promoted, ahead := primary.standby(1), primary.standby(2)
	primary.exec("create table public.t as select g from generate_series(1, 10000) g")
	primary.exec("checkpoint")
	promoted.caughtUp(primary)
	ahead.caughtUp(primary)
	ahead.exec("checkpoint") // nothing in its buffers is left to be written
	_, err := promoted.StopReceiver(within(t, time.Minute))
	promoted.must(err)
	primary.exec("select pg_logical_emit_message(false, 'test', repeat('x', 3000))")
	primary.must(askUntil(within(t, time.Minute), func() (bool, error) { // the WAL writer flushes it
		return primary.text("pg_current_wal_flush_lsn() >= pg_current_wal_insert_lsn()") == "true", nil
	}))
	ahead.caughtUp(primary)
	primary.stop(Immediate)
	promoted.must(promoted.Promote(within(t, time.Minute)))
	_, err = promoted.EnsureSlots(within(t, time.Minute), []SlotWanted{{Name: SlotName(2)}}, false)
	promoted.must(err)
	ahead.stop(Fast)
	ahead.mustRewind(ahead.rewindOptions(promoted, 2), true)
	ahead.follows(promoted, "10000")
}
