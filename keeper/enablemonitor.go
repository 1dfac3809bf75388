package keeper

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"pgaf/keeper/postgres"
	"pgaf/monitor"
)

// How a node comes to another monitor, or to a new one in the place of one that was
// lost, while it serves: it registers there with the id it has, the primary first, and
// is told to become what it is. Nothing is restarted and nothing copied.

// errOtherMonitor means that a monitor is not the one that this node belongs to.
var errOtherMonitor = errors.New("this is another monitor than before")

// recognise refuses a monitor that was made in the place of ours until this node is
// registered there: node ids begin anew, and ours may be another node's.
func (n *node) recognise(ctx context.Context, c *monitor.Client, identity string) error {
	known := n.view().MonitorIdentity
	if known == "" || identity == "" || known == identity {
		return nil
	}
	cfg, id := n.cfg(), n.view().NodeID
	found, registered, err := c.NodeByID(ctx, id)
	switch {
	case err != nil:
		return err
	case !registered || found.Host != cfg.Hostname || found.Port != cfg.Port:
		return fmt.Errorf("%w, and it does not know this node; register with: pgaf enable monitor --pgdata %s URI, on the primary first", errOtherMonitor, n.paths.PGDATA)
	case found.Assigned == monitor.StateWaitStandby && n.view().Current != monitor.StateWaitStandby:
		return fmt.Errorf("%w, and this node is just being registered there", errOtherMonitor)
	}
	return nil
}

// EnableMonitorOptions is what `pgaf enable monitor` was told.
type EnableMonitorOptions struct {
	PGDATA string
	URI    string // of the monitor to belong to
	Logger *slog.Logger
}

// enabling is one run of `pgaf enable monitor`.
type enabling struct {
	paths  Paths
	cfg    *Config // with the new monitor
	state  State
	client *monitor.Client // of the new monitor
	log    *slog.Logger
}

// EnableMonitor registers a node that serves with a monitor and makes its service obey
// that one. A run that was interrupted is continued by the next.
func EnableMonitor(ctx context.Context, o EnableMonitorOptions) error {
	e, err := newEnabling(ctx, o)
	if err != nil {
		return err
	}
	role, systemIdentifier, err := e.role(ctx)
	if err != nil {
		return err
	}
	if e.client, err = connectMonitor(ctx, e.cfg, "pgaf enable monitor"); err != nil {
		return &ExitError{Code: ExitMonitor, Err: err}
	}
	defer e.client.Close(context.WithoutCancel(ctx))
	if err := e.register(ctx, role, systemIdentifier); err != nil {
		return err
	}
	if role == monitor.StateWaitStandby {
		if err := e.awaitPrimary(ctx); err != nil {
			return err
		}
	}
	if err := e.cfg.SaveFile(e.paths.Config); err != nil {
		return err
	}
	if err := forgetManual(e.paths); err != nil {
		e.log.Warn("what was set by hand is left behind", "error", err)
	}
	if err := Signal(e.paths.PGDATA, reloadSignal); errors.Is(err, os.ErrNotExist) {
		e.log.Warn("the node is registered, and its service does not run; start it with: pgaf run --pgdata " + e.paths.PGDATA)
	} else if err != nil {
		return err
	}
	e.log.Info("the monitor is enabled", "node", e.cfg.Name, "node_id", e.state.NodeID, "monitor", monitor.ScrubURI(o.URI))
	return nil
}

func newEnabling(ctx context.Context, o EnableMonitorOptions) (*enabling, error) {
	paths, cfg, err := nodeFiles(o.PGDATA)
	if err != nil {
		return nil, err
	}
	if cfg.IsMonitor() {
		return nil, exitf(ExitBadConfig, "%s is a monitor, not a node", paths.PGDATA)
	}
	e := &enabling{paths: paths, log: logger(o.Logger)}
	if e.state, err = ReadState(paths.State); err != nil {
		return nil, err
	}
	if err := refuseEnabled(ctx, cfg, e.state); err != nil {
		return nil, err
	}
	changed := *cfg
	if err := changed.Set("pg_autoctl.monitor", o.URI); err != nil {
		return nil, err
	}
	e.cfg = &changed
	return e, nil
}

// refuseEnabled refuses a node that its monitor knows. A monitor that is lost, or was
// made anew, does not stand in the way.
func refuseEnabled(ctx context.Context, cfg *Config, state State) error {
	if cfg.MonitorDisabled() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	client, err := connectMonitor(ctx, cfg, "pgaf enable monitor")
	if err != nil {
		return nil
	}
	defer client.Close(context.WithoutCancel(ctx))
	identity, err := client.Identity(ctx)
	if err != nil || identity != state.MonitorIdentity && state.MonitorIdentity != "" {
		return nil
	}
	if _, known, err := client.NodeByID(ctx, state.NodeID); err != nil || !known {
		return nil
	}
	return exitf(ExitBadConfig, "the monitor %s is enabled and knows this node; leave it first: pgaf disable monitor --force", monitor.ScrubURI(cfg.Monitor))
}

