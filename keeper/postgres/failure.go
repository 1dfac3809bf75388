package postgres

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"
)

// Failure says why an external program failed and so what the caller may do next.
type Failure int

const (
	FailureUnknown     Failure = iota
	FailureUnreachable         // the source did not answer, went away, is starting or stopping: retry, never rebuild
	FailureRefused             // the source answered and refused (pg_hba.conf, password, settings): retry, never rebuild
	FailureNoSpace             // the local disk or quota is full: retry, never rebuild
	FailureNotWritable         // the local disk is read-only or broken, or a folder not ours: retry, never rebuild
	FailureNoSlot              // the replication slot is missing or in use upstream: retry
	FailureImpossible          // pg_rewind can never succeed (no common ancestor, WAL gone, other system): rebuild
	FailureUnfit               // what was or would be copied is another cluster or version: retry, use nothing of it
	FailureInterrupted         // ended by the context or by a signal: retry
)

func (f Failure) String() string {
	switch f {
	case FailureUnreachable:
		return "unreachable"
	case FailureRefused:
		return "refused"
	case FailureNoSpace:
		return "no space"
	case FailureNotWritable:
		return "not writable"
	case FailureUnfit:
		return "unfit"
	case FailureNoSlot:
		return "no slot"
	case FailureImpossible:
		return "impossible"
	case FailureInterrupted:
		return "interrupted"
	}
	return "unknown"
}

// hint is what to do about a failure.
func (f Failure) hint() string {
	switch f {
	case FailureUnreachable:
		return "it is tried again when the source answers"
	case FailureRefused:
		return "let the source accept this connection (pg_hba.conf, password, role, settings)"
	case FailureNoSpace:
		return "free space on this file system"
	case FailureNotWritable:
		return "make the folder writable for the user who runs pgaf, and look at the disk"
	case FailureUnfit:
		return "nothing of it was used; correct the source, the clone command, or --pgctl"
	case FailureNoSlot:
		return "the source's keeper creates the slot; it is tried again"
	case FailureImpossible:
		return "only a new base backup helps"
	}
	return ""
}

// ProgramError is the failure of an external program. Its text says what was being done, on which PGDATA and
// host:port, the program's own last lines and what to do.
type ProgramError struct {
	Program string // initdb, pg_basebackup, pg_rewind, pg_controldata
	Doing   string // e.g. "rewind /data from 10.0.0.1:5432"
	Kind    Failure
	Output  string // last lines of the program
	Err     error
}

