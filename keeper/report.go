package keeper

import (
	"github.com/jackc/pglogrepl"

	"pgaf/monitor"
)

// What a report says.

// compose makes the report of an observation.
func (n *node) compose(o observation) monitor.Report {
	v := n.view()
	r := monitor.Report{
		Formation:   n.cfg().Formation,
		NodeID:      v.NodeID,
		GroupID:     v.GroupID,
		State:       v.Current,
		PgIsRunning: reportsRunning(v, o.status.Running()),
		TLI:         max(o.timeline(), int(n.received.Load())),
		LSN:         o.lsn(),
	}
	if v.Current == monitor.StateReportLSN {
		r.LSN = n.promise(v, r.LSN)
	}
	if o.answers {
		r.SyncState = o.meta.SyncState
	}
	return r
}

// promise is the position to report in state report_lsn. It is a promise to receive
// nothing more, which an action that has begun may already have broken: then there
// is none. What was promised is on disk: while a restarted Postgres has not replayed
// all of it, the position is still the same.
func (n *node) promise(v view, lsn pglogrepl.LSN) pglogrepl.LSN {
	if v.Dirty {
		n.promised.Store(0)
		return 0
	}
	lsn = max(lsn, pglogrepl.LSN(n.promised.Load()))
	n.promised.Store(uint64(lsn))
	return lsn
}

// reportsRunning is whether the monitor is told that Postgres runs. While a
// primary's Postgres is being restarted it is: one restart is no failover. So it is for a moment
// on a standby that is restarted for its settings: the primary need not learn to do without it.
func reportsRunning(v view, running bool) bool {
	if v.Restarting != 0 && bootTime().sub(v.Restarting) < restartGrace {
		return true
	}
	if running || !v.Current.Writable() {
		return running
	}
	return v.Restoring && !v.Restarts.givenUp(bootTime())
}
