package keeper

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"pgaf/keeper/postgres"
	"pgaf/monitor"
)

// What a standby does to follow a primary.

// streamPatience ends one wait for the replication to begin, so that the reason is
// logged and the primary looked up again.
const streamPatience = 10 * time.Second

// identifyPatience bounds the questions to a possible upstream.
const identifyPatience = 5 * time.Second

// origin is a node to follow, as it describes itself.
type origin struct {
	postgres.Upstream
	system  postgres.System
	history postgres.History
}

// identify asks a node who it is. Nothing is done to the local data before it answers.
func (n *node) identify(ctx context.Context, peer monitor.PeerNode) (origin, error) {
	ctx, cancel := context.WithTimeout(ctx, identifyPatience)
	defer cancel()
	o := origin{Upstream: n.upstream(peer)}
	var err error
	if o.system, o.history, err = postgres.Identify(ctx, o.Upstream); err != nil {
		return o, fmt.Errorf("ask %s (%s) for its timeline: %w", peer.Name, o.Upstream, err)
	}
	if own := n.view().SystemIdentifier; own != 0 && o.system.ID != own {
		return o, fmt.Errorf("%s (%s) is another cluster: its system identifier is %d, ours %d", peer.Name, o.Upstream, o.system.ID, own)
	}
	return o, nil
}

// primaryOrigin is the primary of the group, as it describes itself.
func (n *node) primaryOrigin(ctx context.Context) (origin, error) {
	peer, err := n.primary(ctx)
	if err != nil {
		return origin{}, err
	}
	return n.identify(ctx, peer)
}

// place is how far the local data has come.
type place struct {
	postgres.Position
	exclusive bool // LSN is the start of a record that is there, not the end
	writable  bool // a running primary: it follows nobody as it is
	receiver  postgres.Receiver
}

