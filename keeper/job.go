package keeper

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"pgaf/keeper/killpoint"
	"pgaf/keeper/postgres"
	"pgaf/monitor"
)

// job is what the executor wants done: a transition, or with From = To whatever
// keeps the state true.
type job struct {
	Transition
	upkeep upkeep
}

// upkeep is what keeps a state true.
type upkeep int

const (
	noUpkeep upkeep = iota
	startPostgres
	stopPostgres
	restartPostgres
	writeSettings // of the group, into our file
	servePeers    // access rules and slots of the other nodes
	followAgain   // a standby that does not stream from the primary
	reenter       // the state may not hold: an action away from it was begun
)

type runningJob struct {
	job
	ctx    context.Context
	cancel context.CancelFunc
	done   chan error
}

// retry paces the attempts of one job.
type retry struct {
	job      job
	failures int
	first    instant
	at       instant
	said     string // reason of the failure as last logged
}

const (
	retryMin = 100 * time.Millisecond
	retryMax = 2 * time.Second
)

func (e *executor) start(ctx context.Context, want job) {
	ctx, cancel := context.WithCancel(ctx)
	r := &runningJob{job: want, ctx: ctx, cancel: cancel, done: make(chan error, 1)}
	e.running = r
	if want.upkeep == startPostgres || want.upkeep == restartPostgres {
		e.restarts.trying(bootTime())
	}
	if want.upkeep == restartPostgres {
		e.restarting = bootTime()
	}
	if want.From != want.To && !e.state.Dirty {
		e.state.Dirty, e.unsaved = true, true
	}
	e.publish()
	if e.unsaved {
		// On disk before the action begins: the keeper that follows a killed one
		// has to know.
		e.save()
	}
	peers, access := e.peers, e.accessDue
	switch want.upkeep {
	case servePeers:
		e.accessDue = false
	case followAgain:
		e.followDue = false
	}
	ctx = killpoint.Label(ctx, want.label())
	go func() { r.done <- e.n.perform(ctx, want, peers, access) }()
}

// perform runs a job. It is called in a goroutine of its own.
func (n *node) perform(ctx context.Context, want job, peers []monitor.PeerNode, access bool) error {
	switch want.upkeep {
	case startPostgres:
		return n.start(ctx)
	case stopPostgres:
		return n.stopNow(ctx)
	case restartPostgres:
		return n.restart(ctx)
	case writeSettings:
		return n.applySettings(ctx)
	case servePeers:
		if n.settingsDue.Swap(false) {
			if err := n.takeSettings(ctx); err != nil {
				n.settingsDue.Store(true)
				return err
			}
		}
		if access {
			if err := n.allowAll(ctx, peers); err != nil {
				return err
			}
		}
		return n.ensureSlots(ctx, peers, !want.From.Writable())
	case followAgain:
		return followPrimary(ctx, n, want.Transition)
	}
	killpoint.At(ctx, killpoint.Begin)
	err := actions[want.Action](ctx, n, want.Transition)
	if err == nil {
		killpoint.At(ctx, killpoint.Done)
	}
	return err
}

// label names a job for its kill points: a transition by its states and its action.
func (j job) label() string {
	if j.From == j.To {
		return "upkeep"
	}
	return fmt.Sprintf("%s-%s.%s", j.From, j.To, j.Action)
}

// stopJob ends the running job and waits for it.
func (e *executor) stopJob() {
	if e.running == nil {
		return
	}
	e.running.cancel()
	<-e.running.done
	e.running = nil
}

// onDone takes in the result of the running job. The error is final.
func (e *executor) onDone(err error) error {
	done, cancelled := e.running.job, e.running.ctx.Err() != nil
	e.running.cancel()
	e.running, e.restarting = nil, 0
	if err != nil {
		switch done.upkeep {
		case servePeers:
			e.accessDue = true
		case followAgain:
			e.followDue = true
		}
		if cancelled {
			return nil
		}
		e.settingsFailed(done, err)
		return e.fail(done, err)
	}
	e.retry = retry{}
	e.settingsDone(done)
	switch {
	case done.From != done.To:
		e.arrive(done)
	case done.upkeep == reenter:
		e.n.log.Info("state entered anew", "state", string(done.To), "doing", done.Comment)
		e.state.Dirty = false
		e.save()
	case done.upkeep == startPostgres:
		e.n.log.Info("Postgres runs", "state", string(e.state.Current))
	case done.upkeep == restartPostgres:
		e.restartDue = false
	case done.upkeep == followAgain:
		e.streaming = bootTime()
	case done.upkeep == servePeers:
		e.peersAt = bootTime().add(peersInterval)
	}
	if e.n.server.Status() == postgres.Ready {
		e.restarts.running()
	}
	e.publish()
	e.n.link.poke()
	return nil
}

