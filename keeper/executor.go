package keeper

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"pgaf/keeper/postgres"
	"pgaf/monitor"
)

// executor is the one goroutine that owns the node's state. It starts at most one
// job at a time, in a goroutine of its own, so that reports go on meanwhile and a
// contradicting goal can end it.
type executor struct {
	n         *node
	state     State
	lease     *lease
	leaseFile *leaseFile
	restarts  restarts
	peers     []monitor.PeerNode

	tried     bool // this process has tried to reach the monitor
	started   instant
	contacted bool // the monitor has answered this process
	seen      observation
	offline   string  // why the monitor does not answer, as last logged
	peersAt   instant // when slots and access rules are looked at again
	running   *runningJob
	retry     retry
	timer     *time.Timer // next retry
	recovery  postgres.Recovery
	streaming instant // when this standby was last seen to stream from the primary

	synchronous bool // synchronous_standby_names is not empty, as far as known

	witness  *witness
	answered chan struct{} // of the answer that is being acted on

	goal      func(State) bool                                 // ends run once it holds; nil: never
	reached   func(State)                                      // called after each transition
	limit     func(failed job, first instant, err error) error // makes a failure final during a create; nil: tried again for ever
	unsaved   bool                                             // the state changed and is not yet on disk
	unwritten string                                           // why the last save failed, as logged
	leaving   bool                                             // the service ends: nothing is restarted any more
}

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
	servePeers  // access rules and slots of the other nodes
	followAgain // a standby that does not stream from the primary
	reenter     // the state may not hold: an action away from it was begun
)

type runningJob struct {
	job
	cancel context.CancelFunc
	done   chan error
}

// retry paces the attempts of one job.
type retry struct {
	job      job
	failures int
	first    instant
	at       instant
	said     string // the error as last logged
}

const (
	retryMin = 100 * time.Millisecond
	retryMax = 2 * time.Second

	// lookInterval is how often the executor looks at the clock and, while the
	// monitor does not make it look, at Postgres.
	lookInterval = time.Second

	// peersCheck is how often a primary makes sure that the slots are there.
	peersCheck = 30 * time.Second
)

func newExecutor(n *node, state State, file *leaseFile) *executor {
	now := bootTime()
	acked := now
	if file != nil {
		acked = file.load(now)
	}
	cfg := n.cfg()
	e := &executor{
		n:         n,
		state:     state,
		lease:     newLease(cfg.Timeout.NetworkPartition, acked),
		leaseFile: file,
		restarts:  restarts{maxFailures: cfg.Timeout.RestartFailureMaxRetries, patience: cfg.Timeout.RestartFailure},
		timer:     time.NewTimer(time.Hour),
		streaming: now,
		started:   now,
		// Until a look at Postgres says otherwise: the side on which a cut off
		// primary is fenced sooner.
		synchronous: false,
	}
	e.publish()
	return e
}

// run steers until ctx ends, the node is dropped, the goal of a create is reached,
// or a create has failed for good. It leaves no job running.
func (e *executor) run(ctx context.Context, reload <-chan *Config) error {
	events := e.n.server.Watch()
	tick := time.NewTicker(lookInterval)
	defer tick.Stop()
	defer e.stopJob()
	defer e.taken()
	for {
		// Before anything else, so that a process that was frozen finds out that
		// its lease has run out before it does another thing.
		e.checkLease()
		e.steer(ctx)
		e.watchUpstream()
		e.taken()
		if e.running == nil && e.goal != nil && e.goal(e.state) {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case a := <-e.n.link.answers:
			e.answered = a.taken
			if err := e.onAnswer(a); err != nil {
				return err
			}
		case event, open := <-events:
			if !open {
				events = nil
			}
			e.onEvent(event)
		case err := <-e.jobDone():
			if err := e.onDone(err); err != nil {
				return err
			}
		case cfg := <-reload:
			e.onReload(cfg)
		case <-e.timer.C:
		case <-tick.C:
			e.onTick(ctx)
		}
	}
}

