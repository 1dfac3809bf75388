package keeper

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"pgaf/keeper/killpoint"
	"pgaf/keeper/postgres"
	"pgaf/monitor"
)

// What a primary does about its standbys.

// startWritable makes sure that Postgres runs and accepts writes. A folder that is
// set up as a standby is promoted: the monitor has nobody else to serve.
func (n *node) startWritable(ctx context.Context) error {
	if postgres.RewindPending(n.paths.PGDATA) {
		return fmt.Errorf("the data of this node is half rewound to another primary's and cannot serve; it needs that primary, or a restore")
	}
	if err := n.start(ctx); err != nil {
		return err
	}
	return n.promoteNow(ctx)
}

// disableReplication serves without standbys: commits wait for nobody.
func disableReplication(ctx context.Context, n *node, t Transition) error {
	if err := n.startWritable(ctx); err != nil {
		return err
	}
	if err := n.waitForNobody(ctx); err != nil {
		return err
	}
	peers, err := n.peers(ctx)
	if err != nil {
		return err
	}
	return n.servePeers(ctx, peers)
}

func resumeAsPrimary(ctx context.Context, n *node, t Transition) error {
	return disableReplication(ctx, n, t)
}

// waitForNobody lets commits through that wait for a standby, and all later ones.
func (n *node) waitForNobody(ctx context.Context) error {
	killpoint.At(ctx, "waitForNobody-SetSyncStandbyNames")
	if err := n.server.SetSyncStandbyNames(ctx, ""); err != nil {
		return fmt.Errorf("stop waiting for standbys: %w", err)
	}
	killpoint.At(ctx, "waitForNobody-CancelSyncWaiters")
	released, err := n.server.CancelSyncWaiters(ctx)
	if err != nil {
		return fmt.Errorf("release the commits that wait for a standby: %w", err)
	}
	if released > 0 {
		n.log.Info("released commits that waited for a standby", "count", released)
	}
	return nil
}

// prepareReplication lets a new standby in before the monitor sends it here.
func prepareReplication(ctx context.Context, n *node, _ Transition) error {
	if err := n.start(ctx); err != nil {
		return err
	}
	peers, err := n.peers(ctx)
	if err != nil {
		return err
	}
	return n.servePeers(ctx, peers)
}

// disableSyncRep serves without waiting for standbys.
func disableSyncRep(ctx context.Context, n *node, _ Transition) error {
	if err := n.start(ctx); err != nil {
		return err
	}
	return n.waitForNobody(ctx)
}

// enableSyncRep makes commits wait for standbys, and returns once as many of them as
// a commit waits for have all that was committed before: then each acknowledged
// commit is where an election looks for it, whenever it was made.
func enableSyncRep(ctx context.Context, n *node, _ Transition) error {
	if err := n.start(ctx); err != nil {
		return err
	}
	patient, cancel := context.WithTimeout(ctx, standbyPatience)
	defer cancel()
	for {
		// Read again and again: while a standby is lost, and every write waits for it, the operator may lower how many
		// are waited for, or the monitor may find others.
		names, err := n.syncNames(ctx)
		if err != nil {
			return err
		}
		killpoint.At(ctx, "enableSyncRep-SetSyncStandbyNames")
		if err := n.server.SetSyncStandbyNames(ctx, names); err != nil {
			return fmt.Errorf("set synchronous_standby_names to '%s': %w", names, err)
		}
		if names == "" {
			return nil
		}
		err = n.waitForStandbys(patient, syncNumber(names))
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil || patient.Err() != nil || !errors.Is(err, errWaiting) {
			return err
		}
	}
}

// syncNumber is the k of "ANY k (…)" and "FIRST k (…)": for how many standbys a
// commit waits.
func syncNumber(names string) int {
	fields := strings.Fields(strings.ReplaceAll(names, "(", " ("))
	if len(fields) > 1 && (strings.EqualFold(fields[0], "ANY") || strings.EqualFold(fields[0], "FIRST")) {
		fields = fields[1:]
	}
	if k, err := strconv.Atoi(fields[0]); err == nil {
		return max(k, 1)
	}
	return 1
}

// standbyPoll is how often pg_stat_replication is read while waiting for a
// standby: nothing announces a change of it.
const standbyPoll = 20 * time.Millisecond

const (
	namesAge        = time.Second     // how old the names may be that standbys are waited for by
	standbyPatience = 5 * time.Second // ends one wait, so that the reason is logged
)

func (n *node) waitForStandbys(ctx context.Context, number int) error {
	meta, err := n.server.Metadata(ctx)
	if err != nil {
		return err
	}
	deadline := time.Now().Add(namesAge)
	for {
		there, waiting, err := n.caughtUp(ctx, meta.LSN)
		if err == nil && there >= number {
			return nil
		}
		if ctx.Err() != nil || !time.Now().Before(deadline) {
			return fmt.Errorf("%w: %d of %d synchronous standbys have flushed %s%s", errWaiting, there, number, meta.LSN, waiting)
		}
		if err != nil {
			return err
		}
		sleep(ctx, standbyPoll)
	}
}

