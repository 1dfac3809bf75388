package keeper

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"pgaf/keeper/postgres"
	"pgaf/monitor"
)

// DropNode removes a node of this machine from its group, ends its service, and
// with o.Destroy removes its files.
func DropNode(ctx context.Context, o DropNodeOptions) error {
	if err := RefuseRoot(); err != nil {
		return err
	}
	d, err := newDrop(o.PGDATA, RoleKeeper, o.Logger)
	if err != nil {
		return err
	}
	state, err := ReadState(d.paths.State)
	if err != nil && !(o.Destroy && errors.Is(err, fs.ErrNotExist)) {
		return err
	}
	if o.Wait == 0 {
		o.Wait = 60 * time.Second
	}
	if err == nil && !d.cfg.MonitorDisabled() {
		err := d.unregister(ctx, state, o)
		var unreachable *monitor.ConnectError
		if o.Force && o.Destroy && errors.As(err, &unreachable) {
			d.log.Warn("the monitor cannot be told; remove the node there with: pgaf drop node --monitor … --name "+d.cfg.Name, "error", err)
			err = nil
		}
		if err != nil || o.NoWait {
			return err
		}
	}
	if err := d.endService(ctx); err != nil {
		return err
	}
	if !o.Destroy {
		d.log.Warn("the files of the node are kept; remove them with --destroy", "pgdata", d.paths.PGDATA, "config", d.paths.Config, "state", d.paths.State)
		return nil
	}
	return d.destroy(ctx, state.NodeID)
}

// DropMonitor ends the service of a monitor of this machine and with o.Destroy
// removes its files.
func DropMonitor(ctx context.Context, o DropMonitorOptions) error {
	if err := RefuseRoot(); err != nil {
		return err
	}
	d, err := newDrop(o.PGDATA, RoleMonitor, o.Logger)
	if err != nil {
		return err
	}
	if err := d.endService(ctx); err != nil {
		return err
	}
	if !o.Destroy {
		d.log.Warn("the files of the monitor are kept; remove them with --destroy", "pgdata", d.paths.PGDATA, "config", d.paths.Config)
		return nil
	}
	return d.destroy(ctx, 0)
}

// drop is the removal of one node of this machine.
type drop struct {
	paths Paths
	cfg   *Config
	log   *slog.Logger
}

func newDrop(pgdata string, role Role, log *slog.Logger) (*drop, error) {
	paths, err := PathsOf(pgdata)
	if err != nil {
		return nil, err
	}
	cfg, err := LoadFile(paths.Config)
	if err != nil {
		return nil, &ExitError{Code: ExitBadConfig, Err: err}
	}
	if cfg.Role != role {
		return nil, exitf(ExitBadConfig, "%s is the data folder of a %s, not of a %s", paths.PGDATA, cfg.Role, role)
	}
	return &drop{paths: paths, cfg: cfg, log: logger(log)}, nil
}

// unregister removes the node from the monitor, and waits until the group has let
// it go: its service says goodbye, or this command does in its place.
func (d *drop) unregister(ctx context.Context, state State, o DropNodeOptions) error {
	client, err := connectMonitor(ctx, d.cfg, "pgaf drop")
	if err != nil {
		return &ExitError{Code: ExitMonitor, Err: err}
	}
	defer client.Close(context.WithoutCancel(ctx))
	_, err = client.RemoveNodeByID(ctx, state.NodeID, o.Force)
	if monitor.SQLState(err) == sqlUndefinedObject {
		d.log.Info("the monitor does not know this node any more", "node_id", state.NodeID)
		return nil
	}
	if err != nil {
		return &ExitError{Code: ExitMonitor, Err: err}
	}
	d.log.Info("the node is being removed from its group", "node", d.cfg.Name, "node_id", state.NodeID)
	if o.NoWait || o.Force {
		return nil
	}
	return d.waitGone(ctx, client, state, o.Wait)
}

func (d *drop) waitGone(ctx context.Context, client *monitor.Client, state State, patience time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := client.Listen(ctx, monitor.ChannelState, monitor.ChannelLog); err != nil {
		return &ExitError{Code: ExitMonitor, Err: err}
	}
	for {
		_, found, err := client.NodeByID(ctx, state.NodeID)
		if err == nil && !found {
			return nil
		}
		if err == nil {
			err = d.goodbye(ctx, client, state)
		}
		if errors.Is(ctx.Err(), context.Canceled) {
			return ctx.Err()
		}
		if ctx.Err() != nil {
			return exitf(ExitInternal, "the node is not gone from the monitor after %s; its group may wait for another node: see pgaf explain, or repeat with --force", patience)
		}
		if err != nil {
			return &ExitError{Code: ExitMonitor, Err: err}
		}
		waiting, cancel := context.WithTimeout(ctx, heartbeat)
		client.WaitForNotification(waiting)
		cancel()
	}
}

