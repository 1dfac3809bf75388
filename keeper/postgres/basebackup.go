package postgres

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"pgaf/keeper/killpoint"
)

// BackupProgress is one progress line of pg_basebackup or pg_rewind.
type BackupProgress struct {
	DoneBytes, TotalBytes int64
	Percent               int
}

// BaseBackupOptions describe one base backup.
type BaseBackupOptions struct {
	PGDATA          string   // replaced only when the backup is complete
	Dir             string   // where the backup is taken: same file system as PGDATA; emptied first
	Source          Upstream // where from; Slot is used for the WAL stream when set
	ApplicationName string   // while it streams: BackupName(node), never a standby's name, or it could count as a synchronous standby
	MaxRate         string   // e.g. 100M; "" = unlimited
	Standby         Upstream // written as standby set-up into the backup before it becomes PGDATA

	SystemIdentifier uint64 // of the group: a copy of anything else is refused; 0 = not known
	Clone            *Clone // fills Dir instead of pg_basebackup; Source is then the primary
	KeepOld          string // where the old PGDATA goes: beside PGDATA, not existing; "" = it is removed

	Progress func(BackupProgress)
	Logger   *slog.Logger
}

// backupWalSenderTimeout replaces the short wal_sender_timeout of our settings while a base backup streams:
// its disk may stall for longer than a walreceiver's.
const backupWalSenderTimeout = "-c wal_sender_timeout=60s"

// BaseBackup replaces PGDATA by a base backup of Source that is already set up as a standby of Standby. Source
// is asked what it is before anything is copied, and the copy is looked at before it takes the place of the old
// PGDATA, which is only then removed, or kept as KeepOld. Error: *BackupError.
func (b Bin) BaseBackup(ctx context.Context, o BaseBackupOptions) error {
	backup := baseBackup{Bin: b, o: o}
	err := backup.run(ctx)
	var failed *BackupError
	if err != nil && !errors.As(err, &failed) {
		return backup.failed(ctx, "", err)
	}
	return err
}

type baseBackup struct {
	Bin
	o BaseBackupOptions
}

func (b baseBackup) failed(ctx context.Context, output string, err error) *BackupError {
	e := ProgramError{
		Program: "pg_basebackup",
		Doing:   fmt.Sprintf("base backup of %s into %s", b.o.Source, b.o.Dir),
		Kind:    classify(ctx, output, err), Output: output, Err: err,
	}
	if b.o.Clone != nil {
		e.Program, e.Doing = CloneProgram, fmt.Sprintf("clone command %q into %s", b.o.Clone.Command, b.o.Dir)
	}
	return &BackupError{e}
}

func (b baseBackup) run(ctx context.Context) error {
	if real, err := filepath.EvalSymlinks(b.o.PGDATA); err == nil {
		b.o.PGDATA = real // a symlink stays; what it points to is replaced
	}
	if mountPoint(b.o.PGDATA) {
		return fmt.Errorf("%s is a mount point and cannot be replaced by rename; use a folder below it as PGDATA", b.o.PGDATA)
	}
	if err := refuseRunning(b.o.PGDATA); err != nil {
		return err
	}
	if err := errors.Join(endLeftovers(ctx, "pg_basebackup", b.o.Dir), endClones(ctx, b.o.Dir)); err != nil {
		return err
	}
	spaces, err := b.survey(ctx)
	if err != nil {
		return err
	}
	if err := b.prepareDir(); err != nil {
		return err
	}
	killpoint.At(ctx, "BaseBackup-make")
	if err := b.make(ctx, spaces); err != nil {
		b.remove(b.o.Dir)
		for _, space := range spaces {
			b.remove(space.target)
		}
		return err
	}
	killpoint.At(ctx, "BaseBackup-replace")
	return b.replace()
}

// replace puts the finished backup in the place of PGDATA.
func (b baseBackup) replace() error {
	old := localTablespaces(b.o.PGDATA)
	if b.o.KeepOld != "" && HasCluster(b.o.PGDATA) {
		if err := exchangeByRename(b.o.Dir, b.o.PGDATA, b.o.KeepOld); err != nil {
			return fmt.Errorf("put the finished backup in place of %s, which is kept as %s: %w", b.o.PGDATA, b.o.KeepOld, err)
		}
		return nil // what the old one has outside of itself is kept too
	}
	if err := swapDirs(b.o.Dir, b.o.PGDATA); err != nil {
		return fmt.Errorf("put the finished backup in place of %s: %w", b.o.PGDATA, err)
	}
	// From here the new cluster is in place; what is left is only old data.
	b.removeTablespaces(old)
	b.remove(b.o.Dir)
	return nil
}

// make fills the backup folder, looks at what is in it, and makes that a standby.
func (b baseBackup) make(ctx context.Context, spaces []tablespace) error {
	fill := b.take
	if b.o.Clone != nil {
		fill = b.clone
	}
	if err := fill(ctx, spaces); err != nil {
		return err
	}
	if err := b.verify(ctx); err != nil {
		return err
	}
	return b.makeStandby()
}

