package keeper

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"pgaf/keeper/postgres"
	"pgaf/monitor"
)

// adoptedNode is a data node that is taken over.
type adoptedNode struct {
	*adoption
	state  State
	client *monitor.Client

	stateBefore, configBefore []byte // of an earlier adoption; nil: there was none
}

// settlePatience is how long adopt waits for a node that is between two states.
const settlePatience = 15 * time.Second

func (n *adoptedNode) inspect(ctx context.Context) error {
	switch {
	case n.cfg.MonitorDisabled():
		return exitf(ExitBadConfig, "the monitor of this node is disabled, so that nobody can tell what its group does; enable it first: pg_autoctl enable monitor")
	case n.cfg.NodeKind != "standalone":
		return exitf(ExitBadConfig, "this node is a %s, and this version of pgaf cannot steer Citus; leave the formation to pg_autoctl", n.cfg.NodeKind)
	}
	if err := n.readState(); err != nil {
		return err
	}
	control, err := n.bin.ControlData(ctx, n.paths.PGDATA)
	if err != nil {
		return &ExitError{Code: ExitPostgres, Err: err}
	}
	if n.state.SystemIdentifier != 0 && control.SystemIdentifier != n.state.SystemIdentifier {
		return exitf(ExitBadState, "PGDATA %s holds another cluster (system identifier %d) than pg_autoctl has in its state (%d)", n.paths.PGDATA, control.SystemIdentifier, n.state.SystemIdentifier)
	}
	n.state.SystemIdentifier = control.SystemIdentifier
	if n.client, err = connectMonitor(ctx, n.cfg, "pgaf adopt"); err != nil {
		return &ExitError{Code: ExitMonitor, Err: err}
	}
	return n.awaitSettled(ctx)
}

// readState reads the state as pg_autoctl has written it down last.
func (n *adoptedNode) readState() error {
	content, err := os.ReadFile(n.older.State)
	if err != nil {
		return exitf(ExitBadState, "read the state of pg_autoctl: %w; it is written when the node registers", err)
	}
	state, err := parseOlderState(content)
	if err != nil {
		return exitf(ExitBadState, "state file %s: %w", n.older.State, err)
	}
	if state.NodeID <= 0 {
		return exitf(ExitBadState, "state file %s has no node id: the node was never registered", n.older.State)
	}
	n.state = state
	return nil
}

// errUnsettled is wrapped while a node is on the way from one state to another.
var errUnsettled = errors.New("is not settled")

// awaitSettled waits until pg_autoctl and the monitor agree that nothing is under way.
func (n *adoptedNode) awaitSettled(ctx context.Context) error {
	if err := n.client.Listen(ctx, monitor.ChannelState); err != nil {
		return &ExitError{Code: ExitMonitor, Err: err}
	}
	deadline, said := time.Now().Add(settlePatience), false
	for {
		err := n.agree(ctx)
		if !errors.Is(err, errUnsettled) || time.Now().After(deadline) {
			return err
		}
		if !said {
			said = true
			n.log.Info("waiting until the node is settled", "reason", err, "at_most", settlePatience.String())
		}
		waiting, cancel := context.WithTimeout(ctx, heartbeat)
		n.client.WaitForNotification(waiting)
		cancel()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := n.readState(); err != nil {
			return err
		}
	}
}

