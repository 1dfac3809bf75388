package keeper

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"pgaf/keeper/postgres"
	"pgaf/monitor"
)

// One step of a node whose service does not run, for whoever wants to see what it does.

// StepKind says what a step does.
type StepKind string

const (
	StepBoth    StepKind = ""        // ask the monitor, then walk one transition
	StepReport  StepKind = "report"  // only ask
	StepAdvance StepKind = "advance" // only walk
)

// stepPatience bounds a step but for its transition, which takes the time it takes.
const stepPatience = 10 * time.Second

// StepOptions is what `pgaf manual fsm step` was told.
type StepOptions struct {
	PGDATA  string
	Kind    StepKind
	Version string // of the program, for the pid file
	Logger  *slog.Logger
}

// Step takes one step in the place of the node's service, which must not run, and
// leaves Postgres as the step leaves it. It returns the states before and after; those
// of a report are the current one and the assigned one.
func Step(ctx context.Context, o StepOptions) (from, to monitor.State, err error) {
	if err := RefuseRoot(); err != nil {
		return "", "", err
	}
	paths, cfg, err := nodeFiles(o.PGDATA)
	if err != nil {
		return "", "", err
	}
	if cfg.IsMonitor() || cfg.MonitorDisabled() {
		return "", "", exitf(ExitBadConfig, "%s has no monitor to ask; tell a node whose monitor is disabled what to become with: pgaf manual fsm assign STATE", paths.PGDATA)
	}
	if err := paths.makeFolders(); err != nil {
		return "", "", err
	}
	lock, err := lockNode(paths, pidFileOf(paths, o.Version))
	if err != nil {
		return "", "", err
	}
	defer lock.release()
	state, err := readNodeState(paths)
	if err != nil {
		return "", "", err
	}
	bin, err := findBin(postgres.FindBin, cfg.PgCtl)
	if err != nil {
		return "", "", err
	}
	n := newNode(paths, cfg, bin, logger(o.Logger))
	defer n.close()
	s, err := newService(n, state)
	if err != nil {
		return "", "", err
	}
	defer s.close()
	now, err := s.step(ctx, o.Kind)
	if err != nil {
		return "", "", err
	}
	if o.Kind == StepReport {
		return now.Current, now.Assigned, nil
	}
	return state.Current, now.Current, nil
}

// step runs the executor until the step is done.
func (s *service) step(ctx context.Context, kind StepKind) (State, error) {
	s.workers.Go(func() { s.n.link.run(s.lifetime) })
	e, walked := s.executor, false
	e.reportOnly = kind == StepReport
	e.contacted = kind == StepAdvance
	e.reached = func(State) { walked = true }
	e.limit = func(_ job, _ instant, err error) error { return &ExitError{Code: ExitBadState, Err: err} }
	e.goal = func(now State) bool {
		return e.contacted && (walked || kind == StepReport || now.Current == now.Assigned)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	patience := time.AfterFunc(stepPatience, func() {
		if failure := s.n.link.disconnected(); failure != nil {
			cancel(failure)
		}
	})
	defer patience.Stop()
	err := e.run(ctx, nil)
	s.workers.Go(func() { s.n.link.discard(s.lifetime) })
	if cause := context.Cause(ctx); err != nil && cause != nil && !errors.Is(cause, context.Canceled) {
		err = exitf(ExitMonitor, "ask the monitor: %w", cause)
	}
	if errors.Is(err, errDropped) {
		err = exitf(ExitDropped, "this node was dropped")
	}
	return e.state, err
}