// jobDone is nil, and so blocks for ever, while no job runs.
func (e *executor) jobDone() <-chan error {
	if e.running == nil {
		return nil
	}
	return e.running.done
}

// ---- inputs

// onAnswer takes in what the monitor said. The error ends the keeper: the node was
// dropped.
func (e *executor) onAnswer(a answer) error {
	e.tried = true
	if a.err != nil {
		return e.onSilence(a.err)
	}
	if e.offline != "" {
		e.n.log.Info("the monitor answers again")
		e.offline = ""
	}
	e.contacted = true
	e.lease.ack(a.sent)
	e.state.LastMonitorContact = time.Now()
	if e.state.Promoted && a.report.State == e.state.Current {
		e.state.Promoted = false
		e.save()
	}
	if e.leaseFile != nil && e.state.Current.Writable() {
		if err := e.leaseFile.save(a.sent); err != nil {
			e.n.log.Warn("the lease cannot be written down: a restarted keeper would start a new one", "error", err)
		}
	}
	e.onLook(a.seen)
	if a.freshPeers {
		e.setPeers(a.peers)
	}
	// An answer to what we no longer are is of the past: the next one is under way.
	if a.report.State != e.state.Current {
		return nil
	}
	if a.report.State == monitor.StateDropped && a.assignment.State == monitor.StateDropped {
		return errDropped
	}
	// Having decided to stop, stop first, and tell.
	if e.state.SelfFenced && e.state.Current != monitor.StateDemoteTimeout {
		return nil
	}
	e.assign(a.assignment.State, false)
	return nil
}

// errDropped ends a keeper whose node was dropped and has said goodbye.
var errDropped = errors.New("this node was dropped")

// onSilence notes that a report failed, once per reason.
func (e *executor) onSilence(err error) error {
	if monitor.SQLState(err) == sqlUndefinedObject {
		if e.state.Current == monitor.StateDropped {
			return errDropped
		}
		return exitf(ExitFatal, "the monitor does not know this node (%w): it was dropped with --force, or the monitor was replaced. Its data is kept: register it again with pgaf create postgres, or remove it with: pgaf drop node --pgdata %s --destroy", err, e.n.paths.PGDATA)
	}
	if reason := err.Error(); reason != e.offline {
		e.offline = reason
		e.n.log.Warn("the monitor does not answer; this node stays "+string(e.state.Current), "error", err)
	}
	return nil
}

const sqlUndefinedObject = "42704"

// assign takes a goal: the monitor's, or our own when the lease has run out.
func (e *executor) assign(goal monitor.State, fenced bool) {
	if goal == e.state.Assigned && fenced == e.state.SelfFenced {
		return
	}
	if goal != e.state.Assigned {
		e.n.log.Info("new goal", "current", string(e.state.Current), "assigned", string(goal))
	}
	e.state.Assigned, e.state.SelfFenced = goal, fenced
	e.unsaved = true
	e.publish()
}

// taken lets the link go on: the next report must not tell of a state that the
// answer just taken in has made an end of.
func (e *executor) taken() {
	if e.unsaved {
		e.save()
	}
	if e.answered != nil {
		close(e.answered)
		e.answered = nil
	}
}

func (e *executor) setPeers(peers []monitor.PeerNode) {
	if !slices.EqualFunc(peers, e.peers, sameNode) {
		e.peersAt = 0 // due
	}
	e.peers = peers
	names := make([]string, len(peers))
	for i, peer := range peers {
		names[i] = postgres.SlotName(peer.ID)
	}
	e.lease.setPeers(names)
	e.publish()
}

func sameNode(a, b monitor.PeerNode) bool {
	return a.ID == b.ID && a.Host == b.Host && a.Port == b.Port
}