// role is the state to register in: that of a primary, or of a standby.
func (e *enabling) role(ctx context.Context) (monitor.State, uint64, error) {
	bin, err := findBin(postgres.FindFirstBin, e.cfg.PgCtl)
	if err != nil {
		return "", 0, err
	}
	server := postgres.NewServer(postgres.ServerConfig{Bin: bin, PGDATA: e.paths.PGDATA, Port: e.cfg.Port, SocketDir: socketDir(e.cfg), Logger: e.log})
	defer server.Close()
	control, err := bin.ControlData(ctx, e.paths.PGDATA)
	if err != nil {
		return "", 0, &ExitError{Code: ExitPostgres, Err: err}
	}
	switch current := e.state.Current; {
	case current.Writable():
		meta, err := server.Metadata(ctx)
		if err != nil {
			return "", 0, exitf(ExitPostgres, "this node is %s, and its Postgres does not answer (%w); start it first: pgaf run --pgdata %s", current, err, e.paths.PGDATA)
		}
		if meta.InRecovery {
			return "", 0, exitf(ExitBadState, "this node is %s, and its Postgres is a standby; wait until it is promoted", current)
		}
		return monitor.StateSingle, control.SystemIdentifier, nil
	case current == monitor.StateSecondary, current == monitor.StateCatchingup, current == monitor.StateDemoted, current == monitor.StateMaintenance:
		return monitor.StateWaitStandby, control.SystemIdentifier, nil
	default:
		return "", 0, exitf(ExitBadState, "a node in state %s cannot register as what it is; disable the monitor and assign a state that it can keep, for instance: pgaf manual fsm assign demoted", current)
	}
}

// register makes the new monitor know the node, under the id that its slots have.
func (e *enabling) register(ctx context.Context, role monitor.State, systemIdentifier uint64) error {
	group, err := e.client.CurrentState(ctx, e.cfg.Formation, &e.state.GroupID)
	if err != nil {
		return &ExitError{Code: ExitMonitor, Err: err}
	}
	primary := false
	for _, n := range group {
		if n.ID == e.state.NodeID && n.Host == e.cfg.Hostname && n.Port == e.cfg.Port {
			e.log.Info("this node is registered already; going on", "node_id", n.ID)
			return nil
		}
		primary = primary || n.Assigned.Writable()
	}
	if role == monitor.StateWaitStandby && !primary {
		return exitf(ExitMonitor, "group %d of formation %q has no primary on this monitor; enable the monitor on the primary first", e.state.GroupID, e.cfg.Formation)
	}
	return e.registerInTurn(ctx, e.registration(role, systemIdentifier))
}

func (e *enabling) registration(role monitor.State, systemIdentifier uint64) monitor.Registration {
	r := monitor.NewRegistration(e.cfg.Formation, e.cfg.Hostname, e.cfg.Port, e.cfg.Database)
	r.Name, r.Kind, r.SystemIdentifier = e.cfg.Name, e.cfg.NodeKind, systemIdentifier
	if role == monitor.StateSingle {
		r.InitialState = role // the monitor refuses it where the group has a primary
	}
	r.DesiredNodeID, r.DesiredGroupID = e.state.NodeID, e.state.GroupID
	if e.state.CandidatePriority != nil {
		r.CandidatePriority = *e.state.CandidatePriority
	}
	if e.state.ReplicationQuorum != nil {
		r.ReplicationQuorum = *e.state.ReplicationQuorum
	}
	r.Cluster = firstOf(e.cfg.Citus.ClusterName, r.Cluster)
	return r
}

// registerInTurn waits while another standby of the group is joining.
func (e *enabling) registerInTurn(ctx context.Context, r monitor.Registration) error {
	ctx, cancel := context.WithTimeout(ctx, registrationPatience)
	defer cancel()
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, 2*time.Second) {
		answer, err := e.client.Register(ctx, r, nil)
		if err == nil {
			e.log.Info("registered", "node", answer.Name, "node_id", answer.NodeID, "group", answer.GroupID, "assigned", string(answer.State))
			return nil
		}
		if !monitor.RetryableRegistration(err) || ctx.Err() != nil {
			return &ExitError{Code: ExitMonitor, Err: err}
		}
		sleep(ctx, pause)
	}
}

// awaitPrimary waits until the primary is ready for this standby. Only then may its
// service report: what it is then is a standby that catches up.
func (e *enabling) awaitPrimary(ctx context.Context) error {
	if err := e.client.Listen(ctx, monitor.ChannelState); err != nil {
		return &ExitError{Code: ExitMonitor, Err: err}
	}
	report := monitor.Report{Formation: e.cfg.Formation, NodeID: e.state.NodeID, GroupID: e.state.GroupID, State: monitor.StateWaitStandby}
	notice := time.Now().Add(waitNotice)
	for {
		known, _, err := e.client.NodeByID(ctx, e.state.NodeID)
		if err == nil && known.Reported != monitor.StateInit && known.Reported != monitor.StateWaitStandby {
			return nil // its service has taken over, after an earlier run
		}
		var a monitor.Assignment
		if err == nil {
			a, err = e.client.NodeActive(ctx, report)
		}
		if err != nil {
			return &ExitError{Code: ExitMonitor, Err: err}
		}
		if a.State == monitor.StateCatchingup {
			return nil
		}
		if !notice.IsZero() && time.Now().After(notice) {
			notice = time.Time{}
			e.log.Warn("waiting for the primary to get ready for this node: is its service running, and is the monitor enabled there?")
		}
		waiting, cancel := context.WithTimeout(ctx, heartbeat)
		e.client.WaitForNotification(waiting)
		cancel()
	}
}
