package keeper

import (
	"context"
	"time"

	"pgaf/keeper/postgres"
	"pgaf/monitor"
)

// What the executor decides: which job the state and the goal ask for, and whether
// the lease has run out.

// checkLease is the one decision that a keeper takes itself.
func (e *executor) checkLease() {
	now := bootTime()
	if now.sub(e.awake) > leaseGrace && e.synchronous {
		// This process was frozen. Where commits wait for a standby nobody can
		// have been promoted without making them wait for ever: time to ask.
		e.grace = now.add(leaseGrace)
	}
	e.awake = now
	if e.n.cfg().MonitorDisabled() {
		return // nobody can have been promoted
	}
	switch e.state.Assigned {
	case monitor.StateDemoteTimeout, monitor.StateDemoted, monitor.StateDropped:
		return // stopping already, and not waiting for anything
	}
	writable := e.seen.answers && !e.seen.meta.InRecovery && e.n.server.Status() == postgres.Ready
	if now < e.grace || !needsLease(e.state, writable) {
		return
	}
	reason, expired := e.lease.expired(now, waitsForStandbys(e.state, e.synchronous))
	if !expired {
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

// keepsSlots says whether a node in a state keeps slots for the others: wherever its
// Postgres runs, since slots that do not move on would keep WAL for nothing. A node
// that is being promoted has no time for it.
func keepsSlots(s monitor.State) bool {
	return runsPostgres(s) && s != monitor.StatePreparePromotion && s != monitor.StateStopReplication
}

// wanted is the job that the present state and goal ask for. A goal that cannot be
// reached from here leaves the node in its state, which is kept true.
func (e *executor) wanted() job {
	current, assigned := e.state.Current, e.state.Assigned
	// A keeper that has not heard the monitor since it was started only stops
	// things: the group may have gone on without this node.
	if !e.contacted && !stopsPostgres(assigned) {
		return job{}
	}
	if current != assigned {
		t, err := findTransition(current, assigned, e.n.cfg().NodeKind)
		if err == nil {
			t.From = current // where the row says any
			return job{Transition: t}
		}
		e.complain(err)
	}
	if t, found := reentry(current); found && e.state.Dirty {
		return job{Transition: t, upkeep: reenter}
	}
	return job{Transition: Transition{From: current, To: current}, upkeep: e.wantedUpkeep()}
}

func (e *executor) wantedUpkeep() upkeep {
	status := e.n.server.Status()
	switch {
	case stopsPostgres(e.state.Current) && status.Running():
		return stopPostgres
	case runsPostgres(e.state.Current) && status != postgres.Ready:
		return startPostgres
	case runsPostgres(e.state.Current) && e.restartDue:
		return restartPostgres
	case keepsSlots(e.state.Current) && status == postgres.Ready && bootTime() >= e.peersAt && e.peers != nil:
		return servePeers
	case followsPrimary(e.state.Current) && status == postgres.Ready && (e.followDue || bootTime().sub(e.streaming) > streamPatience):
		return followAgain
	case status == postgres.Ready:
		return e.settingsUpkeep()
	}
	return noUpkeep
}

func followsPrimary(s monitor.State) bool {
	return s == monitor.StateSecondary || s == monitor.StateCatchingup
}

// steer starts the wanted job, or ends the running one where another is wanted.
func (e *executor) steer(ctx context.Context) {
	if e.reportOnly {
		return
	}
	for {
		want := e.wanted()
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

// complain logs once that the monitor asks for what this node cannot do.
func (e *executor) complain(err error) {
	if e.refused != err.Error() {
		e.refused = err.Error()
		e.n.log.Error("the goal is not followed", "error", err)
	}
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
