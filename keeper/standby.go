package keeper

import (
	"context"
	"errors"
	"fmt"
	"time"

	"pgaf/keeper/killpoint"
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
	name    string
	system  postgres.System
	history postgres.History
}

// identify asks a node who it is. Nothing is done to the local data before it answers.
func (n *node) identify(ctx context.Context, peer monitor.PeerNode) (origin, error) {
	return n.identifyUpstream(ctx, peer.Name, n.upstream(peer))
}

func (n *node) identifyUpstream(ctx context.Context, name string, u postgres.Upstream) (origin, error) {
	ctx, cancel := context.WithTimeout(ctx, identifyPatience)
	defer cancel()
	o := origin{Upstream: u, name: name}
	var err error
	if o.system, o.history, err = postgres.Identify(ctx, u); err != nil {
		return o, fmt.Errorf("ask %s (%s) for its timeline: %w", name, u, err)
	}
	if own := n.view().SystemIdentifier; own != 0 && o.system.ID != own {
		return o, fmt.Errorf("%s (%s) is another cluster: its system identifier is %d, ours %d", name, u, o.system.ID, own)
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

// followPrimary follows the primary: by a reload where this standby's history is
// part of the primary's, else by rewinding.
func followPrimary(ctx context.Context, n *node, t Transition) error {
	if !postgres.HasCluster(n.paths.PGDATA) {
		return rejoin(ctx, n, t)
	}
	if err := n.startWhatIsThere(ctx); err != nil {
		return err
	}
	o, relation, err := n.comparePrimary(ctx)
	if err != nil {
		return err
	}
	switch {
	case n.view().Astray || relation == postgres.RelationUnknown:
		return n.rejoinTo(ctx, o)
	case !relation.Follows():
		n.log.Info("this node's history is not part of the primary's", "relation", relation.String(), "primary", o.String(), "timeline", o.system.Timeline)
		return n.returnTo(ctx, o)
	}
	if n.server.Status() != postgres.Ready || !postgres.IsStandby(n.paths.PGDATA) {
		err = n.startStandby(ctx, o.Upstream)
	} else {
		err = n.repoint(ctx, o.Upstream)
	}
	return n.orCopy(ctx, o, err)
}

// startWhatIsThere runs a standby that is down, whether or not its primary answers:
// where the primary is lost, what this node has counts in the election.
func (n *node) startWhatIsThere(ctx context.Context) error {
	if n.server.Status().Running() || !postgres.IsStandby(n.paths.PGDATA) || postgres.RewindPending(n.paths.PGDATA) {
		return nil
	}
	return n.start(ctx)
}

// repoint makes the running standby receive from u, without a restart.
func (n *node) repoint(ctx context.Context, u postgres.Upstream) error {
	if err := n.releaseTimelines(ctx); err != nil {
		return err
	}
	err := n.whileReplaying(ctx, func(ctx context.Context) error {
		killpoint.At(ctx, "repoint-Repoint")
		return n.server.Repoint(ctx, u)
	})
	if err != nil {
		return fmt.Errorf("follow %s: %w", u, err)
	}
	return nil
}

// ensureReceiving is repoint, where that is not so already.
func (n *node) ensureReceiving(ctx context.Context, u postgres.Upstream) error {
	meta, err := n.server.Metadata(ctx)
	if err != nil {
		return err
	}
	if r := meta.Receiver; r.Streaming && r.Host == u.Host && r.Port == u.Port {
		return nil
	}
	return n.repoint(ctx, u)
}

// startStandby starts the stopped folder as a standby of u, and returns when it streams.
func (n *node) startStandby(ctx context.Context, u postgres.Upstream) error {
	if err := n.startDisconnectable(ctx, u); err != nil {
		return err
	}
	if err := n.whileReplaying(ctx, n.server.WaitStreaming); err != nil {
		return fmt.Errorf("stream from %s: %w", u, err)
	}
	return nil
}

// whileReplaying waits for the replication to begin, for streamPatience without
// progress. Before a standby connects it replays the WAL that it has, or gets from
// an archive with restore_command, which can take hours; to end that and begin anew
// would take for ever.
func (n *node) whileReplaying(ctx context.Context, wait func(context.Context) error) error {
	for said := false; ; said = true {
		before := n.replayed(ctx)
		patient, cancel := context.WithTimeout(ctx, streamPatience)
		err := wait(patient)
		late := patient.Err() != nil && ctx.Err() == nil
		cancel()
		if err == nil || !late {
			return err
		}
		now := n.replayed(ctx)
		if now <= before {
			return err
		}
		if !said {
			n.log.Info("the standby does not stream yet, it replays WAL that it has or gets with restore_command", "replayed", now.String())
		}
	}
}

// replayed is how far a running standby has replayed; 0 when it does not answer.
func (n *node) replayed(ctx context.Context) postgres.LSN {
	ctx, cancel := context.WithTimeout(ctx, observeLimit)
	defer cancel()
	meta, err := n.server.Metadata(ctx)
	if err != nil {
		return 0
	}
	return meta.ReplayLSN
}

// startDisconnectable makes Postgres run as a standby of u; u without a host is nobody.
func (n *node) startDisconnectable(ctx context.Context, u postgres.Upstream) error {
	if err := n.ensureStopped(ctx); err != nil {
		return err
	}
	killpoint.At(ctx, "startDisconnectable-WriteStandby")
	if _, err := postgres.WriteStandby(n.paths.PGDATA, u); err != nil {
		return fmt.Errorf("write the standby set-up: %w", err)
	}
	if err := n.start(ctx); err != nil {
		return err
	}
	// The settings may have come with the data of a primary.
	killpoint.At(ctx, "startDisconnectable-SetSyncStandbyNames")
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

// initStandby makes a new node a standby of the primary. A copy that was complete
// when an earlier create was killed is not made again.
func initStandby(ctx context.Context, n *node, _ Transition) error {
	o, err := n.primaryOrigin(ctx)
	if err != nil {
		return err
	}
	killpoint.At(ctx, "initStandby-ensureCertificate")
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
	if !postgres.HasCluster(n.paths.PGDATA) {
		source := o.Upstream
		source.Slot = "" // a standby's slot for us is not there yet
		if err := n.backup(ctx, o, source, ""); err != nil {
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
	if n.cfg().MonitorDisabled() {
		return nil
	}
	err := n.link.do(ctx, func(ctx context.Context, c *monitor.Client) error {
		killpoint.At(ctx, "publishIdentity-SetNodeSystemIdentifier")
		return c.SetNodeSystemIdentifier(ctx, n.view().NodeID, systemIdentifier)
	})
	if err != nil {
		return fmt.Errorf("tell the monitor the system identifier: %w", err)
	}
	return nil
}

// prepareForSecondary makes sure that this standby is on the primary's timeline, and
// receives from it: one that is only where the primary was would not stay there.
func prepareForSecondary(ctx context.Context, n *node, _ Transition) error {
	if err := n.start(ctx); err != nil {
		return err
	}
	o, relation, err := n.comparePrimary(ctx)
	if err != nil {
		return err
	}
	if n.view().Astray {
		return n.rejoinTo(ctx, o)
	}
	switch relation {
	case postgres.RelationSame:
		return n.orCopy(ctx, o, n.ensureReceiving(ctx, o.Upstream))
	case postgres.RelationAncestor:
		return fmt.Errorf("%w: still on an earlier timeline than the primary, which is on %d", errWaiting, o.system.Timeline)
	case postgres.RelationDiverged, postgres.RelationDescendant:
		return n.returnTo(ctx, o)
	}
	return errors.New("the position of this standby cannot be compared with the primary's yet")
}
