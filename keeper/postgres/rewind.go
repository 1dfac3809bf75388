package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sys/unix"

	"pgaf/keeper/killpoint"
)

// RewindOptions describe one pg_rewind.
type RewindOptions struct {
	PGDATA   string
	Source   Upstream // its user must be superuser; Database must be set
	Standby  Upstream // standby set-up written before the folder may be started again
	Progress func(BackupProgress)
	Logger   *slog.Logger
}

// The marker of an unfinished rewind lies in PGDATA, because everything about a folder must move with the
// folder. pg_rewind removes every file that the source does not have, but it skips what is neither file,
// folder nor link: so the marker is a FIFO.
const rewindMarker = "pgaf.rewinding"

// RewindPending reports that a Rewind of pgdata was begun and did not finish: neither its data nor its
// control file may be trusted; only Rewind or BaseBackup may follow.
func RewindPending(pgdata string) bool { return exists(filepath.Join(pgdata, rewindMarker)) }

// Rewind makes the stopped PGDATA a standby of Source's history with pg_rewind. First it asks Source over SQL
// (reachable, allowed, not in recovery, same system, control file on the current timeline; it runs a
// CHECKPOINT there if the last promotion was not checkpointed yet), and only then touches PGDATA. pg_rewind
// recovers a crashed target first, fetches WAL that is gone with the target's restore_command where it has one,
// and copies the configuration files of Source: call WriteSettings afterwards. rewound is false when pg_rewind
// found nothing to do. Error: *RewindError.
func (b Bin) Rewind(ctx context.Context, o RewindOptions) (rewound bool, err error) {
	r := &rewind{Bin: b, o: o}
	rewound, err = r.run(ctx)
	var failed *RewindError
	if err != nil && !errors.As(err, &failed) {
		return false, r.failed(classify(ctx, "", err), "", err)
	}
	return rewound, err
}

type rewind struct {
	Bin
	o      RewindOptions
	spaces []tablespace // of the source
}

func (r *rewind) failed(kind Failure, output string, err error) *RewindError {
	return &RewindError{
		ProgramError: ProgramError{
			Program: "pg_rewind",
			Doing:   fmt.Sprintf("rewind %s to the history of %s", r.o.PGDATA, r.o.Source),
			Kind:    kind, Output: output, Err: err,
		},
		Touched: RewindPending(r.o.PGDATA),
	}
}

func (r *rewind) run(ctx context.Context) (rewound bool, err error) {
	if err := refuseRunning(r.o.PGDATA); err != nil {
		return false, err
	}
	if err := endLeftovers(ctx, "pg_rewind", r.o.PGDATA); err != nil {
		return false, err
	}
	target, err := r.ControlData(ctx, r.o.PGDATA)
	if err != nil {
		return false, err
	}
	if err := r.askSource(ctx, target); err != nil {
		return false, err
	}
	if r.complete(target) {
		if err := r.sync(ctx); err != nil {
			return false, err
		}
		return true, r.end(ctx)
	}
	begun, standby := RewindPending(r.o.PGDATA), IsStandby(r.o.PGDATA)
	before := localTablespaces(r.o.PGDATA)
	killpoint.At(ctx, "Rewind-begin")
	if err := r.begin(target); err != nil {
		return false, err
	}
	changed := false
	if err = r.makeTablespaces(before); err == nil {
		killpoint.At(ctx, "Rewind-rewind")
		rewound, changed, err = r.rewind(ctx)
	}
	if err != nil {
		if !begun && !changed {
			return false, r.undo(err, standby, before)
		}
		return false, err
	}
	if err := r.end(ctx); err != nil {
		return false, err
	}
	r.removeTablespaces(before)
	return rewound, nil
}

// complete says whether pg_rewind came to its end before we did: the control file is the last that it writes. It must
// not run again: the target would look like one that crashed, and be recovered in single-user mode, which writes WAL
// of its own on the timeline of the source.
func (r *rewind) complete(target ControlData) bool {
	return RewindPending(r.o.PGDATA) && target.State == StateInArchiveRecovery && exists(filepath.Join(r.o.PGDATA, "backup_label"))
}

// sync makes durable what a pg_rewind has written that may have been killed while it did so itself.
func (r *rewind) sync(ctx context.Context) error {
	p := program{path: r.Path("initdb"), args: []string{"--sync-only", "--pgdata", r.o.PGDATA}}
	if output, err := p.run(ctx); err != nil {
		return r.failed(classify(ctx, output, err), output, err)
	}
	return nil
}

// end makes the rewound folder a standby that may be started.
func (r *rewind) end(ctx context.Context) error {
	killpoint.At(ctx, "Rewind-WriteStandby")
	if _, err := WriteStandby(r.o.PGDATA, r.o.Standby); err != nil {
		return err
	}
	killpoint.At(ctx, "Rewind-end")
	return removeFile(filepath.Join(r.o.PGDATA, rewindMarker))
}

