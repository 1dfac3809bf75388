package keeper

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"pgaf/keeper/postgres"
	"pgaf/monitor"
)

// A node whose monitor is disabled is steered by hand: its goal comes from an operator
// (pgaf manual fsm assign), its peers from nodes.json. Nobody can promote another node
// behind its back, so that it has no lease, and what it was it is again after a restart.

// errMonitorDisabled is the answer to every question to a monitor.
var errMonitorDisabled = errors.New("the monitor is disabled on this node")

// manualPeers are the other nodes of the nodes file; nil when it has none.
func (n *node) manualPeers() ([]monitor.PeerNode, error) {
	nodes, err := readNodes(n.paths.Nodes)
	id := n.view().NodeID
	return slices.DeleteFunc(nodes, func(p monitor.PeerNode) bool { return p.ID == id }), err
}

func (n *node) manualPrimary() (monitor.PeerNode, error) {
	peers, err := n.manualPeers()
	if err != nil {
		return monitor.PeerNode{}, err
	}
	for _, p := range peers {
		if p.IsPrimary {
			return p, nil
		}
	}
	return monitor.PeerNode{}, fmt.Errorf("%w: %s names no other node as primary; tell this node with: pgaf manual fsm nodes set FILE", errNoPrimary, n.paths.Nodes)
}

// manualSyncNames waits for one of the other nodes.
func (n *node) manualSyncNames() (string, error) {
	peers, err := n.manualPeers()
	if err != nil || len(peers) == 0 {
		return "", err
	}
	names := make([]string, len(peers))
	for i, p := range peers {
		names[i] = postgres.SlotName(p.ID)
	}
	return "ANY 1 (" + strings.Join(names, ", ") + ")", nil
}

func (n *node) manualMostAdvanced() (peer monitor.PeerNode, found bool, err error) {
	peers, err := n.manualPeers()
	if err != nil || len(peers) == 0 {
		return peer, false, err
	}
	return slices.MaxFunc(peers, func(a, b monitor.PeerNode) int { return cmp.Compare(a.LSN, b.LSN) }), true, nil
}

// goManual begins to be steered by hand.
func (e *executor) goManual() {
	e.contacted, e.offline = true, ""
	e.n.log.Warn("the monitor is disabled: this node is steered by hand, with pgaf manual fsm assign", "state", string(e.state.Current))
	if len(e.peers) > 0 {
		if err := saveNodes(e.n.paths.Nodes, e.group()); err != nil {
			e.n.log.Error("the nodes of the group cannot be written down", "error", err)
		}
	}
	e.takeGoal()
}

// group is this node and its peers, in the order of their ids.
func (e *executor) group() []monitor.PeerNode {
	cfg := e.n.cfg()
	own := monitor.PeerNode{ID: e.state.NodeID, Name: cfg.Name, Host: cfg.Hostname, Port: cfg.Port, LSN: e.seen.lsn(), IsPrimary: e.state.Current.Writable()}
	nodes := append([]monitor.PeerNode{own}, e.peers...)
	slices.SortFunc(nodes, func(a, b monitor.PeerNode) int { return cmp.Compare(a.ID, b.ID) })
	return nodes
}

// endManual begins to obey a monitor again. It has promoted nobody in the place of a
// node that registered just now.
func (e *executor) endManual() {
	now := bootTime()
	e.lease.ack(now)
	e.n.acked.Store(int64(e.lease.acked))
	e.grace = now.add(leaseGrace)
	if err := forgetManual(e.n.paths); err != nil {
		e.n.log.Warn("what was set by hand is left behind", "error", err)
	}
	e.n.log.Info("the monitor is enabled again")
}

// forgetManual removes what was set by hand: it must not be found by the next time, when
// it is of the past.
func forgetManual(paths Paths) error {
	return errors.Join(removeFile(paths.Nodes), removeFile(paths.Goal))
}

// lookAround does what a monitor's answers do otherwise: it finds new nodes and goals.
func (e *executor) lookAround() {
	e.takeGoal()
	info, err := os.Stat(e.n.paths.Nodes)
	if err != nil || info.ModTime().Equal(e.nodesRead) {
		return
	}
	e.nodesRead = info.ModTime()
	peers, err := e.n.manualPeers()
	if err != nil {
		e.n.log.Error("the nodes of the group stay as they were", "error", err)
		return
	}
	e.setPeers(peers)
}

