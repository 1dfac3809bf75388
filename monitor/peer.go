package monitor

import (
	"context"
	"fmt"

	"github.com/jackc/pglogrepl"
	"github.com/jackc/pgx/v5"
)

// PeerNode is a node as get_nodes() and its relatives answer: what a keeper
// needs to know of the others.
type PeerNode struct {
	ID        int64
	Name      string
	Host      string
	Port      int
	LSN       pglogrepl.LSN
	IsPrimary bool // by its reported state
}

func scanPeer(row pgx.CollectableRow) (PeerNode, error) {
	var p PeerNode
	var lsn string
	if err := row.Scan(&p.ID, &p.Name, &p.Host, &p.Port, &lsn, &p.IsPrimary); err != nil {
		return p, err
	}
	var err error
	p.LSN, err = pglogrepl.ParseLSN(lsn)
	return p, err
}

const peerColumns = `SELECT node_id, node_name, node_host, node_port, node_lsn::text, node_is_primary FROM `

// Nodes lists the nodes of a formation and group (nil = all), dropped ones included.
func (c *Client) Nodes(ctx context.Context, formation string, group *int) ([]PeerNode, error) {
	return rows(ctx, c, "list the nodes of "+scope(formation, group), scanPeer,
		peerColumns+`pgautofailover.get_nodes($1, $2)`, formation, group)
}

// OtherNodes lists the other nodes of the node's group, without dropped ones.
func (c *Client) OtherNodes(ctx context.Context, nodeID int64) ([]PeerNode, error) {
	return rows(ctx, c, fmt.Sprintf("list the other nodes of node %d", nodeID), scanPeer,
		peerColumns+`pgautofailover.get_other_nodes($1::bigint)`, nodeID)
}

// OtherNodesAssigned is OtherNodes reduced to those that were assigned state.
func (c *Client) OtherNodesAssigned(ctx context.Context, nodeID int64, state State) ([]PeerNode, error) {
	return rows(ctx, c, fmt.Sprintf("list the other nodes of node %d in %s", nodeID, state), scanPeer,
		peerColumns+`pgautofailover.get_other_nodes($1::bigint, $2::text::pgautofailover.replication_state)`,
		nodeID, string(state))
}

// Primary returns the primary of a group, or the node that was it last. Its
// LSN is not filled. An error tells that there is none.
func (c *Client) Primary(ctx context.Context, formation string, group int) (PeerNode, error) {
	p := PeerNode{IsPrimary: true}
	err := c.conn.QueryRow(ctx,
		`SELECT primary_node_id, primary_name, primary_host, primary_port FROM pgautofailover.get_primary($1, $2)`,
		formation, group).Scan(&p.ID, &p.Name, &p.Host, &p.Port)
	return p, wrap("find the primary of "+scope(formation, &group), err)
}

// Coordinator returns the address of the coordinator of a Citus formation;
// found is false while none is ready.
func (c *Client) Coordinator(ctx context.Context, formation string) (host string, port int, found bool, err error) {
	type address struct {
		host string
		port int
	}
	list, err := rows(ctx, c, fmt.Sprintf("find the coordinator of formation %q", formation),
		func(row pgx.CollectableRow) (a address, err error) { err = row.Scan(&a.host, &a.port); return a, err },
		`SELECT node_host, node_port FROM pgautofailover.get_coordinator($1)`, formation)
	if err != nil || len(list) == 0 {
		return "", 0, false, err
	}
	return list[0].host, list[0].port, true, nil
}

// MostAdvancedStandby returns the node to fetch missing WAL from during an
// election, other than caller (0 = any); found is false when there is none.
func (c *Client) MostAdvancedStandby(ctx context.Context, formation string, group int, caller int64) (p PeerNode, found bool, err error) {
	list, err := rows(ctx, c, "find the most advanced standby of "+scope(formation, &group), scanPeer,
		peerColumns+`pgautofailover.get_most_advanced_standby($1, $2, $3)`, formation, group, caller)
	if err != nil || len(list) == 0 {
		return PeerNode{}, false, err
	}
	return list[0], true, nil
}

// SynchronousStandbyNames is the value the group's primary should use.
func (c *Client) SynchronousStandbyNames(ctx context.Context, formation string, group int) (string, error) {
	return value[string](ctx, c, "read synchronous_standby_names of "+scope(formation, &group),
		`SELECT pgautofailover.synchronous_standby_names($1, $2)`, formation, group)
}

// PrimaryAndNames is SynchronousStandbyNames with the node that should use them: both as
// of one moment, as that node may have been replaced since it was told to be the primary.
func (c *Client) PrimaryAndNames(ctx context.Context, formation string, group int) (primary int64, names string, err error) {
	err = c.conn.QueryRow(ctx,
		`SELECT primary_node_id, pgautofailover.synchronous_standby_names($1, $2) FROM pgautofailover.get_primary($1, $2)`,
		formation, group).Scan(&primary, &names)
	return primary, names, wrap("read synchronous_standby_names of "+scope(formation, &group), err)
}
