package keeper

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"pgaf/keeper/postgres"
)

// How a node whose data may have gone astray becomes a standby again.

// orCopy copies the data anew where replication cannot begin because the upstream
// has removed the WAL that this node needs next.
func (n *node) orCopy(ctx context.Context, u postgres.Upstream, err error) error {
	if err == nil || !strings.Contains(err.Error(), "has already been removed") {
		return err
	}
	n.log.Warn("the primary has removed WAL that this node needs; copying it anew", "error", err)
	if err := n.copyFrom(ctx, u); err != nil {
		return err
	}
	return n.startStandby(ctx, u)
}

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
	astray := n.view().Astray
	if astray {
		n.log.Warn("this node was promoted and the monitor never knew; its WAL cannot be told apart from the primary's, so the primary is copied", "primary", o.String())
	}
	if astray || !postgres.HasCluster(n.paths.PGDATA) {
		if err := n.copyFrom(ctx, o.Upstream); err != nil {
			return err
		}
		return n.startStandby(ctx, o.Upstream)
	}
	if err := n.ensureStopped(ctx); err != nil {
		return err
	}
	straight, err := n.continuesInto(ctx, o)
	if err != nil {
		return err
	}
	if !straight {
		if err := n.rewindTo(ctx, o.Upstream); err != nil {
			return err
		}
	}
	return n.orCopy(ctx, o.Upstream, n.startStandby(ctx, o.Upstream))
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
	if !control.Clean() {
		return false, nil
	}
	here, err := n.place(ctx)
	if err != nil {
		return false, err
	}
	relation := here.relation(o)
	n.log.Info("compared histories", "relation", fmt.Sprint(relation), "state", string(control.State), "timeline", control.Timeline,
		"checkpoint", control.CheckpointLSN.String(), "primary_timeline", o.system.Timeline)
	return relation == postgres.RelationSame || relation == postgres.RelationAncestor, nil
}

// rewindTo makes the local data part of the primary's history. Where pg_rewind can
// never succeed the data is copied anew; where it only failed now it is tried again.
func (n *node) rewindTo(ctx context.Context, u postgres.Upstream) error {
	begun := time.Now()
	n.log.Info("rewinding", "to", u.String())
	err := n.bin.Rewind(ctx, postgres.RewindOptions{PGDATA: n.paths.PGDATA, Source: u, Standby: u, Logger: n.log})
	if err == nil {
		n.log.Info("rewound", "to", u.String(), "took", time.Since(begun).Round(time.Millisecond))
		n.rewinding.over()
		n.received.Store(0)
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
	return n.copyFrom(ctx, u)
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

// copyFrom replaces the data by a copy of u, set up as a standby of u. The old data
// is removed when the copy is complete.
func (n *node) copyFrom(ctx context.Context, u postgres.Upstream) error {
	has, err := postgres.HasSlot(ctx, u, u.Slot)
	if err != nil {
		return fmt.Errorf("look for our replication slot on %s: %w", u, err)
	}
	if !has {
		return fmt.Errorf("%w: %s has no replication slot %s yet; its keeper makes it", errWaiting, u, u.Slot)
	}
	if err := n.ensureStopped(ctx); err != nil {
		return err
	}
	return n.backup(ctx, u)
}

func (n *node) backup(ctx context.Context, u postgres.Upstream) error {
	id := n.view().NodeID
	begun := time.Now()
	n.log.Info("copying the data", "from", u.String())
	progress := &backupLog{n: n, last: begun}
	err := n.bin.BaseBackup(ctx, postgres.BaseBackupOptions{
		PGDATA:          n.paths.PGDATA,
		Dir:             n.backupFolder(id),
		Source:          u,
		ApplicationName: postgres.BackupName(id),
		MaxRate:         n.cfg().Replication.MaximumBackupRate,
		Standby:         u,
		Progress:        progress.log,
		Logger:          n.log,
	})
	if err != nil {
		return err
	}
	n.rewinding.over()
	n.received.Store(0)
	if n.view().Astray {
		if err := n.note(ctx, func(s *State) { s.Astray = false }); err != nil {
			return err
		}
	}
	if n.cfg().Replication.BackupDirectory == "" {
		os.Remove(filepath.Dir(n.backupFolder(id))) // only when it is empty
	}
	n.log.Info("copied the data", "from", u.String(), "took", time.Since(begun).Round(time.Millisecond))
	return nil
}

// backupFolder is next to PGDATA, so that it can be renamed over it.
func (n *node) backupFolder(id int64) string {
	if dir := n.cfg().Replication.BackupDirectory; dir != "" {
		return dir
	}
	return filepath.Join(filepath.Dir(n.paths.PGDATA), "backup", fmt.Sprintf("node_%d", id))
}

// backupLog says every few seconds how far a copy has come.
type backupLog struct {
	n    *node
	last time.Time
}

const backupLogInterval = 5 * time.Second

func (b *backupLog) log(p postgres.BackupProgress) {
	now := time.Now()
	if now.Sub(b.last) < backupLogInterval {
		return
	}
	b.last = now
	b.n.log.Info("copying the data", "percent", p.Percent, "done_mb", p.DoneBytes>>20, "total_mb", p.TotalBytes>>20)
}
