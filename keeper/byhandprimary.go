package keeper

import (
	"context"
	"errors"
	"os"
	"syscall"
	"time"

	"pgaf/keeper/postgres"
)

// By hand: what a primary has for others, and whether Postgres runs.

// CreateSlotByHand makes the replication slot of a node (0: of this one) on the local
// Postgres. A running service makes those of its group, and drops others.
func CreateSlotByHand(ctx context.Context, o HandOptions, nodeID int64) (name string, created bool, err error) {
	return slotByHand(o, nodeID, func(server *postgres.Server, name string) (bool, error) { return server.CreateSlot(ctx, name) })
}

// DropSlotByHand drops it.
func DropSlotByHand(ctx context.Context, o HandOptions, nodeID int64) (name string, dropped bool, err error) {
	return slotByHand(o, nodeID, func(server *postgres.Server, name string) (bool, error) { return server.DropSlot(ctx, name) })
}

func slotByHand(o HandOptions, nodeID int64, do func(*postgres.Server, string) (bool, error)) (string, bool, error) {
	h, err := takeInHand(o)
	if err != nil {
		return "", false, err
	}
	defer h.close()
	if nodeID == 0 {
		nodeID = h.view().NodeID
	}
	name := postgres.SlotName(nodeID)
	if err := h.needRunning(); err != nil {
		return name, false, err
	}
	changed, err := do(h.server, name)
	if err != nil {
		return name, false, &ExitError{Code: ExitSQL, Err: err}
	}
	return name, changed, nil
}

// AddMonitorUser makes the role by which a monitor checks the health of this node, and
// lets the hosts of a monitor's connection string in.
func AddMonitorUser(ctx context.Context, o HandOptions, uri string) error {
	h, err := workBeside(o)
	if err != nil {
		return err
	}
	defer h.close()
	cfg := *h.cfg()
	if err := cfg.Set("pg_autoctl.monitor", uri); err != nil {
		return &ExitError{Code: ExitBadArgs, Err: err}
	}
	h.config.Store(&cfg)
	if cfg.MonitorDisabled() {
		return exitf(ExitBadArgs, "%s is no connection string of a monitor", uri)
	}
	rules, err := h.monitorRules(ctx)
	if err != nil {
		return &ExitError{Code: ExitBadArgs, Err: err}
	}
	if err := h.ensureRole(ctx, monitorRole()); err != nil {
		return err
	}
	if err := h.allow(ctx, rules); err != nil {
		return &ExitError{Code: ExitBadConfig, Err: err}
	}
	return nil
}

// AddReplicaUser makes the role by which standbys replicate from this node.
func AddReplicaUser(ctx context.Context, o HandOptions) error {
	h, err := workBeside(o)
	if err != nil {
		return err
	}
	defer h.close()
	return h.ensureRole(ctx, replicatorRole(h.cfg()))
}

func (h *hand) ensureRole(ctx context.Context, role postgres.Role) error {
	if err := h.needRunning(); err != nil {
		return err
	}
	created, err := h.server.EnsureRole(ctx, role)
	if err != nil {
		return exitf(ExitSQL, "create role %q: %w", role.Name, err)
	}
	h.log.Info("the role is there", "role", role.Name, "created", created)
	return nil
}

// WriteDefaults writes the settings that pgaf owns, and makes a running Postgres read
// them.
func WriteDefaults(ctx context.Context, o HandOptions) error {
	h, err := workBeside(o)
	if err != nil {
		return err
	}
	defer h.close()
	if !postgres.HasCluster(h.paths.PGDATA) {
		return exitf(ExitBadConfig, "PGDATA %s holds no PostgreSQL cluster", h.paths.PGDATA)
	}
	if err := h.writeSettings(ctx); err != nil {
		return &ExitError{Code: ExitBadConfig, Err: err}
	}
	if !h.server.Status().Running() {
		return nil
	}
	if err := h.server.Reload(); err != nil {
		return &ExitError{Code: ExitPostgres, Err: err}
	}
	return nil
}

