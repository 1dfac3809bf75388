package postgres

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// removeWAL takes the WAL away that a base backup brought.
func removeWAL(t *testing.T, n *node) {
	t.Helper()
	segments, err := filepath.Glob(filepath.Join(n.pgdata, "pg_wal", "0*"))
	n.must(err)
	if len(segments) == 0 {
		t.Fatal("no WAL in the backup")
	}
	for _, segment := range segments {
		n.must(os.Remove(segment))
	}
}

func TestBaseBackupAndStreaming(t *testing.T) {
	primary := newPrimary(t)
	spaces := filepath.Join(primary.dir, "space")
	primary.must(os.Mkdir(spaces, 0o700))
	primary.exec("create tablespace extra location '" + spaces + "'")
	primary.exec("create table public.filler tablespace extra as select g, repeat('x', 500) as x from generate_series(1, 20000) g")
	_, err := primary.EnsureSlots(within(t, time.Minute), []SlotWanted{{Name: SlotName(2)}}, false)
	primary.must(err)

	standby := newNode(t, primary.dir)
	var lines []BackupProgress
	options := standby.backupOptions(primary, 2)
	options.Progress = func(p BackupProgress) { lines = append(lines, p) }
	took(t, "base backup", func() { standby.must(testBin.BaseBackup(within(t, time.Minute), options)) })
	if len(lines) == 0 || lines[len(lines)-1].Percent != 100 || lines[0].TotalBytes < 10<<20 {
		t.Fatalf("progress: %+v", lines)
	}
	if !IsStandby(standby.pgdata) {
		t.Fatal("the backup is no standby")
	}
	if !FreshCopy(standby.pgdata) {
		t.Error("the backup is not taken for one that was not started yet")
	}
	standby.writeSettings()
	took(t, "start of the standby", standby.start)
	took(t, "until it streams", func() { standby.must(standby.WaitStreaming(within(t, time.Minute))) })
	standby.caughtUp(primary)
	if FreshCopy(standby.pgdata) {
		t.Error("a standby that was started is taken for a fresh copy")
	}
	if n := standby.text("select count(*) from public.filler"); n != "20000" {
		t.Fatalf("%s rows on the standby", n)
	}

	m := standby.metadata()
	up := primary.metadata()
	switch {
	case !m.InRecovery || up.InRecovery:
		t.Fatal("recovery")
	case m.Timeline != 1 || up.Timeline != 1:
		t.Fatalf("timelines %d and %d", m.Timeline, up.Timeline)
	case m.SystemIdentifier != up.SystemIdentifier || m.SystemIdentifier == 0:
		t.Fatal("system identifiers")
	case !m.Receiver.Streaming || m.Receiver.Port != primary.port || m.Receiver.Slot != SlotName(2):
		t.Fatalf("receiver: %+v", m.Receiver)
	case up.SyncState != "async" || up.Standbys != 1:
		t.Fatalf("primary's standbys: %+v", up)
	case m.VersionNum/10000 != testBin.Version.Major:
		t.Fatalf("version %d", m.VersionNum)
	}

	// Again over the old folder: what is there stays until the new one is complete.
	standby.stop(Fast)
	old := localTablespaces(standby.pgdata)
	canceled, cancel := context.WithCancel(context.Background())
	options.Progress = func(BackupProgress) { cancel() }
	options.MaxRate = "1M"
	if err := testBin.BaseBackup(canceled, options); FailureOf(err) != FailureInterrupted {
		t.Fatalf("interrupted base backup: %v", err)
	}
	standby.start()
	standby.stop(Fast)
	options.Progress, options.MaxRate = nil, ""
	standby.must(testBin.BaseBackup(within(t, time.Minute), options))
	if after := localTablespaces(standby.pgdata); len(after) != 1 {
		t.Fatalf("tablespaces: %v", after)
	}
	for _, target := range old {
		if exists(target) {
			t.Fatalf("the old tablespace %s is still there", target)
		}
	}
	standby.writeSettings()
	standby.start()
	standby.must(standby.WaitStreaming(within(t, time.Minute)))
}