// caughtUp counts the standbys that commits wait for and that have flushed target, and
// says how far the others are.
func (n *node) caughtUp(ctx context.Context, target postgres.LSN) (there int, waiting string, err error) {
	standbys, err := n.server.StandbyNodes(ctx)
	if err != nil {
		return 0, "", err
	}
	for _, s := range standbys {
		switch {
		case s.SyncState != "sync" && s.SyncState != "quorum":
		case s.FlushLSN >= target:
			there++
		default:
			waiting += fmt.Sprintf(", %s only %s", s.ApplicationName, s.FlushLSN)
		}
	}
	return there, waiting, nil
}

// startAsPrimary resumes as the primary that this node was: nothing was promoted
// meanwhile. Postgres comes up with the synchronous_standby_names it had; where the
// monitor now wants others, commits wait for the new ones before the state is reached.
func startAsPrimary(ctx context.Context, n *node, t Transition) error {
	if err := n.startWritable(ctx); err != nil {
		return err
	}
	names, err := n.syncNames(ctx)
	if err != nil {
		return err
	}
	now, err := n.server.SyncStandbyNames(ctx)
	if err != nil {
		return err
	}
	if names == now {
		return nil
	}
	return enableSyncRep(ctx, n, t)
}

// servePeers gives the other nodes what they need to follow this primary: access
// rules and replication slots.
func (n *node) servePeers(ctx context.Context, peers []monitor.PeerNode) error {
	if err := n.allowAll(ctx, peers); err != nil {
		return err
	}
	return n.ensureSlots(ctx, peers, false)
}

// ensureSlots makes the slots of the other nodes, and drops those of nodes that are
// gone. A standby keeps them too, for the day it is the primary, and moves them on.
func (n *node) ensureSlots(ctx context.Context, peers []monitor.PeerNode, inRecovery bool) error {
	if len(peers) == 0 && n.cfg().MonitorDisabled() {
		return nil // nobody says that a node is gone
	}
	wanted := make([]postgres.SlotWanted, len(peers))
	for i, peer := range peers {
		wanted[i] = postgres.SlotWanted{Name: postgres.SlotName(peer.ID), LSN: peer.LSN}
	}
	killpoint.At(ctx, "ensureSlots-EnsureSlots")
	changes, err := n.server.EnsureSlots(ctx, wanted, inRecovery)
	for _, name := range changes.Lost {
		if inRecovery {
			continue // nobody streams from here
		}
		n.log.Warn("the WAL that a standby still needed is gone: it was away for more of it than max_slot_wal_keep_size; its slot is made anew, and the standby is copied anew when it comes back",
			"slot", name)
	}
	for _, name := range changes.Created {
		n.log.Info("created a replication slot", "slot", name)
	}
	for _, name := range changes.Dropped {
		n.log.Info("dropped a replication slot that nobody needs", "slot", name)
	}
	if err != nil {
		return fmt.Errorf("replication slots of the other nodes: %w", err)
	}
	return nil
}

// promoteNow ends recovery, if Postgres is in recovery.
func (n *node) promoteNow(ctx context.Context) error {
	meta, err := n.server.Metadata(ctx)
	if err != nil {
		return err
	}
	if !meta.InRecovery && !postgres.IsStandby(n.paths.PGDATA) {
		return nil
	}
	if meta.InRecovery {
		if age := bootTime().sub(instant(n.acked.Load())); age >= n.cfg().Timeout.NetworkPartition && !n.cfg().MonitorDisabled() {
			return fmt.Errorf("%w: the order to serve is %s old, and the monitor may have given up on this node", errWaiting, age.Round(time.Second))
		}
		// While still read-only, so that the first commit waits for nobody.
		killpoint.At(ctx, "promoteNow-SetSyncStandbyNames")
		if err := n.server.SetSyncStandbyNames(ctx, ""); err != nil {
			return fmt.Errorf("stop waiting for standbys: %w", err)
		}
		if err := n.takeTimeline(ctx, meta.Timeline); err != nil {
			return err
		}
		begun := time.Now()
		killpoint.At(ctx, "promoteNow-Promote")
		if err := n.server.Promote(ctx); err != nil {
			return fmt.Errorf("promote Postgres: %w", err)
		}
		n.log.Info("promoted", "timeline_before", meta.Timeline, "lsn", meta.LSN.String(), "took", time.Since(begun).Round(time.Millisecond))
	}
	killpoint.At(ctx, "promoteNow-RemoveStandby")
	if err := postgres.RemoveStandby(n.paths.PGDATA); err != nil {
		return fmt.Errorf("remove the standby set-up after the promotion: %w", err)
	}
	// The control file has the new timeline only after a checkpoint; a node that
	// is to be rewound to this one needs it there. Clients do not wait for it.
	n.background.Go(func() {
		killpoint.At(ctx, "promoteNow-Checkpoint")
		if err := n.server.Checkpoint(n.life); err != nil && n.life.Err() == nil && !errors.Is(err, postgres.ErrNotRunning) {
			n.log.Warn("no checkpoint after the promotion", "error", err)
		}
	})
	return nil
}

