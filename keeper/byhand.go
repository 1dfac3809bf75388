package keeper

import (
	"context"
	"log/slog"
	"sync"

	"pgaf/keeper/postgres"
	"pgaf/monitor"
)

// What an operator does by hand to the Postgres of one node. Whatever a running service
// would undo, or be confused by, needs the node's locks: it is refused while the service
// runs, and the service cannot be started meanwhile.

// HandOptions is what every such command was told.
type HandOptions struct {
	PGDATA  string
	Version string // of the program, for the pid file
	Logger  *slog.Logger
}

// hand is a node without its service.
type hand struct {
	*node
	lock  *pidLock // nil: its service may run beside
	notes sync.WaitGroup
}

// takeInHand locks the node. Nothing is started or stopped.
func takeInHand(o HandOptions) (*hand, error) {
	paths, cfg, err := handFiles(o.PGDATA)
	if err != nil {
		return nil, err
	}
	if err := paths.makeFolders(); err != nil {
		return nil, err
	}
	lock, err := lockNode(paths, pidFileOf(paths, o.Version))
	if err != nil {
		return nil, err
	}
	h, err := newHand(paths, cfg, lock, o.Logger)
	if err != nil {
		lock.release()
	}
	return h, err
}

// workBeside opens the node for what its service would do in the same way.
func workBeside(o HandOptions) (*hand, error) {
	paths, cfg, err := handFiles(o.PGDATA)
	if err != nil {
		return nil, err
	}
	return newHand(paths, cfg, nil, o.Logger)
}

func handFiles(pgdata string) (Paths, *Config, error) {
	if err := RefuseRoot(); err != nil {
		return Paths{}, nil, err
	}
	paths, cfg, err := nodeFiles(pgdata)
	if err != nil {
		return paths, nil, err
	}
	if cfg.IsMonitor() {
		return paths, nil, exitf(ExitBadConfig, "%s is a monitor, not a node", paths.PGDATA)
	}
	return paths, cfg, nil
}

func newHand(paths Paths, cfg *Config, lock *pidLock, log *slog.Logger) (*hand, error) {
	state, err := ReadState(paths.State)
	if err != nil {
		return nil, err
	}
	bin, err := findBin(postgres.FindFirstBin, cfg.PgCtl)
	if err != nil {
		return nil, err
	}
	n := newNode(paths, cfg, bin, logger(log))
	n.publish(view{State: state})
	h := &hand{node: n, lock: lock}
	if lock != nil {
		h.notes.Go(func() { h.takeNotes(state) })
	}
	return h, nil
}

// takeNotes writes down what an action has to have noted, in the place of the executor.
func (h *hand) takeNotes(state State) {
	for {
		select {
		case c := <-h.changes:
			c.f(&state)
			if err := state.Save(h.paths.State); err != nil {
				h.log.Error("the state cannot be written", "error", err)
			}
			h.publish(view{State: state})
			close(c.done)
		case <-h.life.Done():
			return
		}
	}
}

func (h *hand) close() {
	h.node.close()
	h.notes.Wait()
	if h.lock != nil {
		h.lock.release()
	}
}

// refuseRunning is the error of what needs Postgres stopped.
func (h *hand) refuseRunning() error {
	if running, found := h.server.Postmaster(); found {
		return exitf(ExitPostgres, "Postgres runs on %s (process %d); stop it first: pgaf manual service pgctl off --pgdata %s", h.paths.PGDATA, running.PID, h.paths.PGDATA)
	}
	return nil
}

// needRunning is the error of what needs Postgres to answer.
func (h *hand) needRunning() error {
	if status := h.server.Status(); status != postgres.Ready {
		return exitf(ExitPostgres, "Postgres is not ready on %s: %s; start it first", h.paths.PGDATA, status)
	}
	return nil
}

// refuseMonitored is the error of what only an operator may decide of whose node no
// monitor takes care: the monitor may have promoted another one.
func (h *hand) refuseMonitored(instead string) error {
	if h.cfg().MonitorDisabled() {
		return nil
	}
	return exitf(ExitBadState, "the monitor decides for %s, and may have made another node the primary; %s", h.paths.PGDATA, instead)
}

// peerAt is a node that an operator names by its address.
func peerAt(host string, port int) monitor.PeerNode {
	return monitor.PeerNode{Name: "the given node", Host: host, Port: port}
}

// origin asks the node at an address who it is; one of another cluster is refused.
func (h *hand) origin(ctx context.Context, host string, port int) (origin, error) {
	o, err := h.identify(ctx, peerAt(host, port))
	if err != nil {
		return o, &ExitError{Code: ExitSQL, Err: err}
	}
	return o, nil
}
