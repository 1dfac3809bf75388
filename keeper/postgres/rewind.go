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
)

// RewindOptions describe one pg_rewind.
type RewindOptions struct {
	PGDATA           string
	Source           Upstream // its user must be superuser; Database must be set
	Standby          Upstream // standby set-up written before the folder may be started again
	RestoreTargetWAL bool     // let pg_rewind fetch missing WAL with the folder's restore_command
	Progress         func(BackupProgress)
	Logger           *slog.Logger
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
// copies the configuration files of Source: call WriteSettings afterwards. Error: *RewindError.
func (b Bin) Rewind(ctx context.Context, o RewindOptions) error {
	r := rewind{Bin: b, o: o}
	err := r.run(ctx)
	var failed *RewindError
	if err != nil && !errors.As(err, &failed) {
		return r.failed(classify(ctx, "", err), "", err)
	}
	return err
}

type rewind struct {
	Bin
	o RewindOptions
}

func (r rewind) failed(kind Failure, output string, err error) *RewindError {
	return &RewindError{
		ProgramError: ProgramError{
			Program: "pg_rewind",
			Doing:   fmt.Sprintf("rewind %s to the history of %s", r.o.PGDATA, r.o.Source),
			Kind:    kind, Output: output, Err: err,
		},
		Touched: RewindPending(r.o.PGDATA),
	}
}

func (r rewind) run(ctx context.Context) error {
	if err := refuseRunning(r.o.PGDATA); err != nil {
		return err
	}
	if err := endLeftovers(ctx, "pg_rewind", r.o.PGDATA); err != nil {
		return err
	}
	target, err := r.ControlData(ctx, r.o.PGDATA)
	if err != nil {
		return err
	}
	if err := r.askSource(ctx, target); err != nil {
		return err
	}
	begun, standby := RewindPending(r.o.PGDATA), IsStandby(r.o.PGDATA)
	if err := r.begin(target); err != nil {
		return err
	}
	if changed, err := r.rewind(ctx); err != nil {
		if !begun && !changed {
			err.Err = errors.Join(err.Err, r.undo(standby))
			err.Touched = RewindPending(r.o.PGDATA)
		}
		return err
	}
	if _, err := WriteStandby(r.o.PGDATA, r.o.Standby); err != nil {
		return err
	}
	return removeFile(filepath.Join(r.o.PGDATA, rewindMarker))
}

// sourceCheckpointLimit bounds the questions to the source, its CHECKPOINT included.
const sourceCheckpointLimit = 10 * time.Minute

// askSource checks over SQL what pg_rewind would report in words or, worse, not notice: right after a
// promotion the source's control file still names the old timeline, and pg_rewind would see nothing to do.
func (r rewind) askSource(ctx context.Context, target ControlData) error {
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
			_, err = conn.Exec(ctx, "checkpoint")
		}
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
func (r rewind) begin(target ControlData) error {
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
func (r rewind) rewind(ctx context.Context) (changed bool, failed *RewindError) {
	source, env := r.o.Source.forProgram()
	args := []string{"--target-pgdata", r.o.PGDATA, "--source-server", source.Conninfo(), "--progress"}
	if r.o.RestoreTargetWAL {
		args = append(args, "--restore-target-wal")
	}
	report := reportProgress(r.o.Progress)
	p := program{path: r.Path("pg_rewind"), args: args, env: env, onLine: func(line string) {
		// "need to copy" is the last thing it says before it changes files.
		changed = changed || strings.Contains(line, "need to copy") || isProgressLine(line)
		if report != nil {
			report(line)
		}
	}}
	started := time.Now()
	output, err := p.run(ctx)
	if err != nil {
		return changed, r.failed(classify(ctx, output, err), output, err)
	}
	if r.o.Logger != nil {
		r.o.Logger.Info("pg_rewind done", "pgdata", r.o.PGDATA, "source", r.o.Source.String(),
			"took", time.Since(started).Round(time.Millisecond), "result", lastLine(output))
	}
	return changed, nil
}

// undo takes the marker back: pg_rewind changed nothing. A folder that was a standby is one again first.
func (r rewind) undo(standby bool) error {
	if standby {
		if _, err := replaceFile(filepath.Join(r.o.PGDATA, standbySignal), nil, 0o600); err != nil {
			return err
		}
	}
	return removeFile(filepath.Join(r.o.PGDATA, rewindMarker))
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}
