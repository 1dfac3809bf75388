package keeper

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"pgaf/keeper/postgres"
)

// How a node of pg_auto_failover 2.x becomes one of pgaf in place: its configuration and
// state are converted, pg_autoctl is ended without its Postgres, and the keeper that is
// started then adopts the running postmaster. Everything is looked at first; until the
// files of pg_auto_failover are set aside every failure is undone.

// AdoptOptions is what `pgaf adopt` was told.
type AdoptOptions struct {
	PGDATA  string
	DryRun  bool   // look, and change nothing
	Version string // of the program, for the pid file
	Logger  *slog.Logger
}

// adoption is one run of `pgaf adopt`.
type adoption struct {
	o      AdoptOptions
	log    *slog.Logger
	paths  Paths
	older  olderFiles
	cfg    *Config
	bin    postgres.Bin
	server *postgres.Server

	service    olderService
	postmaster int // 0: Postgres does not run
}

// adoptable is what differs between a data node and a monitor.
type adoptable interface {
	inspect(context.Context) error // changes nothing
	plan() []string                // what take does, in words
	confirm(context.Context) error // once more, while pg_autoctl is frozen
	take(context.Context) error    // writes our files and what goes with them
	undo() error                   // of take
	settle() error                 // what can only be done once pg_autoctl is gone
	close()
}

// Adopt takes a node or monitor of pg_auto_failover over and returns what it did, or with
// DryRun would do: nothing for one that was taken over before.
func Adopt(ctx context.Context, o AdoptOptions) (steps []string, err error) {
	a := &adoption{o: o, log: logger(o.Logger)}
	adopted, err := a.inspect(ctx)
	if err != nil {
		return nil, err
	}
	if a.server != nil {
		defer a.server.Close()
	}
	if adopted {
		return nil, a.finish()
	}
	var subject adoptable = &adoptedNode{adoption: a}
	if a.cfg.IsMonitor() {
		subject = &adoptedMonitor{adoption: a}
	}
	defer subject.close()
	if err := subject.inspect(ctx); err != nil {
		return nil, err
	}
	steps = append(subject.plan(), a.plan()...)
	if o.DryRun {
		return steps, nil
	}
	return steps, a.perform(ctx, subject)
}

// inspect looks at this machine. adopted: the node was taken over before.
func (a *adoption) inspect(ctx context.Context) (adopted bool, err error) {
	if err := RefuseRoot(); err != nil {
		return false, err
	}
	if a.paths, err = PathsOf(a.o.PGDATA); err != nil {
		return false, err
	}
	if a.older, err = olderFilesOf(a.o.PGDATA, a.paths); err != nil {
		return false, err
	}
	if !exists(a.older.Config) {
		return true, a.inspectAdopted()
	}
	if _, err := ReadPidFile(a.paths.Pid); err == nil {
		return false, runningError(a.paths.Pid, a.paths.PGDATA)
	}
	if err := a.inspectConfig(); err != nil {
		return false, err
	}
	if a.bin, err = findBin(postgres.FindFirstBin, a.cfg.PgCtl); err != nil {
		return false, err
	}
	if err := a.inspectPostgres(); err != nil {
		return false, err
	}
	a.service = findOlderService(a.older.Pids, a.paths.PGDATA, a.postmaster)
	return false, a.service.checkEnd(ctx)
}

// inspectAdopted is about a folder for which pg_autoctl has no configuration.
func (a *adoption) inspectAdopted() error {
	_, err := LoadFile(a.paths.Config)
	switch {
	case errors.Is(err, ErrNoConfig):
		return exitf(ExitBadArgs, "there is no node of pg_auto_failover at %s: its configuration would be %s; is --pgdata right, and are you the user who runs pg_autoctl?", a.paths.PGDATA, a.older.Config)
	case err != nil:
		return err
	case !exists(a.older.Config + adoptedSuffix):
		return exitf(ExitBadConfig, "%s was made by pgaf: there is nothing to take over", a.paths.PGDATA)
	}
	return nil
}

// finish ends a pg_autoctl that an interrupted run left frozen.
func (a *adoption) finish() error {
	a.log.Info("this node was taken over before", "pgdata", a.paths.PGDATA)
	server := postgres.NewServer(postgres.ServerConfig{PGDATA: a.paths.PGDATA})
	defer server.Close()
	running, _ := server.Postmaster()
	a.service = findOlderService(a.older.Pids, a.paths.PGDATA, running.PID)
	if a.o.DryRun || !a.service.running() {
		return nil
	}
	a.log.Info("ending what is left of pg_autoctl", "processes", a.service.String())
	return a.endService()
}