// place looks at the local data, running or not.
func (n *node) place(ctx context.Context) (place, error) {
	if n.server.Status() == postgres.Ready {
		meta, err := n.server.Metadata(ctx)
		if err != nil {
			return place{}, err
		}
		timeline := max(meta.Timeline, int(n.received.Load()))
		return place{Position: postgres.Position{Timeline: timeline, LSN: meta.LSN}, writable: !meta.InRecovery, receiver: meta.Receiver}, nil
	}
	control, err := n.bin.ControlData(ctx, n.paths.PGDATA)
	if err != nil {
		return place{}, err
	}
	return place{Position: positionOf(control), exclusive: control.State == postgres.StateShutDown}, nil
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

// relation compares the local data with what an upstream said about itself later.
func (p place) relation(o origin) postgres.Relation {
	switch {
	case p.writable:
		return postgres.RelationDiverged
	case p.receiver.Streaming && p.receiver.Host == o.Host && p.receiver.Port == o.Port && p.Timeline == o.system.Timeline:
		return postgres.RelationSame // nothing proves it better
	}
	return postgres.Compare(p.Position, p.exclusive, o.system, o.history)
}

// followPrimary follows the primary: by a reload where this standby's history is
// part of the primary's, else by rewinding.
func followPrimary(ctx context.Context, n *node, _ Transition) error {
	if err := n.startWhatIsThere(ctx); err != nil {
		return err
	}
	o, relation, err := n.comparePrimary(ctx)
	if err != nil {
		return err
	}
	if relation != postgres.RelationSame && relation != postgres.RelationAncestor {
		n.log.Info("this node's history is not part of the primary's", "primary", o.String(), "timeline", o.system.Timeline)
		return n.rejoinTo(ctx, o)
	}
	if n.server.Status() != postgres.Ready || !postgres.IsStandby(n.paths.PGDATA) {
		err = n.startStandby(ctx, o.Upstream)
	} else {
		err = n.repoint(ctx, o.Upstream)
	}
	return n.orCopy(ctx, o.Upstream, err)
}

// startWhatIsThere runs a standby that is down, whether or not its primary answers:
// where the primary is lost, what this node has counts in the election.
func (n *node) startWhatIsThere(ctx context.Context) error {
	if n.server.Status().Running() || !postgres.IsStandby(n.paths.PGDATA) || postgres.RewindPending(n.paths.PGDATA) {
		return nil
	}
	return n.start(ctx)
}

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

// repoint makes the running standby receive from u, without a restart.
func (n *node) repoint(ctx context.Context, u postgres.Upstream) error {
	patient, cancel := context.WithTimeout(ctx, streamPatience)
	defer cancel()
	if err := n.server.Repoint(patient, u); err != nil {
		return fmt.Errorf("follow %s: %w", u, err)
	}
	return nil
}

// startStandby starts the stopped folder as a standby of u, and returns when it streams.
func (n *node) startStandby(ctx context.Context, u postgres.Upstream) error {
	if err := n.startDisconnectable(ctx, u); err != nil {
		return err
	}
	patient, cancel := context.WithTimeout(ctx, streamPatience)
	defer cancel()
	if err := n.server.WaitStreaming(patient); err != nil {
		return fmt.Errorf("stream from %s: %w", u, err)
	}
	return nil
}

// startDisconnectable makes Postgres run as a standby of u; u without a host is nobody.
func (n *node) startDisconnectable(ctx context.Context, u postgres.Upstream) error {
	if err := n.ensureStopped(ctx); err != nil {
		return err
	}
	if _, err := postgres.WriteStandby(n.paths.PGDATA, u); err != nil {
		return fmt.Errorf("write the standby set-up: %w", err)
	}
	if err := n.start(ctx); err != nil {
		return err
	}
	// The settings may have come with the data of a primary.
	if err := n.server.SetSyncStandbyNames(ctx, ""); err != nil {
		return fmt.Errorf("clear synchronous_standby_names on a standby: %w", err)
	}
	return nil
}

func (n *node) ensureStopped(ctx context.Context) error {
	if !n.server.Status().Running() {
		return nil
	}
	return n.stopNow(ctx)
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
	if !postgres.HasCluster(n.paths.PGDATA) {
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

// initStandby makes a new node a standby of the primary. A copy that was complete
// when an earlier create was killed is not made again.
func initStandby(ctx context.Context, n *node, _ Transition) error {
	o, err := n.primaryOrigin(ctx)
	if err != nil {
		return err
	}
	if err := n.ensureCertificate(); err != nil {
		return err
	}
	if err := n.rejoinTo(ctx, o); err != nil {
		return err
	}
	return n.publishIdentity(ctx, o.system.ID)
}

// initFromStandby makes a new node a copy of the most advanced standby of a group
// that has no primary.
func initFromStandby(ctx context.Context, n *node, _ Transition) error {
	peer, found, err := n.mostAdvanced(ctx)
	if err != nil {
		return err
	}
	if !found {
		return fmt.Errorf("%w: the group has no standby to copy", errWaiting)
	}
	o, err := n.identify(ctx, peer)
	if err != nil {
		return err
	}
	source := o.Upstream
	source.Slot = "" // a standby's slot for us is not there yet
	if !postgres.HasCluster(n.paths.PGDATA) {
		if err := n.backup(ctx, source); err != nil {
			return err
		}
	}
	if err := n.startDisconnectable(ctx, postgres.Upstream{}); err != nil {
		return err
	}
	return n.publishIdentity(ctx, o.system.ID)
}

// publishIdentity tells the monitor which cluster this node holds.
func (n *node) publishIdentity(ctx context.Context, systemIdentifier uint64) error {
	err := n.link.do(ctx, func(ctx context.Context, c *monitor.Client) error {
		return c.SetNodeSystemIdentifier(ctx, n.view().NodeID, systemIdentifier)
	})
	if err != nil {
		return fmt.Errorf("tell the monitor the system identifier: %w", err)
	}
	return nil
}

// prepareForSecondary makes sure that this standby is on the primary's timeline.
func prepareForSecondary(ctx context.Context, n *node, _ Transition) error {
	if err := n.start(ctx); err != nil {
		return err
	}
	o, relation, err := n.comparePrimary(ctx)
	if err != nil {
		return err
	}
	switch relation {
	case postgres.RelationSame:
		return nil
	case postgres.RelationAncestor:
		return fmt.Errorf("%w: still on an earlier timeline than the primary, which is on %d", errWaiting, o.system.Timeline)
	case postgres.RelationDiverged:
		return n.rejoinTo(ctx, o)
	}
	return errors.New("the position of this standby cannot be compared with the primary's yet")
}