// IdentifyByHand asks the Postgres at an address who it is, as a standby would.
func IdentifyByHand(ctx context.Context, o HandOptions, host string, port int) (postgres.System, postgres.History, error) {
	h, err := workBeside(o)
	if err != nil {
		return postgres.System{}, nil, err
	}
	defer h.close()
	ctx, cancel := context.WithTimeout(ctx, identifyPatience)
	defer cancel()
	system, history, err := postgres.Identify(ctx, h.upstream(peerAt(host, port)))
	if err != nil {
		return system, history, &ExitError{Code: ExitSQL, Err: err}
	}
	return system, history, nil
}

// StartByHand starts Postgres without its service, where it can do no harm: as a standby,
// in maintenance, or where no monitor decides.
func StartByHand(ctx context.Context, o HandOptions) error {
	h, err := takeInHand(o)
	if err != nil {
		return err
	}
	defer h.close()
	if !postgres.HasCluster(h.paths.PGDATA) {
		return exitf(ExitBadConfig, "PGDATA %s holds no PostgreSQL cluster", h.paths.PGDATA)
	}
	if !postgres.IsStandby(h.paths.PGDATA) {
		if err := h.refuseMonitored("start its service, which asks first: pgaf run --pgdata " + h.paths.PGDATA); err != nil {
			return err
		}
	}
	if err := h.start(ctx); err != nil {
		return &ExitError{Code: ExitPostgres, Err: err}
	}
	h.log.Info("Postgres runs, and nobody takes care of it", "pgdata", h.paths.PGDATA, "port", h.cfg().Port)
	return nil
}

// StopByHand stops Postgres fast, where its service does not run.
func StopByHand(ctx context.Context, o HandOptions) error {
	h, err := takeInHand(o)
	if err != nil {
		return err
	}
	defer h.close()
	if err := h.server.Stop(ctx, postgres.Fast); err != nil {
		return &ExitError{Code: ExitPostgres, Err: err}
	}
	h.log.Info("Postgres is stopped", "pgdata", h.paths.PGDATA)
	return nil
}

// restartPatience bounds a restart that a running service makes of its Postgres: a
// shutdown checkpoint, and a start.
const restartPatience = 120 * time.Second

// RestartPostgres stops the Postgres of a running node or monitor fast. Its service
// starts it again, with the present settings; nobody fails over as long as that goes on.
// It returns the process id of the new postmaster.
func RestartPostgres(ctx context.Context, pgdata string) (int, error) {
	paths, cfg, err := nodeFiles(pgdata)
	if err != nil {
		return 0, err
	}
	if _, err := ReadPidFile(paths.Pid); errors.Is(err, os.ErrNotExist) {
		return 0, exitf(ExitBadState, "pgaf does not run for %s, and nobody would start Postgres again; start it with: pgaf run --pgdata %s", pgdata, paths.PGDATA)
	} else if err != nil {
		return 0, exitf(ExitBadState, "read the pid file: %w", err)
	}
	if !cfg.IsMonitor() {
		state, err := ReadState(paths.State)
		if err != nil {
			return 0, err
		}
		if !runsPostgres(state.Current) || state.Assigned != state.Current {
			return 0, exitf(ExitBadState, "the node is %s and is told to become %s: its service would not simply start Postgres again; see what it waits for with: pgaf explain", state.Current, state.Assigned)
		}
	}
	old, err := PostmasterOf(pgdata)
	if err != nil {
		return 0, err
	}
	if err := syscall.Kill(old, syscall.SIGINT); err != nil {
		return 0, exitf(ExitPostgres, "stop Postgres, process %d: %w", old, err)
	}
	return awaitPostmaster(ctx, pgdata, old)
}

// awaitPostmaster waits until another postmaster than the old one is ready.
func awaitPostmaster(ctx context.Context, pgdata string, old int) (pid int, err error) {
	err = poll(ctx, restartPatience, nil, func(context.Context) error {
		found, err := FindLocalPostgres(LocalPostgresOptions{PGDATA: pgdata})
		if err != nil {
			return err
		}
		server := found.server()
		defer server.Close()
		running, runs := server.Postmaster()
		switch {
		case runs && running.PID == old:
			return exitf(ExitPostgres, "Postgres is still stopping (process %d)", old)
		case !runs || !server.Status().Up():
			return exitf(ExitPostgres, "Postgres is being started again")
		}
		pid = running.PID
		return nil
	})
	return pid, err
}
