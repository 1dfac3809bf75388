package monitor

import (
	"context"
	"fmt"

	"github.com/jackc/pglogrepl"
)

// Report is one heartbeat: what a keeper's node is now.
type Report struct {
	Formation   string
	NodeID      int64
	GroupID     int
	State       State
	PgIsRunning bool
	TLI         int           // 0 keeps the last one
	LSN         pglogrepl.LSN // 0 keeps the last one
	SyncState   string        // best sync_state among the standbys: "", sync, async, quorum, potential
}

// Assignment is what the monitor wants the node to be.
type Assignment struct {
	NodeID            int64
	GroupID           int
	State             State
	CandidatePriority int
	ReplicationQuorum bool
}

// NodeActive reports a heartbeat and returns the node's assignment as it is
// after the monitor evaluated the group's rules.
func (c *Client) NodeActive(ctx context.Context, r Report) (Assignment, error) {
	var a Assignment
	err := c.conn.QueryRow(ctx, `
SELECT assigned_node_id, assigned_group_id, assigned_group_state::text,
       assigned_candidate_priority, assigned_replication_quorum
  FROM pgautofailover.node_active($1, $2::bigint, $3, $4::text::pgautofailover.replication_state,
                                  $5, $6, $7::text::pg_lsn, $8)`,
		r.Formation, r.NodeID, r.GroupID, string(r.State), r.PgIsRunning, r.TLI, r.LSN.String(), r.SyncState).
		Scan(&a.NodeID, &a.GroupID, &a.State, &a.CandidatePriority, &a.ReplicationQuorum)
	if err != nil {
		return Assignment{}, wrap(fmt.Sprintf("report state %s of node %d", r.State, r.NodeID), err)
	}
	return a, nil
}

// OpenSession tells the monitor that this very connection is the node's
// keeper, so that its end is noticed. Called right after connecting.
func (c *Client) OpenSession(ctx context.Context, nodeID int64) error {
	return c.exec(ctx, fmt.Sprintf("open the session of node %d", nodeID),
		`SELECT pgautofailover.open_session($1::bigint)`, nodeID)
}

// CloseSession lets any connection report for a node again, as keepers of
// pg_auto_failover 2.x do. Its own keeper must have ended.
func (c *Client) CloseSession(ctx context.Context, nodeID int64) error {
	return c.exec(ctx, fmt.Sprintf("close the session of node %d", nodeID),
		`SELECT pgautofailover.close_session($1::bigint)`, nodeID)
}

// ReportUpstream tells that a standby lost (false) or regained (true) its
// replication connection to the primary.
func (c *Client) ReportUpstream(ctx context.Context, nodeID int64, connected bool) error {
	return c.exec(ctx, fmt.Sprintf("report the upstream connection of node %d", nodeID),
		`SELECT pgautofailover.report_upstream($1::bigint, $2)`, nodeID, connected)
}