func (e *ProgramError) Error() string {
	var b strings.Builder
	b.WriteString(e.Doing)
	if e.Kind != FailureUnknown {
		fmt.Fprintf(&b, " (%s)", e.Kind)
	}
	switch {
	case e.Output == "":
	case e.Program == CloneProgram: // nobody knows which of its lines tell
		b.WriteString(": " + strings.ReplaceAll(e.Output, "\n", " | "))
	default:
		b.WriteString(": " + telling(e.Output))
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	if hint := e.Kind.hint(); hint != "" {
		b.WriteString("; " + hint)
	}
	return b.String()
}

// tellingLine matches what an operator needs of a log or of a program's verbose output.
var tellingLine = anyOf(`\b(error|fatal|panic|warning|detail|hint)\b`, `could not`, `cannot`, `unrecognized`, `invalid`, `already`)

// telling is text in one line, reduced to its telling lines when there are any.
func telling(text string) string {
	lines := strings.Split(text, "\n")
	kept := slices.DeleteFunc(slices.Clone(lines), func(line string) bool {
		return !tellingLine.MatchString(line) || strings.Contains(line, "Future log output")
	})
	if len(kept) == 0 {
		kept = lines
	}
	for i, line := range kept {
		kept[i] = strings.TrimSpace(line)
	}
	return strings.Join(kept, " | ")
}

// Unwrap returns the program's exit or the cause of the interruption.
func (e *ProgramError) Unwrap() error { return e.Err }

// RewindError is what Rewind returns; its Kind decides what may follow.
type RewindError struct {
	ProgramError
	// Touched: pg_rewind had begun to change PGDATA. Server.Start refuses such a folder until a Rewind or
	// BaseBackup succeeded (RewindPending).
	Touched bool
}

// BackupError is what BaseBackup returns.
type BackupError struct{ ProgramError }

// FailureOf returns the Failure of the RewindError, BackupError, ProgramError or UpstreamError in err.
func FailureOf(err error) Failure {
	var rewind *RewindError
	var backup *BackupError
	var program *ProgramError
	var upstream *UpstreamError
	switch {
	case errors.As(err, &upstream):
		return upstream.Kind
	case errors.As(err, &rewind):
		return rewind.Kind
	case errors.As(err, &backup):
		return backup.Kind
	case errors.As(err, &program):
		return program.Kind
	}
	return FailureUnknown
}

// failurePatterns are looked for in the C messages of Postgres's programs, in this order: the disk first,
// because a full disk also breaks the connection; a refusal before "connection to server … failed", which
// precedes both; Impossible, the only kind that allows to throw data away, last.
var failurePatterns = []struct {
	kind    Failure
	pattern *regexp.Regexp
}{
	{FailureNoSpace, anyOf(
		`no space left on device`, `disk quota exceeded`,
	)},
	{FailureNotWritable, anyOf(
		`read-only file system`, `input/output error`,
	)},
	{FailureNoSlot, anyOf(
		`replication slot "[^"]*" (does not exist|is active)`,
		`can no longer get changes from replication slot`, `cannot read from replication slot`,
	)},
	{FailureRefused, anyOf(
		`no pg_hba\.conf entry`, `pg_hba\.conf rejects`, `authentication failed`, `no password supplied`,
		`(role|database) "[^"]*" (does not exist|is not permitted|is not currently accepting)`,
		`must be superuser`, `must be replication role`, `permission denied (for function|to )`,
		`does not support ssl`, `certificate verify failed`, `root certificate file`, `server certificate for`,
		`too many connections`, `remaining connection slots`, `number of requested standby connections exceeds`,
		`all replication slots are in use`, `full_page_writes must be enabled`,
	)},
	{FailureUnreachable, anyOf(
		`connection to server .* failed`, `could not connect`, `could not translate host name`,
		`connection (refused|timed out|reset)`, `timeout expired`, `broken pipe`, `no route to host`, `network is unreachable`,
		`server closed the connection`, `lost synchronization`, `terminating (connection|walsender)`,
		`the database system is`, `ssl connection has been closed`, `ssl syscall error`,
		`could not (receive|send) `, `could not (fetch|get) `, `could not read copy data`, `no data returned from server`,
		`unexpected termination of replication stream`, `replication stream was terminated`,
		`source server must not be in recovery`, `recovery is in progress`,
		`changed concurrently`, `source system was (modified|in unexpected state)`,
		`requested (wal segment|starting point)`, `child (process|thread) exited`,
	)},
	{FailureImpossible, anyOf(
		`could not find common ancestor`, `clusters are from different systems`,
		`not compatible with this version`, `needs to use either data checksums or`,
		`could not (find previous|read) wal record`, `could not open file "[^"]*pg_wal/[0-9a-f]{24}": no such file`,
		`could not restore file "[^"]*" from archive`, `invalid data in history file`, `unexpected (control|history) file`,
	)},
}

func anyOf(patterns ...string) *regexp.Regexp {
	return regexp.MustCompile(`(?i)` + strings.Join(patterns, "|"))
}

// classify turns a finished program into a Failure.
func classify(ctx context.Context, output string, err error) Failure {
	if ctx.Err() != nil {
		return FailureInterrupted
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
			return FailureInterrupted
		}
	}
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return FailureNoSpace
	}
	for _, errno := range []syscall.Errno{syscall.EROFS, syscall.EIO, syscall.EACCES, syscall.EPERM} {
		if errors.Is(err, errno) {
			return FailureNotWritable
		}
	}
	return classifyText(output)
}

func classifyText(output string) Failure {
	for _, f := range failurePatterns {
		if f.pattern.MatchString(output) {
			return f.kind
		}
	}
	return FailureUnknown
}

// classifyConnection is classify for our own connections to a source.
func classifyConnection(ctx context.Context, err error) Failure {
	var pg *pgconn.PgError
	switch {
	case err == nil:
		return FailureUnknown
	case ctx.Err() != nil && errors.Is(ctx.Err(), context.Canceled):
		return FailureInterrupted
	case !errors.As(err, &pg):
		return FailureUnreachable
	case strings.HasPrefix(pg.Code, "57P"), strings.HasPrefix(pg.Code, "08"), pg.Code == "57014":
		return FailureUnreachable // starting, stopping, crashed, statement timeout
	}
	return FailureRefused
}

// UpstreamLacks says whether replication cannot begin because the upstream has no longer, or
// never had, the WAL or a timeline history file that this standby needs next: a node that
// was copied lately holds only those of its own timeline.
func UpstreamLacks(err error) bool {
	if err == nil {
		return false
	}
	text := err.Error()
	return strings.Contains(text, "has already been removed") || strings.Contains(text, "could not receive timeline history file")
}
