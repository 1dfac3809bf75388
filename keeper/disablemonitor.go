package keeper

import (
	"context"
	"log/slog"

	"pgaf/monitor"
)

// DisableMonitorOptions is what `pgaf disable monitor` was told.
type DisableMonitorOptions struct {
	PGDATA string
	Force  bool // also when the monitor knows this node, which then is removed there, or does not answer
	Logger *slog.Logger
}

// DisableMonitor makes a node, while it serves, one that is steered by hand.
func DisableMonitor(ctx context.Context, o DisableMonitorOptions) error {
	paths, cfg, err := nodeFiles(o.PGDATA)
	if err != nil {
		return err
	}
	log := logger(o.Logger)
	switch {
	case cfg.IsMonitor():
		return exitf(ExitBadConfig, "%s is a monitor, not a node", paths.PGDATA)
	case cfg.MonitorDisabled():
		log.Info("the monitor is disabled already")
		return nil
	}
	state, err := ReadState(paths.State)
	if err != nil {
		return err
	}
	client, known, err := registeredAt(ctx, cfg, state)
	if client != nil {
		defer client.Close(context.WithoutCancel(ctx))
	}
	switch {
	case err != nil && !o.Force:
		return exitf(ExitMonitor, "%w; where it is lost, repeat with --force", err)
	case err != nil:
		log.Warn("the monitor cannot be asked whether it knows this node", "error", err)
	case known && !o.Force:
		return exitf(ExitBadState, "the monitor knows this node (%s, id %d); repeat with --force, which removes it there", cfg.Name, state.NodeID)
	case known:
		if err := refuseDeposed(ctx, client, cfg, state); err != nil {
			return err
		}
	}
	// The file first: a service that finds out that the monitor does not know its
	// node any more reads it before it stops.
	changed := *cfg
	changed.Monitor = MonitorDisabled
	if err := changed.SaveFile(paths.Config); err != nil {
		return err
	}
	if err := Reload(o.PGDATA); err != nil {
		return err
	}
	if known {
		if _, err := client.RemoveNodeByID(ctx, state.NodeID, true); err != nil && monitor.SQLState(err) != sqlUndefinedObject {
			return exitf(ExitMonitor, "the monitor is disabled on this node and still lists it (%w); remove it there with: pgaf drop node --force --monitor … --name %s", err, cfg.Name)
		}
	}
	log.Info("the monitor is disabled; steer this node with pgaf manual fsm assign, and go back with pgaf enable monitor URI", "node", cfg.Name, "state", string(state.Current))
	return nil
}

// registeredAt asks the monitor whether it knows the node. The client is nil when it
// cannot be reached.
func registeredAt(ctx context.Context, cfg *Config, state State) (*monitor.Client, bool, error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	client, err := connectMonitor(ctx, cfg, "pgaf disable monitor")
	if err != nil {
		return nil, false, err
	}
	node, found, err := client.NodeByID(ctx, state.NodeID)
	return client, found && node.Host == cfg.Hostname && node.Port == cfg.Port, err
}

// refuseDeposed refuses to take a primary away from its standbys: the monitor would
// promote one of them, while this node serves on.
func refuseDeposed(ctx context.Context, client *monitor.Client, cfg *Config, state State) error {
	nodes, err := client.CurrentState(ctx, cfg.Formation, &state.GroupID)
	if err != nil {
		return &ExitError{Code: ExitMonitor, Err: err}
	}
	others, writable := 0, state.Current.Writable()
	for _, n := range nodes {
		if n.ID == state.NodeID {
			writable = writable || n.Assigned.Writable()
		} else if n.Assigned != monitor.StateDropped {
			others++
		}
	}
	if writable && others > 0 {
		return exitf(ExitBadState, "this node is the primary of %d other(s), one of which the monitor would promote in its place; disable the monitor on the standbys first", others)
	}
	return nil
}
