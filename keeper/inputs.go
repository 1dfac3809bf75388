package keeper

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"pgaf/keeper/postgres"
	"pgaf/monitor"
)

// What the executor takes in: answers of the monitor, looks at the local Postgres
// and its events, the clock, and a new configuration.

// onAnswer takes in what the monitor said. The error ends the keeper: the node was
// dropped.
func (e *executor) onAnswer(a answer) error {
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
	e.remember(a)
	e.n.acked.Store(int64(e.lease.acked))
	e.confirm(a)
	if e.state.Current.Writable() {
		e.saveLease(a.sent)
	}
	e.onLook(a.seen)
	e.introduce()
	if a.freshPeers {
		e.setPeers(a.peers)
	}
	// An answer to what we no longer are is of the past, as is one that was read
	// long after it was given: the next one is under way.
	if a.report.State != e.state.Current || bootTime().sub(a.sent) > callLimit {
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

// saveLease writes the lease down. That it cannot be is said once.
func (e *executor) saveLease(acked instant) {
	err := e.leaseFile.save(acked)
	if err != nil && !e.leaseUnwritten {
		e.n.log.Warn("the lease cannot be written down: a restarted keeper would start a new one", "error", err)
	}
	e.leaseUnwritten = err != nil
}

// remember keeps what a new monitor would have to be told, should this one be lost.
func (e *executor) remember(a answer) {
	priority, quorum := a.assignment.CandidatePriority, a.assignment.ReplicationQuorum
	s := &e.state
	if s.CandidatePriority != nil && *s.CandidatePriority == priority && s.ReplicationQuorum != nil && *s.ReplicationQuorum == quorum &&
		s.MonitorIdentity == a.monitor {
		return
	}
	s.CandidatePriority, s.ReplicationQuorum, s.MonitorIdentity = &priority, &quorum, a.monitor
	e.unsaved = true
}

// confirm notes that the monitor knows this node as what it has become.
func (e *executor) confirm(a answer) {
	if a.report.State != e.state.Current {
		return
	}
	if e.state.Unconfirmed {
		e.state.Unconfirmed, e.unsaved = false, true
	}
	if e.state.Astray && a.report.State.Writable() && a.assignment.State.Writable() {
		e.state.Astray, e.unsaved = false, true
	}
}

// errDropped ends a keeper whose node was dropped and has said goodbye.
var errDropped = errors.New("this node was dropped")

// onSilence notes that a report failed, once per reason.
func (e *executor) onSilence(err error) error {
	if errors.Is(err, errUnknownNode) {
		if e.state.Current == monitor.StateDropped {
			return errDropped
		}
		// `pgaf disable monitor` changes the file before it removes the node.
		if cfg, err := e.n.reread(); err == nil && cfg.Monitor != e.n.cfg().Monitor {
			e.onReload(cfg)
			return nil
		}
		return exitf(ExitFatal, "%w: it was dropped with --force, or the monitor was replaced. Its data is kept: register it again with pgaf create postgres, or remove it with: pgaf drop node --pgdata %s --destroy", err, e.n.paths.PGDATA)
	}
	if reason := reasonOf(err); reason != e.offline {
		e.offline = reason
		e.n.log.Warn("the monitor does not answer; this node stays "+string(e.state.Current), "error", err)
	}
	return nil
}

// reasonOf is the text of an error without the digits: log lines of a server that are
// quoted in it have times and process ids, and are the same reason all the same.
func reasonOf(err error) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return -1
		}
		return r
	}, err.Error())
}

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

func (e *executor) setPeers(peers []monitor.PeerNode) {
	if !slices.EqualFunc(peers, e.peers, sameNode) {
		e.peersAt, e.accessDue = 0, true
	}
	e.peers = peers
	names := make([]string, len(peers))
	for i, peer := range peers {
		names[i] = postgres.SlotName(peer.ID)
	}
	e.lease.setPeers(names)
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
		e.noticeStall(o)
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

// stallNotice is how long a standby may receive nothing before that is worth a word:
// after a restart of either side the walreceiver needs a moment.
const stallNotice = 2 * time.Second

// noticeStall tells the witness whether this standby receives.
func (e *executor) noticeStall(o observation) {
	following := followsPrimary(e.state.Current) && e.state.Assigned == e.state.Current
	switch {
	case !following || e.streams(o):
		e.witness.stall(false)
	case o.at.sub(e.streaming) >= stallNotice:
		e.witness.stall(true)
	}
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
		// pg_hba.conf may have come with the data of another node.
		e.peersAt, e.accessDue = 0, true
	}
	e.n.link.poke()
}

// onTick keeps the lease informed while the monitor does not make the link look.
func (e *executor) onTick(ctx context.Context) {
	due := lookInterval + lookInterval/2
	manual := e.n.cfg().MonitorDisabled()
	if e.offline != "" || manual {
		due = lookInterval / 2 // the link does not look
	}
	if manual {
		e.lookAround()
	}
	if bootTime().sub(e.seen.at) > due {
		e.n.background.Go(func() {
			select {
			case e.looks <- e.n.observe(ctx):
			default: // there is one already
			}
		})
	}
	if !e.restarts.trouble {
		return
	}
	if sample, starting := e.n.server.Recovery(); starting && sample != e.recovery {
		e.recovery = sample
		e.restarts.progress(bootTime())
		e.publish()
	}
}

// onReload takes a new configuration. What Postgres has to know is written and
// reloaded; what others have to know they are told.
func (e *executor) onReload(cfg *Config) {
	old := e.n.cfg()
	e.n.config.Store(cfg)
	e.n.server.Configure(e.n.serverConfig(cfg))
	e.lease.timeout = cfg.Timeout.NetworkPartition
	e.restarts.maxFailures, e.restarts.patience = cfg.Timeout.RestartFailureMaxRetries, cfg.Timeout.RestartFailure
	e.peersAt, e.accessDue = 0, true
	if cfg.SSL != old.SSL || cfg.Replication != old.Replication {
		e.followDue = true // with the new connection string
	}
	if cfg.SSL != old.SSL {
		e.n.settingsDue.Store(true)
	}
	if cfg.Replication.Password != old.Replication.Password && e.state.Current.Writable() {
		e.n.background.Go(func() { e.n.setReplicationPassword(e.n.life) })
	}
	if cfg.Monitor != old.Monitor || cfg.MonitorPassword != old.MonitorPassword {
		e.n.link.reset()
		e.accessDue = true // the new monitor checks the health of this node
	}
	switch {
	case cfg.MonitorDisabled() && !old.MonitorDisabled():
		e.goManual()
	case old.MonitorDisabled() && !cfg.MonitorDisabled():
		e.endManual()
	case cfg.MonitorDisabled():
		e.lookAround()
	}
	if cfg.Name != old.Name || cfg.Hostname != old.Hostname {
		e.n.publishMetadata(e.n.life)
	}
	e.n.log.Info("configuration reloaded")
	e.n.manager.reloaded()
}
