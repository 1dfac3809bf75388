package keeper

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pglogrepl"

	"pgaf/keeper/postgres"
)

// observation is one look at the local Postgres.
type observation struct {
	at      instant // before the look began
	status  postgres.Status
	answers bool // Metadata is valid
	meta    postgres.Metadata
	stopped postgres.ControlData
	err     error

	// On a primary:
	rows      []standbyRow // of pg_stat_replication
	syncNames string
}

// observeLimit bounds one look, so that a Postgres that hangs delays a report but
// does not prevent it.
const observeLimit = time.Second

// observe looks at the local Postgres: over SQL where it answers, at pg_control
// where it does not run.
func (n *node) observe(ctx context.Context) observation {
	n.looking.Lock()
	defer n.looking.Unlock()
	ctx, cancel := context.WithTimeout(ctx, observeLimit)
	defer cancel()

	o := observation{at: bootTime(), status: n.server.Status()}
	switch o.status {
	case postgres.Ready:
		o.meta, o.err = n.server.Metadata(ctx)
		o.answers = o.err == nil
		switch {
		case o.answers && o.meta.InRecovery:
			n.noteTimeline(o.meta.Timeline)
		case o.answers:
			o.rows, o.err = n.standbyRows(ctx)
			if o.err == nil {
				o.syncNames, o.err = n.server.SyncStandbyNames(ctx)
			}
		}
		if errors.Is(o.err, postgres.ErrNotRunning) {
			o.status = n.server.Status()
		}
	case postgres.NotRunning:
		if postgres.HasCluster(n.paths.PGDATA) {
			o.stopped, o.err = n.bin.ControlData(ctx, n.paths.PGDATA)
		}
	}
	return o
}

func (n *node) standbyRows(ctx context.Context) ([]standbyRow, error) {
	standbys, err := n.server.StandbyNodes(ctx)
	if err != nil {
		return nil, err
	}
	var rows []standbyRow
	for _, s := range standbys {
		if s.NodeID != 0 && (s.State == "streaming" || s.State == "catchup") {
			rows = append(rows, standbyRow{Name: s.ApplicationName, PID: s.PID, Flush: s.FlushLSN, Reply: s.ReplyTime})
		}
	}
	return rows, nil
}

// timeline and lsn are what a report says about the node's WAL; 0 when unknown.
func (o observation) timeline() int {
	if o.answers {
		return o.meta.Timeline
	}
	return max(o.stopped.Timeline, o.stopped.MinRecoveryEndTLI)
}

// lsn of a stopped Postgres is the start of its shutdown checkpoint, by which the
// monitor knows that a standby has received everything. Without a clean shutdown
// there is no such position.
func (o observation) lsn() pglogrepl.LSN {
	switch {
	case o.answers:
		return o.meta.LSN
	case o.stopped.Clean():
		return o.stopped.CheckpointLSN
	}
	return 0
}

// noteTimeline remembers of which timeline this standby received WAL: once the
// walreceiver has ended Postgres only knows what it has replayed.
func (n *node) noteTimeline(timeline int) {
	for {
		known := n.received.Load()
		if int32(timeline) <= known || n.received.CompareAndSwap(known, int32(timeline)) {
			return
		}
	}
}
