package keeper

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"

	"pgaf/keeper/postgres"
	"pgaf/monitor"
)

// The way back from a state file that is damaged or lost: the monitor knows what this
// node was when it last reported.

// InitStateOptions is what `pgaf manual fsm init` was told.
type InitStateOptions struct {
	PGDATA  string
	Version string // of the program, for the pid file
	Logger  *slog.Logger
}

// InitState writes the state file of a registered node anew. The damaged one is kept
// aside. The node begins as what it last reported and enters that state anew; where its
// Postgres has meanwhile become a primary that the monitor does not know of, it is
// marked as astray. A state that can be read is not replaced.
func InitState(ctx context.Context, o InitStateOptions) error {
	if err := RefuseRoot(); err != nil {
		return err
	}
	paths, cfg, err := nodeFiles(o.PGDATA)
	if err != nil {
		return err
	}
	if cfg.IsMonitor() || cfg.MonitorDisabled() {
		return exitf(ExitBadConfig, "%s has no monitor that could tell what this node was", paths.PGDATA)
	}
	if err := paths.makeFolders(); err != nil {
		return err
	}
	lock, err := lockNode(paths, pidFileOf(paths, o.Version))
	if err != nil {
		return err
	}
	defer lock.release()
	if state, err := ReadState(paths.State); err == nil {
		return exitf(ExitBadState, "state file %s is in order (%s); it is not replaced", paths.State, state.Current)
	}
	state, err := stateFromMonitor(ctx, paths, cfg)
	if err != nil {
		return err
	}
	if err := os.Rename(paths.State, paths.State+".damaged"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return exitf(ExitBadState, "keep the damaged state file aside: %w", err)
	}
	if err := state.Save(paths.State); err != nil {
		return err
	}
	logger(o.Logger).Info("the state is written anew, from what the monitor knows", "node", cfg.Name, "node_id", state.NodeID,
		"current", string(state.Current), "assigned", string(state.Assigned), "next", "pgaf run --pgdata "+paths.PGDATA)
	return nil
}

func stateFromMonitor(ctx context.Context, paths Paths, cfg *Config) (State, error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	client, err := connectMonitor(ctx, cfg, "pgaf manual fsm init")
	if err != nil {
		return State{}, &ExitError{Code: ExitMonitor, Err: err}
	}
	defer client.Close(context.WithoutCancel(ctx))
	node, found, err := client.NodeByHost(ctx, cfg.Hostname, cfg.Port)
	if err != nil {
		return State{}, &ExitError{Code: ExitMonitor, Err: err}
	}
	if !found || node.Formation != cfg.Formation {
		return State{}, exitf(ExitMonitor, "the monitor knows no node at %s:%d in formation %q; make it anew, which adopts its data: pgaf create postgres --pgdata %s …", cfg.Hostname, cfg.Port, cfg.Formation, paths.PGDATA)
	}
	bin, err := findBin(postgres.FindFirstBin, cfg.PgCtl)
	if err != nil {
		return State{}, err
	}
	control, err := bin.ControlData(ctx, paths.PGDATA)
	if err != nil {
		return State{}, &ExitError{Code: ExitPostgres, Err: err}
	}
	if node.SystemIdentifier != 0 && node.SystemIdentifier != control.SystemIdentifier {
		return State{}, exitf(ExitBadState, "PGDATA %s holds another cluster (system identifier %d) than the node had (%d)", paths.PGDATA, control.SystemIdentifier, node.SystemIdentifier)
	}
	s := State{NodeID: node.ID, GroupID: node.GroupID, Current: node.Reported, Assigned: node.Assigned, SystemIdentifier: control.SystemIdentifier, Dirty: true}
	s.Unconfirmed = s.Current == monitor.StateWaitPrimary
	s.Astray = !s.Current.Writable() && !stopsPostgres(s.Current) && !postgres.IsStandby(paths.PGDATA)
	return s, nil
}