// The base backup of a killed keeper goes on by itself; the next one must not meet it in the same folder.
func TestBaseBackupAfterKill(t *testing.T) {
	primary := newPrimary(t)
	ctx := within(t, time.Minute)
	_, err := primary.EnsureSlots(ctx, []SlotWanted{{Name: SlotName(1)}}, false)
	primary.must(err)
	standby := newNode(t, primary.dir)
	options := standby.backupOptions(primary, 1)
	helper, _ := standby.helper("backup", primary.port)
	copying := func() (bool, error) { return exists(filepath.Join(options.Dir, "backup_label")), nil }
	standby.must(askUntil(ctx, copying))
	standby.must(helper.Process.Kill())
	_ = helper.Wait()
	if left := hold(leftover("pg_basebackup", options.Dir)); len(left) != 2 {
		t.Errorf("%d programs are left, not pg_basebackup and its WAL receiver", len(left))
	}
	standby.must(askUntil(ctx, func() (bool, error) { // the primary notices a moment later that the slot is free
		err := testBin.BaseBackup(ctx, options)
		if FailureOf(err) == FailureNoSlot {
			return false, nil
		}
		return true, err
	}))
	if left := hold(leftover("pg_basebackup", options.Dir)); len(left) != 0 {
		t.Errorf("%d programs are left", len(left))
	}
	standby.writeSettings()
	standby.start()
	standby.must(standby.WaitStreaming(ctx))
}

func TestBaseBackupErrors(t *testing.T) {
	primary := newPrimary(t)
	standby := newNode(t, primary.dir)
	options := standby.backupOptions(primary, 3)
	try := func(want Failure) {
		t.Helper()
		err := testBin.BaseBackup(within(t, time.Minute), options)
		if FailureOf(err) != want {
			t.Fatalf("want %s: %v", want, err)
		}
		if exists(standby.pgdata) || exists(options.Dir) {
			t.Fatal("the failed backup left something")
		}
		t.Log(err)
	}
	try(FailureNoSlot)
	options.Source.Slot = ""
	options.Source.User = "nobody"
	try(FailureRefused)
	options.Source.Database = "" // pg_basebackup itself meets it
	try(FailureRefused)
	options.Source = primary.upstream(3)
	options.Source.Port = testPort()
	try(FailureUnreachable)
	options.Source.Database = ""
	try(FailureUnreachable)
}

func TestPromote(t *testing.T) {
	primary := newPrimary(t)
	standby := primary.standby(1)
	events := standby.Watch()
	primary.exec("create table public.t as select 1 as one")
	standby.caughtUp(primary)
	primary.stop(Immediate)
	last, err := standby.StopReceiver(within(t, time.Minute))
	standby.must(err)
	d := took(t, "promote", func() { standby.must(standby.Promote(within(t, time.Minute))) })
	standby.exec("insert into public.t values (2)")
	m := standby.metadata()
	if m.InRecovery || m.Timeline != 2 || m.LSN < last.LSN {
		t.Fatalf("after the promotion from %s: %+v", last, m)
	}
	nextEvent(t, events, func(e Event) bool { return e.Kind == EventRecovered })
	if d > time.Second {
		t.Errorf("promotion took %s", d)
	}
	standby.must(standby.Promote(within(t, time.Second))) // already
	standby.must(RemoveStandby(standby.pgdata))
	took(t, "checkpoint", func() { standby.must(standby.Checkpoint(within(t, time.Minute))) })
	h, raw, err := LocalHistory(standby.pgdata, 2)
	standby.must(err)
	if lsn, ok := h.SwitchPoint(1); !ok || lsn < last.LSN || len(raw) == 0 {
		t.Fatalf("history: %+v", h)
	}
	standby.stop(Fast)
	standby.start()
	if standby.metadata().InRecovery {
		t.Fatal("a standby again after its restart")
	}
}

