package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

func TestClassifyText(t *testing.T) {
	for output, want := range map[string]Failure{
		`pg_rewind: error: connection to server at "10.0.0.1", port 5432 failed: Connection refused`:                                         FailureUnreachable,
		`pg_rewind: error: connection to server at "10.0.0.1", port 5432 failed: timeout expired`:                                            FailureUnreachable,
		`pg_rewind: error: connection to server at "10.0.0.1", port 5432 failed: FATAL:  the database system is starting up`:                 FailureUnreachable,
		`pg_rewind: error: could not translate host name "db1" to address: Name or service not known`:                                        FailureUnreachable,
		"pg_rewind: error: could not fetch remote file \"pg_wal/000000010000000000000003\": server closed the connection unexpectedly":       FailureUnreachable,
		`pg_rewind: error: source system was modified while pg_rewind was running`:                                                           FailureUnreachable,
		`pg_basebackup: error: could not receive data from WAL stream: SSL connection has been closed unexpectedly`:                          FailureUnreachable,
		`pg_rewind: error: connection to server at "10.0.0.1", port 5432 failed: FATAL:  no pg_hba.conf entry for host "10.0.0.2", user "r"`: FailureRefused,
		`pg_rewind: error: connection to server at "10.0.0.1", port 5432 failed: FATAL:  password authentication failed for user "r"`:        FailureRefused,
		`pg_rewind: error: connection to server at "10.0.0.1", port 5432 failed: server does not support SSL, but SSL was required`:          FailureRefused,
		`pg_basebackup: error: FATAL:  number of requested standby connections exceeds max_wal_senders (currently 12)`:                       FailureRefused,
		`pg_rewind: error: could not write file "/data/base/1/2": No space left on device`:                                                   FailureNoSpace,
		"pg_basebackup: error: could not write: Disk quota exceeded\npg_basebackup: error: server closed the connection unexpectedly":        FailureNoSpace,
		`pg_basebackup: error: could not send replication command "START_REPLICATION": ERROR:  replication slot "s" does not exist`:          FailureNoSlot,
		`pg_basebackup: error: could not send replication command "START_REPLICATION": ERROR:  replication slot "s" is active for PID 42`:    FailureNoSlot,
		`pg_rewind: error: could not find common ancestor of the source and target cluster's timelines`:                                      FailureImpossible,
		`pg_rewind: error: source and target clusters are from different systems`:                                                            FailureImpossible,
		`pg_rewind: fatal: could not find previous WAL record at 0/3000060`:                                                                  FailureImpossible,
		`pg_rewind: error: could not open file "/data/pg_wal/000000010000000000000003": No such file or directory`:                           FailureImpossible,
		`pg_rewind: error: target server needs to use either data checksums or "wal_log_hints = on"`:                                         FailureImpossible,
		"pg_rewind: connected to server\npg_rewind: error: could not open file \"/data/base/1/2\": Permission denied":                        FailureUnknown,
		`pg_rewind: error: postgres single-user mode in target cluster failed`:                                                               FailureUnknown,
		"": FailureUnknown,
	} {
		if got := classifyText(output); got != want {
			t.Errorf("%s: %s instead of %s", output, got, want)
		}
	}
}

func TestClassifyConnection(t *testing.T) {
	canceled, cancel := context.WithCancel(context.Background())
	cancel()
	for _, c := range []struct {
		ctx  context.Context
		err  error
		want Failure
	}{
		{context.Background(), &pgconn.PgError{Code: "28000"}, FailureRefused},
		{context.Background(), &pgconn.PgError{Code: "53300"}, FailureRefused},
		{context.Background(), fmt.Errorf("x: %w", &pgconn.PgError{Code: "57P03"}), FailureUnreachable},
		{context.Background(), &pgconn.PgError{Code: "57P01"}, FailureUnreachable},
		{context.Background(), errors.New("connection refused"), FailureUnreachable},
		{canceled, errors.New("canceled"), FailureInterrupted},
	} {
		if got := classifyConnection(c.ctx, c.err); got != c.want {
			t.Errorf("%v: %s instead of %s", c.err, got, c.want)
		}
	}
}

func TestClassifyStart(t *testing.T) {
	for log, want := range map[string]StartKind{
		`FATAL:  could not write lock file "postmaster.pid": No space left on device`:       StartNoSpace,
		`FATAL:  pre-existing shared memory block (key 4195405, ID 131072) is still in use`: startLeftover,
		`FATAL:  lock file "postmaster.pid" already exists`:                                 startLeftover,
		`FATAL:  lock file "/tmp/.s.PGSQL.5432.lock" already exists`:                        StartPort,
		`LOG:  could not bind IPv4 address "127.0.0.1": Address already in use`:             StartPort,
		`FATAL:  configuration file "/data/postgresql.conf" contains errors`:                StartConfig,
		`FATAL:  could not access file "pg_stat_statements": No such file or directory`:     StartConfig,
		`FATAL:  private key file "/data/server.key" has group or world access`:             StartConfig,
		`FATAL:  recovery aborted because of insufficient parameter settings`:               StartConfig,
		`PANIC:  could not locate a valid checkpoint record`:                                StartUnknown,
	} {
		if got := classifyStart(log); got != want {
			t.Errorf("%s: %d instead of %d", log, got, want)
		}
	}
}

func TestErrorTexts(t *testing.T) {
	rewind := &RewindError{ProgramError: ProgramError{
		Program: "pg_rewind", Doing: "rewind /data to the history of 10.0.0.1:5432", Kind: FailureNoSpace,
		Output: "pg_rewind: error: one\npg_rewind: error: two", Err: errors.New("exit status 1"),
	}}
	want := "rewind /data to the history of 10.0.0.1:5432 (no space): pg_rewind: error: one | pg_rewind: error: two: exit status 1; " +
		"free space on this file system"
	if rewind.Error() != want {
		t.Errorf("%s\n%s", rewind, want)
	}
	if FailureOf(fmt.Errorf("x: %w", rewind)) != FailureNoSpace || FailureOf(errors.New("x")) != FailureUnknown {
		t.Error("FailureOf")
	}
	start := &StartError{Kind: StartPort, PGDATA: "/data", Port: 5432, Exit: Exit{PID: 1, Code: 1}, Log: "a\nb"}
	if got := start.Error(); !strings.HasPrefix(got, "start Postgres on /data (port 5432): exit code 1: a | b; another server") {
		t.Error(got)
	}
}

func TestLines(t *testing.T) {
	var seen []string
	p := program{path: "/bin/sh", args: []string{"-c", `printf ' 10/20 kB (50%%)\r 20/20 kB (100%%)\nout\n'; echo one >&2; printf two >&2; exit 3`}}
	p.onLine = func(line string) { seen = append(seen, line) }
	output, err := p.run(context.Background())
	if err == nil || output != "one\ntwo" || len(seen) != 5 {
		t.Errorf("%q, %v, %q", output, err, seen)
	}
	if progress, ok := parseProgress(" 10/20 kB (50%), 0/1 tablespace"); !ok || progress != (BackupProgress{10 << 10, 20 << 10, 50}) {
		t.Errorf("%+v", progress)
	}
}