// onLook takes in an observation of the local Postgres.
func (e *executor) onLook(o observation) {
	if o.at <= e.seen.at {
		return
	}
	e.seen = o
	if o.answers {
		if !o.meta.InRecovery && o.err == nil {
			e.lease.look(o.at, o.rows)
			e.synchronous = o.syncNames != ""
			if len(o.rows) > 0 {
				e.state.LastSecondaryContact = time.Now()
			}
		}
		if e.streams(o) {
			e.streaming = o.at
		}
		e.learn(o.meta)
	}
	if o.status == postgres.Ready && e.running == nil {
		e.restarts.running()
	}
	e.publish()
}

// streams says whether the node is where it should be: a standby that receives from
// the primary, or no standby at all.
func (e *executor) streams(o observation) bool {
	primary, known := e.primaryPeer()
	if !o.meta.InRecovery || !known {
		return true
	}
	r := o.meta.Receiver
	return r.Streaming && r.Host == primary.Host && r.Port == primary.Port
}

func (e *executor) primaryPeer() (monitor.PeerNode, bool) {
	for _, peer := range e.peers {
		if peer.IsPrimary {
			return peer, true
		}
	}
	return monitor.PeerNode{}, false
}

// learn keeps what identifies the cluster. Another system identifier than before
// means that somebody put another cluster into PGDATA.
func (e *executor) learn(m postgres.Metadata) {
	if e.state.SystemIdentifier != 0 && m.SystemIdentifier != e.state.SystemIdentifier {
		e.n.log.Error("PGDATA holds another cluster than before", "system_identifier", m.SystemIdentifier, "before", e.state.SystemIdentifier)
	}
	e.state.SystemIdentifier = m.SystemIdentifier
	if received := int(e.n.received.Load()); received != e.state.ReceivedTimeline {
		e.state.ReceivedTimeline = received
		e.unsaved = true
	}
	e.state.ControlVersion, e.state.CatalogVersion, e.state.PgVersion = m.ControlVersion, m.CatalogVersion, m.Version
}

// onEvent reacts to a change of the local Postgres: whatever it means, steer finds
// it, and the monitor hears of it at once.
func (e *executor) onEvent(event postgres.Event) {
	if event.Kind == postgres.EventExit && !event.Exit.Requested && e.running == nil {
		e.n.log.Warn("Postgres ended", "state", string(e.state.Current), "pid", event.PID, "exit", exitText(event.Exit))
	}
	if event.Status == postgres.Ready {
		e.peersAt = 0
	}
	e.n.link.poke()
}

// onTick keeps the lease informed while the monitor does not make the link look.
func (e *executor) onTick(ctx context.Context) {
	if bootTime().sub(e.seen.at) > lookInterval+lookInterval/2 {
		e.n.background.Go(func() { e.n.observe(ctx) })
	}
	e.onLook(e.n.observer.latest())
	if sample, starting := e.n.server.Recovery(); starting && sample != e.recovery {
		e.recovery = sample
		e.restarts.progress(bootTime())
		e.publish()
	}
}

func (e *executor) onReload(cfg *Config) {
	e.n.config.Store(cfg)
	e.n.server.Configure(e.n.serverConfig(cfg))
	e.lease.timeout = cfg.Timeout.NetworkPartition
	e.restarts.maxFailures = cfg.Timeout.RestartFailureMaxRetries
	e.restarts.patience = cfg.Timeout.RestartFailure
	e.peersAt = 0
}

// ---- decisions

// checkLease is the one decision that a keeper takes itself.
func (e *executor) checkLease() {
	switch e.state.Assigned {
	case monitor.StateDemoteTimeout, monitor.StateDemoted, monitor.StateDropped:
		return // stopping already, and not waiting for anything
	}
	// Postgres has served without a keeper for as long as this one was not there;
	// before stopping it the monitor is asked.
	if !e.tried && bootTime().sub(e.started) < callLimit {
		return
	}
	reason, expired := e.lease.expired(bootTime(), e.synchronous)
	if !expired || !needsLease(e.state) {
		return
	}
	e.n.log.Error("this primary is cut off and stops serving; it asks the monitor as soon as it can be reached", "reason", reason, "assigned", string(monitor.StateDemoteTimeout))
	e.assign(monitor.StateDemoteTimeout, true)
}