// issueTimeline gets the number of the timeline that this node begins if it is promoted.
func (n *node) issueTimeline(ctx context.Context) (timeline int, err error) {
	err = n.link.do(ctx, func(ctx context.Context, c *monitor.Client) (err error) {
		killpoint.At(ctx, "issueTimeline-IssueTimeline")
		timeline, err = c.IssueTimeline(ctx, n.view().NodeID)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("ask the monitor for the number of the timeline to begin: %w", err)
	}
	return timeline, nil
}

// takeTimeline makes the promotion begin a timeline whose number no other node has used.
// Without a monitor nobody knows of one: then this node's data may have to be copied anew.
func (n *node) takeTimeline(ctx context.Context, current int) (err error) {
	if n.cfg().MonitorDisabled() {
		killpoint.At(ctx, "takeTimeline-note")
		return n.note(ctx, func(s *State) { s.Astray = true })
	}
	next := int(n.timeline.Swap(0))
	if next <= current {
		if next, err = n.issueTimeline(ctx); err != nil {
			return err
		}
	}
	killpoint.At(ctx, "takeTimeline-ReserveTimelines")
	return postgres.ReserveTimelines(n.paths.PGDATA, current, next)
}

// releaseTimelines undoes takeTimeline where the promotion did not take place.
func (n *node) releaseTimelines(ctx context.Context) error {
	reserved, err := postgres.ReservedTimelines(n.paths.PGDATA)
	if err != nil || len(reserved) == 0 {
		return err
	}
	here, err := n.place(ctx)
	if err != nil {
		return err
	}
	killpoint.At(ctx, "releaseTimelines-ReleaseTimelines")
	return postgres.ReleaseTimelines(n.paths.PGDATA, reserved, here.Timeline)
}

// prepareForPromotion verifies that this node can be promoted at all, and gets the
// number of its timeline while nobody waits for the promotion yet.
func prepareForPromotion(ctx context.Context, n *node, _ Transition) error {
	if err := n.start(ctx); err != nil {
		return err
	}
	meta, err := n.server.Metadata(ctx)
	if err != nil {
		return err
	}
	if meta.LSN == 0 {
		return fmt.Errorf("this standby does not know its position in the WAL yet")
	}
	if n.cfg().MonitorDisabled() {
		return nil
	}
	timeline, err := n.issueTimeline(ctx)
	if err != nil {
		return err
	}
	n.timeline.Store(int64(timeline))
	return nil
}

// promote makes this standby the primary. Its standbys are not there yet, so
// commits wait for nobody.
func promote(ctx context.Context, n *node, t Transition) error {
	if err := n.start(ctx); err != nil {
		return err
	}
	if err := n.promoteNow(ctx); err != nil {
		return err
	}
	if err := n.endReadOnly(ctx); err != nil {
		return err
	}
	if t.To != monitor.StateSingle {
		return nil
	}
	return n.waitForNobody(ctx)
}

// promoteReadOnly promotes, but sessions are read-only by default until the monitor
// knows that the old primary has stopped.
func promoteReadOnly(ctx context.Context, n *node, t Transition) error {
	if err := n.start(ctx); err != nil {
		return err
	}
	killpoint.At(ctx, "promoteReadOnly-SetReadOnly")
	if err := n.server.SetReadOnly(ctx, true); err != nil {
		return fmt.Errorf("refuse writes: %w", err)
	}
	return n.promoteNow(ctx)
}

// acceptWrites ends what promoteReadOnly began.
func acceptWrites(ctx context.Context, n *node, _ Transition) error {
	if err := n.start(ctx); err != nil {
		return err
	}
	return n.endReadOnly(ctx)
}

// endReadOnly takes back what a promotion through stop_replication sets.
func (n *node) endReadOnly(ctx context.Context) error {
	value, err := n.server.Setting(ctx, "default_transaction_read_only")
	if err == nil && value != "on" {
		return nil
	}
	if err == nil {
		killpoint.At(ctx, "endReadOnly-SetReadOnly")
		err = n.server.SetReadOnly(ctx, false)
	}
	if err != nil {
		return fmt.Errorf("accept writes: %w", err)
	}
	return nil
}