// sourceCheckpointLimit bounds the questions to the source, its CHECKPOINT included.
const sourceCheckpointLimit = 10 * time.Minute

// askSource checks over SQL what pg_rewind would report in words or, worse, not notice: right after a
// promotion the source's control file still names the old timeline, and pg_rewind would see nothing to do.
func (r *rewind) askSource(ctx context.Context, target ControlData) error {
	ctx, cancel := context.WithTimeout(ctx, sourceCheckpointLimit)
	defer cancel()
	err := querySource(ctx, r.o.Source, func(conn *pgx.Conn) error {
		var inRecovery, checkpointed bool
		var system int64
		err := conn.QueryRow(ctx, `select pg_is_in_recovery(), system_identifier,
			pg_is_in_recovery() or substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)
				= lpad(to_hex((select timeline_id from pg_control_checkpoint())), 8, '0')::text
			from pg_control_system()`).Scan(&inRecovery, &system, &checkpointed)
		switch {
		case err != nil:
			return err
		case uint64(system) != target.SystemIdentifier:
			return r.failed(FailureImpossible, "", fmt.Errorf("source and target are different systems (%d and %d)",
				uint64(system), target.SystemIdentifier))
		case inRecovery:
			return r.failed(FailureUnreachable, "", errors.New("the source is a standby, not yet promoted"))
		case !checkpointed:
			if _, err := conn.Exec(ctx, "checkpoint"); err != nil {
				return err
			}
		}
		if err := r.refuseSharedTablespaces(ctx, conn); err != nil {
			return err
		}
		r.spaces, err = planTablespaces(ctx, conn, r.o.PGDATA)
		return err
	})
	var failed *RewindError
	if err == nil || errors.As(err, &failed) {
		return err
	}
	return r.failed(classifyConnection(ctx, err), "", err)
}

// begin puts the marker. A standby's signal file must go before pg_rewind runs crash recovery in single-user
// mode, which refuses it; the marker keeps the folder from being started as a primary meanwhile.
func (r *rewind) begin(target ControlData) error {
	err := unix.Mkfifo(filepath.Join(r.o.PGDATA, rewindMarker), 0o600)
	if err != nil && !errors.Is(err, unix.EEXIST) {
		return fmt.Errorf("mark the rewind: %w", err)
	}
	if err := syncDir(r.o.PGDATA); err != nil || target.Clean() {
		return err
	}
	return removeFile(filepath.Join(r.o.PGDATA, standbySignal))
}

// rewind runs pg_rewind; changed tells whether it came so far as to change files.
func (r *rewind) rewind(ctx context.Context) (rewound, changed bool, err error) {
	conninfo, env := r.o.Source.forProgram()
	args := []string{"--target-pgdata", r.o.PGDATA, "--source-server", conninfo, "--progress"}
	restore, err := r.Setting(ctx, r.o.PGDATA, "restore_command")
	if err != nil {
		r.log("pg_rewind cannot use restore_command, which cannot be read", "error", err)
	}
	if restore != "" {
		args = append(args, "--restore-target-wal")
	}
	report := reportProgress(r.o.Progress)
	rewound = true
	p := program{path: r.Path("pg_rewind"), args: args, env: env, onLine: func(line string) {
		// "need to copy" is the last thing it says before it changes files.
		changed = changed || strings.Contains(line, "need to copy") || isProgressLine(line)
		rewound = rewound && !strings.Contains(line, "no rewind required")
		if report != nil {
			report(line)
		}
	}}
	started := time.Now()
	output, err := p.run(ctx)
	if err != nil {
		return false, changed, r.failed(classify(ctx, output, err), output, err)
	}
	r.log("pg_rewind done", "pgdata", r.o.PGDATA, "source", r.o.Source.String(), "restore_command", restore != "",
		"took", time.Since(started).Round(time.Millisecond), "result", lastLine(output))
	return rewound, changed, nil
}

func (r *rewind) log(message string, args ...any) {
	if r.o.Logger != nil {
		r.o.Logger.Info(message, args...)
	}
}

// undo takes the marker back: pg_rewind changed nothing. A folder that was a standby is one again first.
func (r *rewind) undo(cause error, standby bool, spaces map[string]string) error {
	var left error
	if standby {
		_, left = replaceFile(filepath.Join(r.o.PGDATA, standbySignal), nil, 0o600)
	}
	if left == nil {
		left = errors.Join(r.unlinkTablespaces(spaces), removeFile(filepath.Join(r.o.PGDATA, rewindMarker)))
	}
	var failed *RewindError
	if !errors.As(cause, &failed) {
		failed = r.failed(classify(context.Background(), "", cause), "", cause)
	}
	failed.Err = errors.Join(failed.Err, left)
	failed.Touched = RewindPending(r.o.PGDATA)
	return failed
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}
