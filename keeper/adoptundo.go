package keeper

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"pgaf/keeper/postgres"
	"pgaf/monitor"
)

// The way back: a data node that was taken over is given back to pg_autoctl 2.x, as what
// it is now. The monitor stays pgaf's; keepers of 2.0 work under it.

// unadoption is one run of `pgaf adopt --undo`.
type unadoption struct {
	o     AdoptOptions
	paths Paths
	older olderFiles
	cfg   *Config
	state State
}

// Unadopt gives a node back and returns what it did, or with DryRun would do. A running
// service is stopped, as by pgaf stop: a primary hands over first.
func Unadopt(ctx context.Context, o AdoptOptions) (steps []string, err error) {
	u := &unadoption{o: o}
	if err := u.inspect(); err != nil {
		return nil, err
	}
	if _, err := u.olderState(); err != nil {
		return nil, err
	}
	client, err := connectMonitor(ctx, u.cfg, "pgaf adopt --undo")
	if err != nil {
		return nil, &ExitError{Code: ExitMonitor, Err: err}
	}
	defer client.Close(context.WithoutCancel(ctx))
	node, found, err := client.NodeByID(ctx, u.state.NodeID)
	if err != nil {
		return nil, &ExitError{Code: ExitMonitor, Err: err}
	}
	if !found || node.Assigned == monitor.StateDropped {
		return nil, exitf(ExitBadState, "the monitor does not know this node any more (id %d); there is nothing to give back", u.state.NodeID)
	}
	if o.DryRun {
		return u.plan(), nil
	}
	if err := u.stopService(ctx); err != nil {
		return nil, err
	}
	lock, err := lockNode(u.paths, pidFileOf(u.paths, o.Version))
	if err != nil {
		return nil, err
	}
	defer lock.release()
	if u.state, err = readNodeState(u.paths); err != nil {
		return nil, err
	}
	older, err := u.olderState()
	if err != nil {
		return nil, err
	}
	if err := client.CloseSession(ctx, u.state.NodeID); err != nil {
		return nil, &ExitError{Code: ExitMonitor, Err: err}
	}
	return u.plan(), u.giveBack(older)
}

// stopService stops the running service and waits until it has ended.
func (u *unadoption) stopService(ctx context.Context) error {
	running, err := ReadPidFile(u.paths.Pid)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	logger(u.o.Logger).Info("stopping the service; a primary hands over to a standby first", "process", running.Pid, "at_most", (u.cfg.Timeout.HandOver + endPatience).String())
	process, err := unix.PidfdOpen(running.Pid, 0)
	if err != nil {
		return exitf(ExitBadState, "look at the service (process %d): %w; stop it first with: pgaf stop", running.Pid, err)
	}
	defer unix.Close(process)
	if err := Signal(u.paths.PGDATA, syscall.SIGTERM); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, u.cfg.Timeout.HandOver+endPatience)
	defer cancel()
	poll := []unix.PollFd{{Fd: int32(process), Events: unix.POLLIN}}
	for ctx.Err() == nil {
		if n, err := unix.Poll(poll, 200); n > 0 || err != nil && !errors.Is(err, unix.EINTR) {
			return nil
		}
	}
	return exitf(ExitBadState, "the service (process %d) has not ended (%w); it goes on to stop, repeat this command then", running.Pid, ctx.Err())
}

// endPatience is how long a service may take to stop, besides the hand-over.
const endPatience = time.Minute

func (u *unadoption) inspect() (err error) {
	if err := RefuseRoot(); err != nil {
		return err
	}
	if u.paths, u.cfg, err = nodeFiles(u.o.PGDATA); err != nil {
		return err
	}
	if u.older, err = olderFilesOf(u.o.PGDATA, u.paths); err != nil {
		return err
	}
	switch {
	case u.cfg.IsMonitor():
		return exitf(ExitBadConfig, "%s is a monitor, whose extension cannot go back; give its nodes back, which work under it", u.paths.PGDATA)
	case exists(u.older.Config):
		return exitf(ExitBadConfig, "%s is there: this node is pg_autoctl's", u.older.Config)
	case !exists(u.older.Config + adoptedSuffix):
		return exitf(ExitBadConfig, "%s was not taken over from pg_auto_failover: there is no %s", u.paths.PGDATA, u.older.Config+adoptedSuffix)
	}
	if u.state, err = readNodeState(u.paths); err != nil {
		return err
	}
	return u.compareConfig()
}

// compareConfig refuses a configuration of pg_autoctl that has become wrong.
func (u *unadoption) compareConfig() error {
	path := u.older.Config + adoptedSuffix
	kept, err := LoadFile(path)
	if err != nil {
		return err
	}
	for _, key := range []string{"pg_autoctl.monitor", "pg_autoctl.formation", "pg_autoctl.name", "pg_autoctl.hostname", "postgresql.port"} {
		now, err := u.cfg.Get(key)
		if err != nil {
			return err
		}
		if was, err := kept.Get(key); err != nil || was != now {
			return exitf(ExitBadConfig, "%s of this node has changed since it was taken over; make it the same in %s first", key, path)
		}
	}
	return nil
}

// olderState is the state file of pg_autoctl with what the node is now.
func (u *unadoption) olderState() ([]byte, error) {
	path := u.older.State + adoptedSuffix
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, exitf(ExitBadState, "read the state that pg_autoctl had: %w", err)
	}
	if _, err := parseOlderState(content); err != nil {
		return nil, exitf(ExitBadState, "state file %s: %w", path, err)
	}
	return patchOlderState(content, u.state), nil
}

// patchOlderState is the content of a state file of pg_autoctl with another state.
func patchOlderState(content []byte, s State) []byte {
	patched := slices.Clone(content)
	for at, state := range map[int]monitor.State{atCurrent: s.Current, atAssigned: s.Assigned} {
		binary.NativeEndian.PutUint32(patched[at:], uint32(slices.Index(olderStates, state)))
	}
	return patched
}

func (u *unadoption) plan() []string {
	return []string{
		"stop the service of this node, where it runs; a primary hands over to a standby first",
		fmt.Sprintf("give node %s back to pg_autoctl (id %d), as what it is then; now it is %s", u.cfg.Name, u.state.NodeID, u.state.Current),
		"write " + u.older.State,
		"rename " + u.older.Config + adoptedSuffix + " to " + u.older.Config,
		"put the settings that pg_autoctl wrote back into " + filepath.Join(u.paths.PGDATA, postgres.SettingsFile),
		"remove " + u.paths.Config,
		"remove " + u.paths.State,
	}
}

// giveBack removes our state last: until then it can be repeated.
func (u *unadoption) giveBack(older []byte) error {
	settings := filepath.Join(u.paths.PGDATA, postgres.SettingsFile)
	if err := os.Rename(settings+adoptedSuffix, settings); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return exitf(ExitPostgres, "put the settings of Postgres back: %w", err)
	}
	if err := writeFileAtomically(u.older.State, older, 0o600); err != nil {
		return exitf(ExitBadState, "write the state of pg_autoctl: %w", err)
	}
	if err := os.Rename(u.older.Config+adoptedSuffix, u.older.Config); err != nil {
		return exitf(ExitBadConfig, "put the configuration of pg_autoctl back: %w", err)
	}
	return errors.Join(removeFile(u.older.State+adoptedSuffix), removeFile(u.paths.Config), removeFile(u.paths.State), removeFile(u.paths.Lease))
}