// agree compares what pg_autoctl has written down with what the monitor knows, and
// completes the state with that.
func (n *adoptedNode) agree(ctx context.Context) error {
	s := &n.state
	known, found, err := n.client.NodeByID(ctx, s.NodeID)
	switch {
	case err != nil:
		return &ExitError{Code: ExitMonitor, Err: err}
	case !found:
		return exitf(ExitBadState, "the monitor %s does not know this node (id %d): it was dropped, or the monitor was made anew; remove it with pg_autoctl drop node, and create it with pgaf", monitor.ScrubURI(n.cfg.Monitor), s.NodeID)
	case known.Formation != n.cfg.Formation || known.GroupID != s.GroupID || known.Host != n.cfg.Hostname || known.Port != n.cfg.Port:
		return exitf(ExitBadState, "for the monitor node %d is %s at %s:%d in group %d of formation %q, here it is at %s:%d in group %d of %q; bring them together with pg_autoctl first",
			s.NodeID, known.Name, known.Host, known.Port, known.GroupID, known.Formation, n.cfg.Hostname, n.cfg.Port, s.GroupID, n.cfg.Formation)
	case known.SystemIdentifier != 0 && s.SystemIdentifier != 0 && known.SystemIdentifier != s.SystemIdentifier:
		return exitf(ExitBadState, "for the monitor this node holds another cluster (system identifier %d) than PGDATA (%d)", known.SystemIdentifier, s.SystemIdentifier)
	case s.Current == monitor.StateDropped || known.Assigned == monitor.StateDropped:
		return exitf(ExitBadState, "this node was dropped from its group; create it with pgaf, which adopts its data: pgaf create postgres")
	case s.Current != s.Assigned || known.Reported != s.Current || known.Assigned != s.Current || !settled(s.Current):
		return exitf(ExitBadState, "the node %w: pg_autoctl has it in state %s on its way to %s, the monitor in %s on its way to %s; see pgaf show state, and repeat when it is single, primary, wait_primary, secondary or maintenance",
			errUnsettled, s.Current, s.Assigned, known.Reported, known.Assigned)
	case n.service.running() && n.postmaster == 0 && s.Current != monitor.StateMaintenance:
		return exitf(ExitBadState, "the node %w: its Postgres does not run, and pg_autoctl has not given it up; see the log of pg_autoctl, and repeat when Postgres runs", errUnsettled)
	}
	if s.MonitorIdentity, err = n.client.Identity(ctx); err != nil {
		return &ExitError{Code: ExitMonitor, Err: err}
	}
	n.cfg.Name, n.cfg.Group = known.Name, s.GroupID
	s.CandidatePriority, s.ReplicationQuorum = &known.CandidatePriority, &known.ReplicationQuorum
	s.PgVersion = n.bin.Version.Text
	return nil
}

// settled says whether a node stays in a state when nothing happens.
func settled(s monitor.State) bool {
	switch s {
	case monitor.StateSingle, monitor.StatePrimary, monitor.StateWaitPrimary, monitor.StateSecondary, monitor.StateMaintenance:
		return true
	}
	return false
}

func (n *adoptedNode) plan() []string {
	return []string{
		fmt.Sprintf("take node %s over (id %d, group %d of formation %s) in state %s", n.cfg.Name, n.state.NodeID, n.state.GroupID, n.cfg.Formation, n.state.Current),
		"write " + n.paths.Config,
		"write " + n.paths.State,
		"write the settings that pgaf needs to " + postgres.SettingsFile + " (the present ones are kept as " + postgres.SettingsFile + adoptedSuffix + ") and reload Postgres",
	}
}

// confirm: between the look and the freeze the monitor may have assigned another state.
func (n *adoptedNode) confirm(ctx context.Context) error {
	system := n.state.SystemIdentifier
	if err := n.readState(); err != nil {
		return err
	}
	n.state.SystemIdentifier = system
	return n.agree(ctx)
}

func (n *adoptedNode) take(context.Context) (err error) {
	if n.stateBefore, err = readKept(n.paths.State); err != nil {
		return err
	}
	if n.configBefore, err = readKept(n.paths.Config); err != nil {
		return err
	}
	if err := n.state.Save(n.paths.State); err != nil {
		return err
	}
	return n.cfg.SaveFile(n.paths.Config)
}

func (n *adoptedNode) undo() error {
	return errors.Join(writeKept(n.paths.State, n.stateBefore), writeKept(n.paths.Config, n.configBefore))
}

// settle writes our settings: detection within seconds needs other timeouts of
// replication. What takes a restart waits for the next one.
func (n *adoptedNode) settle() error {
	if err := keepSettings(n.paths.PGDATA); err != nil {
		return err
	}
	node := newNode(n.paths, n.cfg, n.bin, n.log)
	defer node.close()
	if _, err := postgres.WriteSettings(n.paths.PGDATA, node.settings()); err != nil {
		return exitf(ExitPostgres, "write the settings of Postgres: %w", err)
	}
	if n.postmaster > 0 {
		if err := n.server.Reload(); err != nil {
			n.log.Warn("Postgres could not be reloaded; it reads its settings at the next start", "error", err)
		}
	}
	return nil
}

func (n *adoptedNode) close() {
	if n.client != nil {
		n.client.Close(context.Background())
	}
}

// readKept reads a file that may not be there.
func readKept(path string) ([]byte, error) {
	content, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, exitf(ExitBadConfig, "keep what is to be replaced: %w", err)
	}
	return content, nil
}

// writeKept puts a file back as readKept found it.
func writeKept(path string, content []byte) error {
	if content == nil {
		return removeFile(path)
	}
	return writeFileAtomically(path, content, 0o600)
}