// stopsPostgres says whether Postgres must be down in a state.
func stopsPostgres(s monitor.State) bool {
	switch s {
	case monitor.StateDraining, monitor.StateDemoteTimeout, monitor.StateDemoted, monitor.StateDropped:
		return true
	}
	return false
}

// runsPostgres says whether Postgres must be up in a state.
func runsPostgres(s monitor.State) bool {
	switch s {
	case monitor.StatePreparePromotion, monitor.StateStopReplication, monitor.StateCatchingup,
		monitor.StateSecondary, monitor.StateReportLSN, monitor.StateFastForward:
		return true
	}
	return s.Writable()
}

// keepsSlots says whether a node in a state keeps slots for the others.
func keepsSlots(s monitor.State) bool {
	return s.Writable() || s == monitor.StateSecondary || s == monitor.StateReportLSN
}

// wanted is the job that the present state and goal ask for.
func (e *executor) wanted() (job, error) {
	current, assigned := e.state.Current, e.state.Assigned
	// A keeper that has not heard the monitor since it was started only stops
	// things: the group may have gone on without this node.
	if !e.contacted && !stopsPostgres(assigned) {
		return job{}, nil
	}
	if current != assigned {
		t, err := findTransition(current, assigned, e.n.cfg().NodeKind)
		if err != nil {
			t = Transition{From: current, To: assigned}
		}
		return job{Transition: t}, err
	}
	if t, found := reentry(current); found && e.state.Dirty {
		return job{Transition: t, upkeep: reenter}, nil
	}
	return job{Transition: Transition{From: current, To: current}, upkeep: e.wantedUpkeep()}, nil
}

func (e *executor) wantedUpkeep() upkeep {
	status := e.n.server.Status()
	switch {
	case stopsPostgres(e.state.Current) && status.Running():
		return stopPostgres
	case runsPostgres(e.state.Current) && status != postgres.Ready:
		return startPostgres
	case keepsSlots(e.state.Current) && status == postgres.Ready && bootTime() >= e.peersAt && e.peers != nil:
		return servePeers
	case followsPrimary(e.state.Current) && status == postgres.Ready && bootTime().sub(e.streaming) > streamPatience:
		return followAgain
	}
	return noUpkeep
}

func followsPrimary(s monitor.State) bool {
	return s == monitor.StateSecondary || s == monitor.StateCatchingup
}

// steer starts the wanted job, or ends the running one where another is wanted.
func (e *executor) steer(ctx context.Context) {
	for {
		want, err := e.wanted()
		if err != nil {
			e.refuse(want, err)
			return
		}
		if e.running != nil {
			if contradicts(want, e.running.job) {
				e.running.cancel()
			}
			return
		}
		if want.From == want.To && want.upkeep == noUpkeep {
			return
		}
		if pause := e.pause(want); pause > 0 {
			e.timer.Reset(pause)
			return
		}
		if want.From != want.To && want.Action == "" {
			e.arrive(want)
			continue
		}
		e.start(ctx, want)
		return
	}
}

// refuse notes a goal that cannot be reached from here, and ends what runs for
// another one.
func (e *executor) refuse(want job, err error) {
	if e.running != nil {
		e.running.cancel()
		return
	}
	if e.pause(want) <= 0 {
		e.fail(want, err)
	}
}

// watchUpstream tells the witness whom to watch: the primary, while this standby
// follows it and is not just being taken elsewhere.
func (e *executor) watchUpstream() {
	primary, known := e.primaryPeer()
	if !known || !followsPrimary(e.state.Current) || !followsPrimary(e.state.Assigned) {
		e.witness.follow(postgres.Upstream{})
		return
	}
	e.witness.follow(e.n.upstream(primary))
}

// contradicts says whether a running job stands in the way of the wanted one. The
// upkeep of a state that is still wanted may end in its own time.
func contradicts(want, running job) bool {
	if want.From == want.To && running.From == running.To && want.From == running.From {
		return want.upkeep == stopPostgres && running.upkeep != stopPostgres
	}
	return want.To != running.To || want.From != running.From
}

