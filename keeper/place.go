package keeper

import (
	"context"

	"pgaf/keeper/postgres"
)

// How the local data compares with that of the node to follow.

// place is how far the local data has come.
type place struct {
	postgres.Position
	exclusive bool             // LSN is the start of a record that is there, not the end
	history   postgres.History // nil when it is not known
	writable  bool             // a running primary: it follows nobody as it is
}

// place looks at the local data, running or not.
func (n *node) place(ctx context.Context) (place, error) {
	if n.server.Status() == postgres.Ready {
		meta, err := n.server.Metadata(ctx)
		if err != nil {
			return place{}, err
		}
		timeline := max(meta.Timeline, int(n.received.Load()))
		return place{Position: postgres.Position{Timeline: timeline, LSN: meta.LSN}, history: n.history(timeline), writable: !meta.InRecovery}, nil
	}
	control, err := n.bin.ControlData(ctx, n.paths.PGDATA)
	if err != nil {
		return place{}, err
	}
	position := positionOf(control)
	exclusive := position.LSN == control.CheckpointLSN && control.State != postgres.StateShutDownInRecovery
	return place{Position: position, history: n.history(position.Timeline), exclusive: exclusive}, nil
}

// history is how the local data came to a timeline; nil when its file is not there.
func (n *node) history(timeline int) postgres.History {
	history, _, err := postgres.LocalHistory(n.paths.PGDATA, timeline)
	if err != nil {
		n.log.Debug("the history of the timeline cannot be read", "timeline", timeline, "error", err)
	}
	return history
}

// positionOf is how far a stopped cluster certainly has come. One that was not shut
// down cleanly may have come further: only its timeline counts.
func positionOf(c postgres.ControlData) postgres.Position {
	p := postgres.Position{Timeline: c.Timeline, LSN: c.CheckpointLSN}
	if c.MinRecoveryEnd > p.LSN {
		p = postgres.Position{Timeline: c.MinRecoveryEndTLI, LSN: c.MinRecoveryEnd}
	}
	return p
}

// comparePrimary looks at the local data and then at the primary, in this order: a
// primary that is written to is ahead of what its standby had a moment before.
func (n *node) comparePrimary(ctx context.Context) (origin, postgres.Relation, error) {
	here, err := n.place(ctx)
	if err != nil {
		return origin{}, postgres.RelationUnknown, err
	}
	o, err := n.primaryOrigin(ctx)
	if err != nil {
		return o, postgres.RelationUnknown, err
	}
	return o, here.relation(o), nil
}

// relation compares the local data with what an upstream said about itself later. That
// replication goes on proves nothing: it begins with the segment, which an upstream
// that has lost WAL may still have.
func (p place) relation(o origin) postgres.Relation {
	if p.writable {
		return postgres.RelationDiverged
	}
	return postgres.Compare(p.Position, p.exclusive, p.history, o.system, o.history)
}
