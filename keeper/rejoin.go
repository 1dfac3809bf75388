package keeper

import (
	"context"
	"sync/atomic"
	"time"

	"pgaf/keeper/killpoint"
	"pgaf/keeper/postgres"
)

// How a node whose data may have gone astray becomes a standby again.

// rejoin makes a stopped node a standby of the primary, whatever its history.
func rejoin(ctx context.Context, n *node, _ Transition) error {
	o, err := n.primaryOrigin(ctx)
	if err != nil {
		return err
	}
	return n.rejoinTo(ctx, o)
}

// rejoinTo takes the cheapest way that works: no rewind where the local WAL ends
// within the primary's history (after a planned switchover it does), pg_rewind
// where it went astray, a new copy where that is impossible. The data is only
// touched when the primary answers, and only replaced by a complete copy.
func (n *node) rejoinTo(ctx context.Context, o origin) error {
	if n.mustCopy(o) {
		return n.copyAndFollow(ctx, o)
	}
	if err := n.ensureStopped(ctx); err != nil {
		return err
	}
	recovered, err := n.recoverStandby(ctx, o.Upstream)
	if err != nil {
		return err
	}
	if recovered { // and received meanwhile what the primary has written since it was asked
		if o, err = n.identifyUpstream(ctx, o.name, o.Upstream); err != nil {
			return err
		}
	}
	straight, err := n.continuesInto(ctx, o)
	if err != nil {
		return err
	}
	if !straight {
		if err := n.rewindTo(ctx, o); err != nil {
			return err
		}
	}
	return n.orCopy(ctx, o, n.startStandby(ctx, o.Upstream))
}

// returnTo is rejoinTo for a node that was seen, while it ran, to have WAL which is
// not part of the primary's history: pg_control of a stopped standby does not tell
// of WAL that was received and not replayed.
func (n *node) returnTo(ctx context.Context, o origin) error {
	if n.mustCopy(o) {
		return n.copyAndFollow(ctx, o)
	}
	if err := n.ensureStopped(ctx); err != nil {
		return err
	}
	if err := n.rewindTo(ctx, o); err != nil {
		return err
	}
	return n.orCopy(ctx, o, n.startStandby(ctx, o.Upstream))
}

// mustCopy says whether there is nothing that could be rewound.
func (n *node) mustCopy(o origin) bool {
	astray := n.view().Astray
	if astray {
		n.log.Warn("this node was promoted without a monitor, which nobody has confirmed since; its WAL cannot be told apart from the primary's, so the primary is copied", "primary", o.String())
	}
	return astray || !postgres.HasCluster(n.paths.PGDATA)
}

// continuesInto says whether the stopped cluster can follow the origin as it is.
func (n *node) continuesInto(ctx context.Context, o origin) (bool, error) {
	if postgres.RewindPending(n.paths.PGDATA) {
		return false, nil
	}
	control, err := n.bin.ControlData(ctx, n.paths.PGDATA)
	if err != nil {
		return false, err
	}
	if !control.Clean() && !postgres.FreshCopy(n.paths.PGDATA) {
		return false, nil
	}
	here, err := n.place(ctx)
	if err != nil {
		return false, err
	}
	relation := here.relation(o)
	n.log.Info("compared histories", "relation", relation.String(), "state", string(control.State), "timeline", control.Timeline,
		"checkpoint", control.CheckpointLSN.String(), "primary_timeline", o.system.Timeline)
	return relation.Follows(), nil
}

// rewindTo makes the local data part of the primary's history. Where pg_rewind can
// never succeed the data is copied anew; where it only failed now it is tried again.
func (n *node) rewindTo(ctx context.Context, o origin) error {
	begun := time.Now()
	n.log.Info("rewinding", "to", o.String())
	report := n.progress("rewinding")
	killpoint.At(ctx, "rewindTo-Rewind")
	rewound, err := n.bin.Rewind(ctx, postgres.RewindOptions{PGDATA: n.paths.PGDATA, Source: o.Upstream, Standby: o.Upstream, Progress: report.add, Logger: n.log})
	report.end()
	if err == nil {
		n.rewinding.over()
		n.received.Store(0)
		if !rewound {
			return n.unlessAhead(ctx, o)
		}
		n.log.Info("rewound", "to", o.String(), "took", time.Since(begun).Round(time.Millisecond))
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	switch postgres.FailureOf(err) {
	case postgres.FailureImpossible:
	case postgres.FailureUnknown:
		if !n.rewinding.hopeless(bootTime()) {
			return err
		}
	default:
		return err
	}
	n.log.Warn("this node cannot be rewound; copying the primary instead", "error", err)
	return n.copyFrom(ctx, o)
}

// unlessAhead follows a pg_rewind that found nothing to do: it compares timelines by
// their number. A node that is ahead of its primary on the same timeline, because
// the primary lost WAL, or on another timeline of the same number, could be rewound
// for ever. It is copied, and what it has is kept.
func (n *node) unlessAhead(ctx context.Context, o origin) error {
	here, err := n.place(ctx)
	if err != nil {
		return err
	}
	now, err := n.identifyUpstream(ctx, o.name, o.Upstream)
	if err != nil {
		return err
	}
	if here.relation(now) != postgres.RelationDiverged {
		return nil
	}
	kept := postgres.KeptPath(n.paths.PGDATA, time.Now())
	n.log.Warn("this node has WAL that its primary lacks, on a timeline of the same number, where pg_rewind does not look for it; the primary is copied, and the data of this node kept",
		"here", here.Position.String(), "primary", o.String(), "primary_at", now.system.Position().String(), "kept", kept)
	return n.copyKeeping(ctx, now, kept)
}

// rewindPatience is how long pg_rewind may fail for an unknown reason, while the
// primary answers, before the data is copied anew: a copy can take hours, and most
// reasons that nobody knows go away by themselves.
const rewindPatience = 10 * time.Second

// trouble remembers since when something fails.
type trouble struct{ since atomic.Int64 }

// hopeless notes a failure and says whether there has been nothing else for long.
func (t *trouble) hopeless(now instant) bool {
	if t.since.CompareAndSwap(0, int64(now)) {
		return false
	}
	return now.sub(instant(t.since.Load())) >= rewindPatience
}

func (t *trouble) over() { t.since.Store(0) }