// goodbye reports the end of a node whose service does not run, once its Postgres
// is stopped.
func (d *drop) goodbye(ctx context.Context, client *monitor.Client, state State) error {
	if _, err := ReadPidFile(d.paths.Pid); err == nil {
		return nil // its own service does
	}
	if err := d.stopPostgres(ctx); err != nil {
		return err
	}
	_, err := client.NodeActive(ctx, monitor.Report{Formation: d.cfg.Formation, NodeID: state.NodeID, GroupID: state.GroupID, State: monitor.StateDropped})
	if monitor.SQLState(err) == sqlUndefinedObject {
		return nil
	}
	return err
}

// servicePatience is how long the service of a dropped node has to end by itself,
// and then by signal.
const servicePatience = 30 * time.Second

// endService waits for the service to end, which it does by itself once the node
// is dropped, and ends it otherwise.
func (d *drop) endService(ctx context.Context) error {
	running, err := ReadPidFile(d.paths.Pid)
	if err != nil {
		return nil
	}
	if d.cfg.Role == RoleKeeper && waitEnd(ctx, d.paths.Pid, 2*time.Second) {
		return nil
	}
	d.log.Info("ending the service", "pid", running.Pid)
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGQUIT} {
		if err := syscall.Kill(running.Pid, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
			return exitf(ExitInternal, "end pgaf, process %d: %w", running.Pid, err)
		}
		if waitEnd(ctx, d.paths.Pid, servicePatience) {
			return nil
		}
	}
	return exitf(ExitInternal, "pgaf, process %d, does not end; end it and repeat this command", running.Pid)
}

// waitEnd waits until no service holds the pid file.
func waitEnd(ctx context.Context, pidFile string, patience time.Duration) bool {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for ctx.Err() == nil {
		if _, err := ReadPidFile(pidFile); err != nil {
			return true
		}
		sleep(ctx, 50*time.Millisecond)
	}
	return false
}

func (d *drop) stopPostgres(ctx context.Context) error {
	bin, err := findBin(postgres.FindFirstBin, d.cfg.PgCtl)
	if err != nil {
		return err
	}
	server := postgres.NewServer(postgres.ServerConfig{Bin: bin, PGDATA: d.paths.PGDATA, Logger: d.log})
	defer server.Close()
	if err := stopQuickly(ctx, server); err != nil {
		return exitf(ExitPostgres, "stop Postgres: %w", err)
	}
	return nil
}

// destroy removes the node's data and files, the data first, and of it what its links
// lead to: a destroy that is interrupted can be repeated.
func (d *drop) destroy(ctx context.Context, nodeID int64) error {
	if postgres.HasCluster(d.paths.PGDATA) {
		if err := d.stopPostgres(ctx); err != nil {
			return err
		}
		for _, dir := range append(postgres.OutsideFolders(d.paths.PGDATA), d.paths.PGDATA) {
			if err := removeFolder(dir); err != nil {
				return exitf(ExitInternal, "remove the data in %s: %w", dir, err)
			}
		}
	}
	removeBackups(d.paths.PGDATA, nodeID)
	if err := removeNodeFiles(d.paths, nil); err != nil {
		return exitf(ExitInternal, "remove the files of the node: %w", err)
	}
	removeEmptyFolders(filepath.Dir(d.paths.Pid))
	d.log.Info("removed the data and the files", "pgdata", d.paths.PGDATA)
	return nil
}

// removeFolder removes a folder, or all that is in it, where the folder itself is a mount
// point or its parent somebody else's.
func removeFolder(dir string) error {
	err := os.RemoveAll(dir)
	if left, readErr := os.ReadDir(dir); err != nil && readErr == nil && len(left) == 0 {
		return nil
	}
	return err
}

// removeNodeFiles removes all files outside of PGDATA, or puts back the
// configuration that was there before.
func removeNodeFiles(paths Paths, configBefore []byte) error {
	if configBefore != nil {
		if err := writeFileAtomically(paths.Config, configBefore, 0o600); err != nil {
			return err
		}
	} else if err := removeFile(paths.Config); err != nil {
		return err
	}
	for _, file := range paths.beside() {
		if err := removeFile(file); err != nil {
			return err
		}
	}
	removeEmptyFolders(filepath.Dir(paths.Config))
	removeEmptyFolders(filepath.Dir(paths.State))
	return nil
}