// A planned change of the upstream: no restart anywhere, and WAL flows on.
func TestStopReceiverAndRepoint(t *testing.T) {
	primary := newPrimary(t)
	a := primary.standby(1)
	b := primary.standby(2)
	primary.exec("create table public.t as select generate_series(1, 1000) as g")
	_, err := a.EnsureSlots(within(t, time.Minute), []SlotWanted{{Name: SlotName(2)}}, true)
	a.must(err)
	primary.exec("checkpoint")
	want := primary.metadata().LSN
	a.caughtUp(primary)
	b.caughtUp(primary)
	primary.stop(Immediate)

	var last Position
	took(t, "stop receiver (upstream dead)", func() {
		last, err = b.StopReceiver(within(t, time.Minute))
		b.must(err)
	})
	if last.Timeline != 1 || last.LSN < want {
		t.Fatalf("last position %s, want at least %s", last, want)
	}
	took(t, "stop receiver (upstream dead)", func() { _, err = a.StopReceiver(within(t, time.Minute)); a.must(err) })
	took(t, "promote", func() { a.must(a.Promote(within(t, time.Minute))) })
	took(t, "repoint to the promoted node", func() { b.must(b.Repoint(within(t, time.Minute), a.upstream(2))) })
	a.exec("insert into public.t values (0)")
	b.caughtUp(a)
	if m := b.metadata(); m.Timeline != 2 || m.Receiver.Timeline != 2 {
		t.Fatalf("timeline of the repointed standby: %+v", m)
	}
	// The whole again while the upstream lives.
	for range 3 {
		took(t, "stop receiver (upstream alive)", func() { last, err = b.StopReceiver(within(t, time.Minute)); b.must(err) })
		if last.Timeline != 2 {
			t.Fatalf("last position %s", last)
		}
		a.exec("insert into public.t values (0)")
		if m := b.metadata(); m.Receiver.PID != 0 || m.Timeline != 2 || m.LSN != last.LSN {
			t.Fatalf("received after the stop at %s: %+v", last, m)
		}
		took(t, "repoint", func() { b.must(b.Repoint(within(t, time.Minute), a.upstream(2))) })
		b.caughtUp(a)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	nowhere := a.upstream(2)
	nowhere.Port = testPort()
	if err := b.Repoint(ctx, nowhere); err == nil {
		t.Fatal("streams from nowhere")
	} else {
		t.Log(err)
	}
	took(t, "repoint from nowhere", func() { b.must(b.Repoint(within(t, time.Minute), a.upstream(2))) })
}

// A standby set up by hand has its upstream in postgresql.auto.conf, which overrides ours.
func TestRepointOverridden(t *testing.T) {
	primary := newPrimary(t)
	standby := primary.standby(1)
	value := primary.upstream(1).Conninfo() + " connect_timeout=3"
	standby.must(standby.AlterSystem(within(t, time.Minute), "primary_conninfo", &value))
	standby.must(standby.WaitStreaming(within(t, time.Minute)))
	_, err := standby.StopReceiver(within(t, time.Minute))
	standby.must(err)
	if got, err := standby.Setting(within(t, time.Minute), "primary_conninfo"); err != nil || got != "" {
		t.Fatalf("primary_conninfo is %q, %v", got, err)
	}
	odd := primary.upstream(1)
	odd.Password = `a'b\c "d"=e %s ` + "\té" // must survive two quotings
	standby.must(standby.Repoint(within(t, time.Minute), odd))
}

// A recovery conflict blocks the startup process, which then cannot end its walreceiver.
func TestStopReceiverDuringConflict(t *testing.T) {
	primary := newPrimary(t)
	standby := primary.standby(1)
	primary.exec("create table public.t as select generate_series(1, 1000) as g")
	standby.caughtUp(primary)
	ctx := within(t, time.Minute)
	reading, release, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		done <- standby.Database(ctx, "postgres", func(conn *pgx.Conn) error {
			if _, err := conn.Exec(ctx, "begin; select count(*) from public.t"); err != nil {
				return err
			}
			close(reading)
			<-release
			return nil
		})
	}()
	<-reading
	primary.exec("truncate public.t") // its lock conflicts with the reader
	end := primary.metadata().LSN
	standby.must(askUntil(ctx, func() (bool, error) { return standby.metadata().ReceiveLSN >= end, nil }))
	var last Position
	var err error
	took(t, "stop receiver during a recovery conflict", func() {
		last, err = standby.StopReceiver(within(t, time.Minute))
		standby.must(err)
	})
	if last.LSN < end {
		t.Fatalf("last position %s, want %s", last, end)
	}
	close(release)
	standby.must(<-done)
}

// A node that was copied lately holds neither the WAL nor the timeline history files of before, and a standby that was away for
// longer cannot follow it.
func TestUpstreamLacksHistory(t *testing.T) {
	first := newPrimary(t)
	second, away := first.standby(1), first.standby(2)
	first.exec("create table public.t as select 1 as one")
	second.caughtUp(first)
	away.caughtUp(first)
	away.stop(Fast)
	first.stop(Fast)
	upstream := second
	for range 2 { // a copy of each primary is the next one
		upstream.must(upstream.Promote(within(t, time.Minute)))
		upstream.must(RemoveStandby(upstream.pgdata))
		upstream.must(upstream.Checkpoint(within(t, time.Minute)))
		upstream = upstream.standby(3)
	}
	upstream.must(upstream.Promote(within(t, time.Minute)))
	upstream.must(RemoveStandby(upstream.pgdata))
	_, err := upstream.EnsureSlots(within(t, time.Minute), []SlotWanted{{Name: SlotName(2)}}, false)
	upstream.must(err)
	_, err = WriteStandby(away.pgdata, upstream.upstream(2))
	away.must(err)
	away.start()
	err = away.WaitStreaming(within(t, 10*time.Second))
	if !UpstreamLacks(err) {
		t.Errorf("the reason is not seen: %v", err)
	}
	if UpstreamLacks(nil) || UpstreamLacks(errors.New("connection refused")) {
		t.Error("a reason is seen where there is none")
	}
}
