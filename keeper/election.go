package keeper

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"pgaf/keeper/killpoint"
	"pgaf/keeper/postgres"
	"pgaf/monitor"
)

// What nodes do in an election.

// reportLSN stops receiving, for good: the position that is reported next is final,
// and the old primary gets no more acknowledgements from this node.
func reportLSN(ctx context.Context, n *node, _ Transition) error {
	if n.server.Status() != postgres.Ready || !postgres.IsStandby(n.paths.PGDATA) {
		return n.startDisconnectable(ctx, postgres.Upstream{})
	}
	killpoint.At(ctx, "reportLSN-StopReceiver")
	position, err := n.server.StopReceiver(ctx)
	if err != nil {
		return fmt.Errorf("stop receiving: %w", err)
	}
	n.noteTimeline(position.Timeline)
	n.noteTimeline(receivedTimeline(n.paths.PGDATA, position.LSN, n.walSegmentSize(ctx)))
	n.log.Info("stopped receiving", "timeline", n.received.Load(), "lsn", position.LSN.String())
	return nil
}

func (n *node) walSegmentSize(ctx context.Context) int64 {
	control, err := n.bin.ControlData(ctx, n.paths.PGDATA)
	if err != nil || control.WALSegmentSize <= 0 {
		return 16 << 20
	}
	return control.WALSegmentSize
}

// receivedTimeline is the highest timeline that has a WAL file with the last byte
// before lsn: WAL of a new timeline may have been received and not yet replayed.
func receivedTimeline(pgdata string, lsn postgres.LSN, segmentSize int64) int {
	if lsn == 0 {
		return 0
	}
	entries, err := os.ReadDir(filepath.Join(pgdata, "pg_wal"))
	if err != nil {
		return 0
	}
	segment := uint64(lsn-1) / uint64(segmentSize)
	perLog := uint64(1<<32) / uint64(segmentSize)
	suffix := fmt.Sprintf("%08X%08X", segment/perLog, segment%perLog)
	highest := 0
	for _, entry := range entries {
		name, found := strings.CutSuffix(entry.Name(), suffix)
		if timeline, err := strconv.ParseUint(name, 16, 31); found && err == nil && len(name) == 8 {
			highest = max(highest, int(timeline))
		}
	}
	return highest
}

// returnAsStandby makes a stopped old primary a standby of nobody, so that it can
// take part in the election. The slots of its standbys hold the WAL of the past.
func returnAsStandby(ctx context.Context, n *node, t Transition) error {
	if err := reportLSN(ctx, n, t); err != nil {
		return err
	}
	killpoint.At(ctx, "returnAsStandby-DropInactiveSlots")
	if _, err := n.server.DropInactiveSlots(ctx); err != nil {
		return fmt.Errorf("drop the replication slots of a former primary: %w", err)
	}
	return nil
}

// waitForWinner makes a node that was not elected wait for the one that was. It
// goes on serving reads: to follow another primary takes a reload, not a restart.
func waitForWinner(ctx context.Context, n *node, _ Transition) error {
	return n.start(ctx)
}

// fastForward fetches the WAL that another standby has and this one lacks. Nothing
// to fetch is success.
func fastForward(ctx context.Context, n *node, _ Transition) error {
	peer, found, err := n.mostAdvanced(ctx)
	if err != nil {
		return err
	}
	if !found {
		n.log.Info("no other node has WAL that this one lacks")
		return nil
	}
	here, err := n.place(ctx)
	if err != nil {
		return err
	}
	o, err := n.identify(ctx, peer)
	if err != nil {
		return err
	}
	// What it promised counts also while a restarted Postgres has not replayed all of it.
	o.system.LSN = max(o.system.LSN, peer.LSN)
	switch here.relation(o) {
	case postgres.RelationDescendant:
		n.log.Info("this node's timeline goes on from where the other one ends: there is nothing to fetch", "from", peer.Name)
		return nil
	case postgres.RelationDiverged:
		return fmt.Errorf("%s has WAL that is not part of this node's history (here %s, there %s): it cannot be fetched, and without it this node is not promoted",
			peer.Name, here.Position, o.system.Position())
	}
	if err := n.startWithUpstream(ctx, o.Upstream); err != nil {
		return err
	}
	killpoint.At(ctx, "fastForward-WaitReplay")
	if err := n.server.WaitReplay(ctx, peer.LSN); err != nil {
		return fmt.Errorf("fetch WAL up to %s from %s: %w", peer.LSN, o.Upstream, err)
	}
	killpoint.At(ctx, "fastForward-StopReceiver")
	if _, err := n.server.StopReceiver(ctx); err != nil {
		return fmt.Errorf("stop receiving: %w", err)
	}
	n.log.Info("has the WAL that it lacked", "from", peer.Name, "lsn", peer.LSN.String())
	return nil
}

// startWithUpstream follows u with what runs, or starts it.
func (n *node) startWithUpstream(ctx context.Context, u postgres.Upstream) error {
	if n.server.Status() != postgres.Ready || !postgres.IsStandby(n.paths.PGDATA) {
		return n.startDisconnectable(ctx, u)
	}
	return n.repoint(ctx, u)
}

// mostAdvanced is the standby with most WAL, other than this node.
func (n *node) mostAdvanced(ctx context.Context) (peer monitor.PeerNode, found bool, err error) {
	if n.cfg().MonitorDisabled() {
		return n.manualMostAdvanced()
	}
	v := n.view()
	err = n.link.do(ctx, func(ctx context.Context, c *monitor.Client) (err error) {
		peer, found, err = c.MostAdvancedStandby(ctx, n.cfg().Formation, v.GroupID, v.NodeID)
		return err
	})
	if err != nil {
		return peer, false, fmt.Errorf("ask the monitor for the most advanced standby: %w", err)
	}
	return peer, found && peer.ID != v.NodeID, nil
}
