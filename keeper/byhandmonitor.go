package keeper

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"

	"pgaf/keeper/postgres"
	"pgaf/monitor"
)

// By hand: what a keeper tells its monitor.

// Registered is what the monitor knows of a node, and wants it to be.
type Registered struct {
	Formation string        `json:"formation"`
	Host      string        `json:"host"`
	Port      int           `json:"port"`
	NodeID    int64         `json:"nodeId"`
	GroupID   int           `json:"groupId"`
	Assigned  monitor.State `json:"assigned_role"`
}

// RegisterByHand registers a node that has a configuration and that the monitor does not
// know, in a given state, and writes its state file.
func RegisterByHand(ctx context.Context, o HandOptions, initial monitor.State) (Registered, error) {
	paths, cfg, err := handFiles(o.PGDATA)
	if err != nil {
		return Registered{}, err
	}
	if cfg.MonitorDisabled() {
		return Registered{}, exitf(ExitBadConfig, "%s has no monitor; give it one with: pgaf enable monitor", paths.PGDATA)
	}
	if err := paths.makeFolders(); err != nil {
		return Registered{}, err
	}
	lock, err := lockNode(paths, pidFileOf(paths, o.Version))
	if err != nil {
		return Registered{}, err
	}
	defer lock.release()
	state, err := ReadState(paths.State)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Registered{}, err
	}
	known := err == nil
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	client, err := connectMonitor(ctx, cfg, "pgaf manual monitor register")
	if err != nil {
		return Registered{}, &ExitError{Code: ExitMonitor, Err: err}
	}
	defer client.Close(context.WithoutCancel(ctx))
	if known {
		node, found, err := client.NodeByID(ctx, state.NodeID)
		if err != nil {
			return Registered{}, &ExitError{Code: ExitMonitor, Err: err}
		}
		if found {
			return Registered{}, exitf(ExitBadState, "the monitor knows this node as %s (%d), which is %s; nothing to register", node.Name, node.ID, node.Reported)
		}
	}
	r, err := registrationByHand(ctx, paths, cfg, initial)
	if err != nil {
		return Registered{}, err
	}
	answer, err := client.Register(ctx, r, func(r monitor.Registered) error {
		cfg.Group, cfg.Name = r.GroupID, r.Name
		if err := cfg.SaveFile(paths.Config); err != nil {
			return err
		}
		return State{NodeID: r.NodeID, GroupID: r.GroupID, Current: initial, Assigned: r.State, SystemIdentifier: state.SystemIdentifier}.Save(paths.State)
	})
	if err != nil {
		return Registered{}, &ExitError{Code: ExitMonitor, Err: err}
	}
	return Registered{cfg.Formation, cfg.Hostname, cfg.Port, answer.NodeID, answer.GroupID, answer.State}, nil
}

func registrationByHand(ctx context.Context, paths Paths, cfg *Config, initial monitor.State) (monitor.Registration, error) {
	r := monitor.NewRegistration(cfg.Formation, cfg.Hostname, cfg.Port, cfg.Database)
	r.Name, r.Kind, r.InitialState = cfg.Name, cfg.NodeKind, initial
	r.Cluster = firstOf(cfg.Citus.ClusterName, r.Cluster)
	if cfg.Group >= 0 {
		r.DesiredGroupID = cfg.Group
	}
	if !postgres.HasCluster(paths.PGDATA) {
		return r, nil
	}
	bin, err := findBin(postgres.FindFirstBin, cfg.PgCtl)
	if err != nil {
		return r, err
	}
	control, err := bin.ControlData(ctx, paths.PGDATA)
	if err != nil {
		return r, &ExitError{Code: ExitPostgres, Err: err}
	}
	r.SystemIdentifier = control.SystemIdentifier
	return r, nil
}

// ReportByHand reports once to the monitor, in the place of the node's service, and
// writes down what the monitor answers.
func ReportByHand(ctx context.Context, o HandOptions) (Registered, error) {
	if _, _, err := Step(ctx, StepOptions{PGDATA: o.PGDATA, Kind: StepReport, Version: o.Version, Logger: o.Logger}); err != nil {
		return Registered{}, err
	}
	paths, cfg, err := nodeFiles(o.PGDATA)
	if err != nil {
		return Registered{}, err
	}
	state, err := ReadState(paths.State)
	return Registered{cfg.Formation, cfg.Hostname, cfg.Port, state.NodeID, state.GroupID, state.Assigned}, err
}

// UpdateMonitor brings the objects of a monitor of this machine, whose Postgres runs, up
// to this version.
func UpdateMonitor(ctx context.Context, pgdata string, log *slog.Logger) error {
	if err := RefuseRoot(); err != nil {
		return err
	}
	paths, cfg, err := nodeFiles(pgdata)
	if err != nil {
		return err
	}
	if !cfg.IsMonitor() {
		return exitf(ExitBadConfig, "%s is not the data folder of a monitor", paths.PGDATA)
	}
	bin, err := findBin(postgres.FindFirstBin, cfg.PgCtl)
	if err != nil {
		return err
	}
	m := newMonitorNode(paths, cfg, bin, logger(log))
	defer m.server.Close()
	return m.install(ctx, false)
}