func (a *adoption) inspectConfig() error {
	content, err := os.ReadFile(a.older.Config)
	if err != nil {
		return exitf(ExitBadConfig, "read the configuration of pg_autoctl: %w", err)
	}
	if a.cfg, err = parseConfig(content); err != nil {
		return exitf(ExitBadConfig, "configuration file %s: %w", a.older.Config, err)
	}
	if dir, err := resolve(a.cfg.PGDATA); err != nil || dir != a.paths.PGDATA {
		return exitf(ExitBadConfig, "configuration file %s is about another data folder, %s", a.older.Config, a.cfg.PGDATA)
	}
	a.cfg.PGDATA = a.paths.PGDATA
	a.mendConfig()
	if exists(a.older.Init) {
		return exitf(ExitBadState, "pg_autoctl create has not finished this node: %s is there; finish it with pg_autoctl first", a.older.Init)
	}
	return nil
}

// mendConfig takes back what pg_autoctl create writes for "not given".
func (a *adoption) mendConfig() {
	usual := NewConfig(a.cfg.Role)
	t := &a.cfg.Timeout
	if t.ListenNotifications == 0 {
		t.ListenNotifications = usual.Timeout.ListenNotifications
	}
	if t.CitusUpdateNodeLock == 0 {
		t.CitusUpdateNodeLock = usual.Timeout.CitusUpdateNodeLock
	}
	if t.CitusCoordinatorMaxRetry == 0 {
		t.CitusCoordinatorMaxRetry = usual.Timeout.CitusCoordinatorMaxRetry
	}
	if t.CitusCoordinatorWaitLimit == 0 {
		t.CitusCoordinatorWaitLimit = usual.Timeout.CitusCoordinatorWaitLimit
	}
}

func (a *adoption) inspectPostgres() error {
	if !postgres.HasCluster(a.paths.PGDATA) {
		return exitf(ExitKeeper, "PGDATA %s holds no PostgreSQL cluster; is --pgdata right?", a.paths.PGDATA)
	}
	if err := ours(a.paths.PGDATA); err != nil {
		return err
	}
	a.server = postgres.NewServer(postgres.ServerConfig{
		Bin: a.bin, PGDATA: a.paths.PGDATA, Port: a.cfg.Port, ListenAddresses: a.cfg.ListenAddresses, SocketDir: socketDir(a.cfg), Logger: a.log,
	})
	running, found := a.server.Postmaster()
	if !found {
		return nil
	}
	if running.Port != a.cfg.Port {
		return exitf(ExitBadConfig, "Postgres runs on port %d, the configuration of pg_autoctl says %d; bring them together with pg_autoctl first", running.Port, a.cfg.Port)
	}
	a.postmaster = running.PID
	return nil
}

// plan is what every adoption ends with.
func (a *adoption) plan() []string {
	var steps []string
	switch {
	case a.service.running() && a.postmaster > 0:
		steps = append(steps, fmt.Sprintf("end pg_autoctl (processes %s); Postgres (process %d) runs on", a.service, a.postmaster))
	case a.service.running():
		steps = append(steps, fmt.Sprintf("end pg_autoctl (processes %s)", a.service))
	}
	for _, file := range a.older.present() {
		steps = append(steps, fmt.Sprintf("rename %s to %s", file, file+adoptedSuffix))
	}
	return steps
}

// perform does it.
func (a *adoption) perform(ctx context.Context, subject adoptable) error {
	if err := a.paths.makeFolders(); err != nil {
		return err
	}
	lock, err := lockNode(a.paths, pidFileOf(a.paths, a.o.Version))
	if err != nil {
		return err
	}
	defer lock.release()
	if err := a.replaceFiles(ctx, subject); err != nil {
		return err
	}
	if err := a.endService(); err != nil {
		return err
	}
	if a.postmaster > 0 {
		if running, found := a.server.Postmaster(); !found || running.PID != a.postmaster {
			a.log.Warn("Postgres has ended meanwhile; the keeper starts it", "process", a.postmaster)
		}
	}
	return subject.settle()
}

// replaceFiles makes the node ours, with pg_autoctl frozen. When that fails pg_autoctl
// goes on as if nothing had been.
func (a *adoption) replaceFiles(ctx context.Context, subject adoptable) (err error) {
	if err := a.service.freeze(); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.service.thaw())
		}
	}()
	if err := subject.confirm(ctx); err != nil {
		return err
	}
	if err = subject.take(ctx); err == nil {
		err = a.older.setAside()
	}
	if err != nil {
		return errors.Join(err, subject.undo())
	}
	return nil
}

func (a *adoption) endService() error {
	if err := a.service.freeze(); err != nil {
		return err
	}
	if err := a.service.kill(); err != nil {
		return err
	}
	a.older.removePids()
	if a.service.running() {
		a.log.Info("pg_autoctl has ended; Postgres runs on", "postgres", a.postmaster)
	}
	return nil
}