// arrive makes the goal of a finished transition the current state: on disk first,
// then to the monitor.
func (e *executor) arrive(done job) {
	e.n.log.Info("transition complete", "from", string(done.From), "to", string(done.To), "doing", done.Comment)
	e.state.Current, e.state.Dirty = done.To, false
	e.state.Unconfirmed = done.To == monitor.StateWaitPrimary
	if e.n.cfg().MonitorDisabled() {
		// Whoever assigned the state is who would have to know.
		e.state.Unconfirmed = false
		e.state.Astray = e.state.Astray && !done.To.Writable()
	}
	if done.To.Writable() {
		e.n.received.Store(0)
		e.state.ReceivedTimeline = 0
		e.witness.absolve()
	}
	e.streaming = bootTime()
	e.peersAt = 0
	e.n.promised.Store(0)
	if done.To != monitor.StatePreparePromotion {
		e.n.timeline.Store(0) // it may be lower than one that was begun since
	}
	e.save()
	killpoint.At(killpoint.Label(context.Background(), done.label()), killpoint.Saved)
	if e.reached != nil {
		e.reached(e.state)
	}
	e.n.link.askSettings()
}

// fail notes a failed job and sets the time of its next attempt. A reason is
// logged once.
func (e *executor) fail(failed job, err error) error {
	now := bootTime()
	if e.retry.job != failed {
		e.retry = retry{job: failed, first: now}
	}
	e.retry.failures++
	pause := min(retryMin<<min(e.retry.failures-1, 10), retryMax)
	var start *postgres.StartError
	if errors.As(err, &start) {
		if start.Kind != postgres.StartWaiting {
			e.restarts.failed(now)
		}
		pause = e.restarts.delay()
		e.publish()
		e.n.link.poke()
	}
	e.retry.at = now.add(pause)
	if reason := reasonOf(err); e.retry.said != reason {
		e.retry.said = reason
		e.n.log.Log(context.Background(), failureLevel(err), "failed, and is tried again",
			"doing", failed.describe(), "error", err, "next", pause)
	}
	if e.limit != nil {
		return e.limit(failed, e.retry.first, err)
	}
	return nil
}

// failureLevel: waiting for another node is not an error of this one.
func failureLevel(err error) slog.Level {
	if errors.Is(err, errWaiting) {
		return slog.LevelInfo
	}
	return slog.LevelError
}

// errWaiting is wrapped by failures that only mean that another node is not ready yet.
var errWaiting = errors.New("waiting")

func (j job) describe() string {
	switch {
	case j.upkeep == startPostgres:
		return fmt.Sprintf("start Postgres (%s)", j.From)
	case j.upkeep == restartPostgres:
		return fmt.Sprintf("restart Postgres (%s)", j.From)
	case j.upkeep == writeSettings:
		return fmt.Sprintf("settings of the group (%s)", j.From)
	case j.upkeep == followAgain:
		return fmt.Sprintf("follow the primary (%s)", j.From)
	case j.upkeep == reenter:
		return fmt.Sprintf("enter %s anew", j.To)
	case j.upkeep == stopPostgres:
		return fmt.Sprintf("stop Postgres (%s)", j.From)
	case j.upkeep == servePeers:
		return "access rules and slots of the other nodes"
	}
	return fmt.Sprintf("%s ➜ %s", j.From, j.To)
}

// jobDone is nil, and so blocks for ever, while no job runs.
func (e *executor) jobDone() <-chan error {
	if e.running == nil {
		return nil
	}
	return e.running.done
}