// pause is how long the next attempt of a job has to wait.
func (e *executor) pause(want job) time.Duration {
	if e.retry.job != want {
		return 0
	}
	return e.retry.at.sub(bootTime())
}

func (e *executor) start(ctx context.Context, want job) {
	ctx, cancel := context.WithCancel(ctx)
	r := &runningJob{job: want, cancel: cancel, done: make(chan error, 1)}
	e.running = r
	if want.upkeep == startPostgres {
		e.restarts.trying(bootTime())
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
	peers := e.peers
	go func() {
		defer cancel()
		r.done <- e.n.perform(ctx, want, peers)
	}()
}

// perform runs a job. It is called in a goroutine of its own.
func (n *node) perform(ctx context.Context, want job, peers []monitor.PeerNode) error {
	switch want.upkeep {
	case startPostgres:
		return n.start(ctx)
	case stopPostgres:
		return n.stopNow(ctx)
	case servePeers:
		return n.servePeers(ctx, peers, !want.From.Writable())
	case followAgain:
		return followPrimary(ctx, n, want.Transition)
	}
	return actions[want.Action](ctx, n, want.Transition)
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
	done := e.running.job
	e.running = nil
	switch {
	case err == nil:
		e.retry = retry{}
		if done.upkeep == servePeers {
			e.peersAt = bootTime().add(peersCheck)
			if !done.From.Writable() {
				e.peersAt = bootTime().add(peersInterval)
			}
		}
		if done.upkeep == startPostgres {
			e.n.log.Info("Postgres runs", "state", string(e.state.Current))
		}
		switch {
		case done.From != done.To:
			e.arrive(done)
		case done.upkeep == reenter:
			e.n.log.Info("state entered anew", "state", string(done.To), "doing", done.Comment)
			e.state.Dirty = false
			e.save()
		case done.upkeep == followAgain:
			e.streaming = bootTime()
		}
		if e.n.server.Status() == postgres.Ready {
			e.restarts.running()
		}
		e.publish()
		e.n.link.poke()
		return nil
	case errors.Is(err, context.Canceled):
		return nil
	default:
		return e.fail(done, err)
	}
}

// arrive makes the goal of a finished transition the current state: on disk first,
// then to the monitor.
func (e *executor) arrive(done job) {
	e.n.log.Info("transition complete", "from", string(done.From), "to", string(done.To), "doing", done.Comment)
	e.state.Current, e.state.Dirty = done.To, false
	e.state.Promoted = done.To == monitor.StateWaitPrimary &&
		(done.From == monitor.StatePreparePromotion || done.From == monitor.StateStopReplication)
	if done.To.Writable() {
		e.n.received.Store(0)
		e.state.ReceivedTimeline = 0
		e.witness.absolve()
	}
	e.streaming = bootTime()
	e.peersAt = 0
	e.save()
	if e.reached != nil {
		e.reached(e.state)
	}
	e.n.link.poke()
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
	if e.retry.said != err.Error() {
		e.retry.said = err.Error()
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

// leave makes reports truthful about a Postgres that is being stopped for good.
func (e *executor) leave() {
	e.leaving = true
	e.publish()
}

// ---- publication

// publish lets the other goroutines know.
func (e *executor) publish() {
	e.n.publish(view{
		State:     e.state,
		Restarts:  e.restarts,
		Restoring: e.state.Current.Writable() && e.contacted && !e.leaving,
		Peers:     e.peers,
	})
}

// save writes the state file and publishes. A state that cannot be written down is
// an error worth shouting about, but no reason to leave the group's orders undone.
func (e *executor) save() {
	e.unsaved = false
	e.publish()
	err := e.state.Save(e.n.paths.State)
	if err != nil && e.unwritten == "" {
		e.n.log.Error("the state of this node cannot be written down", "error", err)
		e.unwritten = err.Error()
	}
	if err == nil {
		e.unwritten = ""
	}
}