// prepareDir empties the backup folder and checks that it can be renamed to PGDATA before hours of copying.
func (b baseBackup) prepareDir() error {
	if err := os.RemoveAll(b.o.Dir); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(b.o.PGDATA), 0o700); err != nil {
		return err
	}
	if err := os.MkdirAll(b.o.Dir, 0o700); err != nil {
		return err
	}
	var here, there unix.Stat_t
	if err := unix.Stat(b.o.Dir, &here); err != nil {
		return err
	}
	if err := unix.Stat(filepath.Dir(b.o.PGDATA), &there); err != nil {
		return err
	}
	if here.Dev != there.Dev {
		return fmt.Errorf("backup folder %s and %s are on different file systems; "+
			"set replication.backup_directory to a folder beside PGDATA", b.o.Dir, b.o.PGDATA)
	}
	return nil
}

// take runs pg_basebackup.
func (b baseBackup) take(ctx context.Context, spaces []tablespace) error {
	source := b.o.Source
	source.ApplicationName = b.o.ApplicationName
	if source.ApplicationName == "" {
		source.ApplicationName = "pgautofailover_basebackup"
	}
	conninfo, env := source.forProgram()
	args := []string{
		"-w", "-d", conninfo, "--pgdata", b.o.Dir, "--verbose", "--progress",
		"--wal-method=stream", "--checkpoint=fast", "--status-interval=2",
	}
	if source.Slot != "" {
		args = append(args, "--slot", source.Slot)
	}
	if b.o.MaxRate != "" {
		args = append(args, "--max-rate", b.o.MaxRate)
	}
	for _, space := range spaces {
		args = append(args, "--tablespace-mapping", space.mapping())
	}
	p := program{
		path: b.Path("pg_basebackup"), args: args,
		env:    append(env, "PGOPTIONS="+backupWalSenderTimeout),
		onLine: reportProgress(b.o.Progress),
	}
	if output, err := p.run(ctx); err != nil {
		return b.failed(ctx, output, err)
	}
	return nil
}

// notCopied are files that belong to the server that was copied, or to a recovery that is not ours.
var notCopied = []string{StartupLog, "postmaster.pid", "postmaster.opts", "recovery.signal", rewindMarker}

// makeStandby turns the copy into a standby while it is still beside PGDATA and cannot be started.
func (b baseBackup) makeStandby() error {
	for _, name := range notCopied {
		if err := removeFile(filepath.Join(b.o.Dir, name)); err != nil {
			return err
		}
	}
	if err := dropRecoverySettings(b.o.Dir); err != nil {
		return err
	}
	_, err := WriteStandby(b.o.Dir, b.o.Standby)
	return err
}

// recoverySetting is a line of postgresql.auto.conf that would win over our standby set-up, or end recovery at
// some point of the past: backup programs write such lines. restore_command stays, it helps to catch up.
var recoverySetting = regexp.MustCompile(`(?i)^\s*(primary_conninfo|primary_slot_name|recovery_target\w*|standby_mode)\s*=?\s`)

func dropRecoverySettings(dir string) error {
	path := filepath.Join(dir, "postgresql.auto.conf")
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var kept strings.Builder
	for line := range strings.Lines(string(content)) {
		if !recoverySetting.MatchString(line) {
			kept.WriteString(line)
		}
	}
	_, err = replaceFile(path, []byte(kept.String()), 0o600)
	return err
}

// swapDirs exchanges two folders (or renames from to to when to does not exist) so that to is complete at any
// time.
func swapDirs(from, to string) error {
	if !exists(to) {
		if err := os.Rename(from, to); err != nil {
			return err
		}
		return syncDir(filepath.Dir(to))
	}
	err := unix.Renameat2(unix.AT_FDCWD, from, unix.AT_FDCWD, to, unix.RENAME_EXCHANGE)
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) {
		err = swapByRename(from, to) // a file system without the exchange
	}
	if err != nil {
		return err
	}
	return errors.Join(syncDir(filepath.Dir(to)), syncDir(filepath.Dir(from)))
}

func swapByRename(from, to string) error {
	old := to + ".old"
	if err := os.RemoveAll(old); err != nil {
		return err
	}
	if err := exchangeByRename(from, to, old); err != nil {
		return err
	}
	return os.Rename(old, from)
}

// exchangeByRename moves to away as old and from to its place. Killed between the two, there is no PGDATA, which
// is then copied anew: nothing is lost.
func exchangeByRename(from, to, old string) error {
	if err := os.Rename(to, old); err != nil {
		return err
	}
	if err := os.Rename(from, to); err != nil {
		return errors.Join(err, os.Rename(old, to))
	}
	return syncDir(filepath.Dir(to))
}

// "  24215/24215 kB (100%), 1/1 tablespace" (pg_basebackup), "  1024/2048 kB (50%) copied" (pg_rewind)
var progressLine = regexp.MustCompile(`^ *(\d+)/(\d+) kB \((\d+)%\)`)

func isProgressLine(line string) bool { return progressLine.MatchString(line) }

func reportProgress(report func(BackupProgress)) func(string) {
	if report == nil {
		return nil
	}
	return func(line string) {
		if p, ok := parseProgress(line); ok {
			report(p)
		}
	}
}

func parseProgress(line string) (BackupProgress, bool) {
	m := progressLine.FindStringSubmatch(line)
	if m == nil {
		return BackupProgress{}, false
	}
	done, _ := strconv.ParseInt(m[1], 10, 64)
	total, _ := strconv.ParseInt(m[2], 10, 64)
	percent, _ := strconv.Atoi(m[3])
	return BackupProgress{DoneBytes: done << 10, TotalBytes: total << 10, Percent: percent}, true
}
