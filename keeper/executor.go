package keeper

import (
	"context"
	"os"
	"sync/atomic"
	"time"

	"pgaf/keeper/postgres"
	"pgaf/monitor"
)

// executor is the one goroutine that owns the node's state. It takes in what
// happened (inputs.go), decides what has to be done (decide.go), and has it done by
// at most one job at a time (job.go), in a goroutine of its own, so that reports go
// on meanwhile and a contradicting goal can end it.
type executor struct {
	n         *node
	witness   *witness
	state     State
	unsaved   bool   // state changed and is not yet on disk
	unwritten string // why the last attempt to write it failed, as logged

	// What is known of the monitor and the group.
	contacted bool   // the monitor has answered this process
	offline   string // why it does not answer, as last logged
	refused   string // which goal is out of reach, as last logged
	peers     []monitor.PeerNode
	answered  chan struct{} // of the answer that is being acted on
	nodesRead time.Time     // of the nodes file, while the monitor is disabled

	// What is known of the local Postgres.
	seen        observation
	looks       chan observation // made for the executor itself
	synchronous bool             // commits wait for a standby, as last seen
	restarts    restarts
	recovery    postgres.Recovery
	streaming   instant        // when this standby was last seen to stream from the primary
	peersAt     instant        // when the slots of the others are looked at again
	accessDue   bool           // and with them the access rules
	followDue   bool           // the primary is to be followed anew, in another way than before
	shared      sharedSettings // those of the group, as last seen
	restarting  instant        // since when Postgres is restarted for its settings; 0: it is not
	restartDue  bool           // Postgres runs with settings that only a restart changes
	introduced  atomic.Value   // introduced
	introducing atomic.Bool

	lease     *lease
	leaseFile *leaseFile

	leaseUnwritten bool    // it could not be written down, and that was said
	grace          instant // until then a lease that has run out may yet be renewed
	awake          instant // of the last round
	born           instant // when this process took over

	running *runningJob
	retry   retry
	timer   *time.Timer // of the next retry

	leaving   bool // the service ends: nothing is restarted any more
	handover  *handover
	successor successor
	replace   <-chan os.Signal // requests to be replaced

	reportOnly bool // asks and walks no transition

	// During a create, and a single step:
	goal    func(State) bool                                 // ends run once it holds
	reached func(State)                                      // called after each transition
	limit   func(failed job, first instant, err error) error // makes a failure final
}

const (
	// lookInterval is how often the executor looks at the clock and, while the
	// monitor does not make it look, at Postgres.
	lookInterval = time.Second

	// leaseGrace is how long a keeper that was not there, or not running, may try
	// to reach the monitor before it acts on a lease that has run out meanwhile.
	leaseGrace = 3 * time.Second
)

func newExecutor(n *node, w *witness, state State, file *leaseFile) *executor {
	now, cfg := bootTime(), n.cfg()
	n.received.Store(int32(state.ReceivedTimeline))
	e := &executor{
		n:         n,
		witness:   w,
		state:     state,
		lease:     newLease(cfg.Timeout.NetworkPartition, file.load(now)),
		leaseFile: file,
		grace:     now.add(leaseGrace),
		awake:     now,
		born:      now,
		streaming: now,
		accessDue: true,
		contacted: cfg.MonitorDisabled(),
		successor: successor{paths: n.paths},
		looks:     make(chan observation, 1),
		restarts:  restarts{maxFailures: cfg.Timeout.RestartFailureMaxRetries, patience: cfg.Timeout.RestartFailure},
		timer:     time.NewTimer(time.Hour),
	}
	if running, found := n.server.Postmaster(); found && running.Port != cfg.Port {
		e.restartDue = true
	}
	n.acked.Store(int64(e.lease.acked))
	e.publish()
	if cfg.MonitorDisabled() {
		e.lookAround()
	}
	return e
}

// run steers until ctx ends, the node is dropped, the goal of a create is reached,
// or a create has failed for good. It leaves no job running.
func (e *executor) run(ctx context.Context, reload <-chan *Config) error {
	events := e.n.server.Watch()
	tick := time.NewTicker(lookInterval)
	defer tick.Stop()
	defer e.taken()
	defer e.stopJob()
	polite := politeStop(ctx)
	for {
		// Before anything else, so that a process that was frozen finds out that
		// its lease has run out before it does another thing.
		e.checkLease()
		if err := e.handedOver(); err != nil {
			return err
		}
		e.replaceProgram()
		finished := e.finished() // before it begins what comes next
		if !finished {
			e.steer(ctx)
		}
		e.watchUpstream()
		e.taken()
		e.announce()
		if finished || e.finished() {
			return nil
		}
		var err error
		select {
		case <-ctx.Done():
			return ctx.Err()
		case a := <-e.n.link.answers:
			e.answered = a.taken
			err = e.onAnswer(a)
		case s := <-e.n.link.settings:
			e.onSettings(s)
		case event, open := <-events:
			if !open {
				events = nil
				continue
			}
			e.onEvent(event)
		case change := <-e.n.changes:
			change.f(&e.state)
			e.save()
			close(change.done)
		case o := <-e.looks:
			e.onLook(o)
		case result := <-e.jobDone():
			err = e.onDone(result)
		case cfg := <-reload:
			e.onReload(cfg)
		case <-polite:
			polite = nil
			err = e.stopPolitely()
		case refusal := <-e.handover.answered():
			err = e.onHandOver(refusal)
		case <-e.handover.expired():
			err = e.giveUpHandOver()
		case <-e.replace:
			e.onReplaceRequest(ctx)
		case checked := <-e.successor.checked:
			e.onChecked(checked)
		case <-e.timer.C:
		case <-tick.C:
			e.onTick(ctx)
		}
		if err != nil {
			return err
		}
	}
}

// finished says whether the goal of a create or of a step is reached.
func (e *executor) finished() bool {
	return e.running == nil && e.goal != nil && e.goal(e.state)
}

// leave makes reports truthful about a Postgres that is being stopped for good.
func (e *executor) leave() {
	e.leaving = true
	e.publish()
}

// publish lets the other goroutines know.
func (e *executor) publish() {
	e.n.publish(view{
		State:      e.state,
		Restarts:   e.restarts,
		Restoring:  e.state.Current.Writable() && !e.leaving,
		Restarting: e.restarting,
	})
}

// save writes the state file and publishes. A state that cannot be written down is
// an error worth shouting about, but no reason to leave the group's orders undone.
func (e *executor) save() {
	e.unsaved = false
	e.publish()
	err := e.state.Save(e.n.paths.State)
	switch {
	case err != nil:
		e.unsaved = true // tried again with every round
		if e.unwritten == "" {
			e.n.log.Error("the state of this node cannot be written down; it is tried again, and a keeper that is restarted meanwhile takes this node for what it was before", "error", err)
		}
		e.unwritten = err.Error()
	case e.unwritten != "":
		e.n.log.Info("the state of this node is written down again")
		e.unwritten = ""
	}
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