// takeGoal takes the goal that an operator left. The file goes once the goal is in the
// state file: a keeper that is killed in between takes it again.
func (e *executor) takeGoal() {
	content, err := os.ReadFile(e.n.paths.Goal)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	goal := monitor.State(strings.TrimSpace(string(content)))
	switch {
	case err != nil:
		e.n.log.Error("the operator's goal cannot be read", "error", err)
		return
	case !goal.Valid():
		e.n.log.Error("the operator's goal is no state and is ignored", "goal", string(goal))
	default:
		e.assign(goal, false)
		e.save()
		if e.unsaved {
			return
		}
	}
	if err := removeFile(e.n.paths.Goal); err != nil {
		e.n.log.Error("the operator's goal is taken, and its file cannot be removed", "error", err)
	}
}

// manualNode refuses a node that a monitor steers.
func manualNode(pgdata string) (Paths, *Config, error) {
	paths, cfg, err := nodeFiles(pgdata)
	if err != nil {
		return paths, cfg, err
	}
	if cfg.IsMonitor() {
		return paths, cfg, exitf(ExitBadConfig, "%s is a monitor, not a node", paths.PGDATA)
	}
	if !cfg.MonitorDisabled() {
		return paths, cfg, exitf(ExitBadConfig, "the monitor decides for this node; use pgaf perform, or disable it first: pgaf disable monitor --force --pgdata %s", paths.PGDATA)
	}
	return paths, cfg, nil
}

// AssignGoal tells a node whose monitor is disabled what to become, and waits until it
// has: for half a minute at most.
func AssignGoal(ctx context.Context, pgdata string, goal monitor.State) error {
	paths, cfg, err := manualNode(pgdata)
	if err != nil {
		return err
	}
	state, err := ReadState(paths.State)
	if err != nil {
		return err
	}
	if state.Current == goal && state.Assigned == goal {
		return nil
	}
	if state.Current != goal {
		if _, err := findTransition(state.Current, goal, cfg.NodeKind); err != nil {
			return exitf(ExitBadState, "a node in state %s cannot become %s; see where it can go with: pgaf inspect fsm list --pgdata %s", state.Current, goal, paths.PGDATA)
		}
	}
	if err := writeFileAtomically(paths.Goal, []byte(string(goal)+"\n"), 0o600); err != nil {
		return exitf(ExitBadState, "write the goal: %w", err)
	}
	if err := Signal(pgdata, reloadSignal); errors.Is(err, os.ErrNotExist) {
		return exitf(ExitBadState, "pgaf does not run for %s; the node takes its goal when it is started: pgaf run --pgdata %s", pgdata, paths.PGDATA)
	} else if err != nil {
		return err
	}
	return awaitState(ctx, paths, goal)
}

const assignPatience = 30 * time.Second

func awaitState(ctx context.Context, paths Paths, goal monitor.State) error {
	ctx, cancel := context.WithTimeout(ctx, assignPatience)
	defer cancel()
	for {
		state, err := ReadState(paths.State)
		if err != nil {
			return err
		}
		if state.Current == goal && state.Assigned == goal {
			return nil
		}
		if errors.Is(ctx.Err(), context.Canceled) {
			return ctx.Err()
		}
		if ctx.Err() != nil {
			return exitf(ExitBadState, "the node is still %s after %s, and goes on to become %s; the log of its service says what it waits for", state.Current, assignPatience, goal)
		}
		sleep(ctx, lookInterval/20)
	}
}

// ManualNodes are the nodes that a node whose monitor is disabled knows.
func ManualNodes(pgdata string) ([]monitor.PeerNode, error) {
	paths, _, err := manualNode(pgdata)
	if err != nil {
		return nil, err
	}
	return readNodes(paths.Nodes)
}

// SetManualNodes replaces them by those of a file.
func SetManualNodes(pgdata, file string) ([]monitor.PeerNode, error) {
	paths, _, err := manualNode(pgdata)
	if err != nil {
		return nil, err
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, exitf(ExitBadArgs, "read the nodes: %w", err)
	}
	nodes, err := ParseNodes(content)
	if err != nil {
		return nil, exitf(ExitBadArgs, "%s: %w", file, err)
	}
	if err := saveNodes(paths.Nodes, nodes); err != nil {
		return nil, err
	}
	return nodes, Reload(pgdata)
}
