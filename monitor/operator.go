package monitor

import (
	"context"
	"fmt"
)

// FailoverOptions qualify an operator's request.
type FailoverOptions struct {
	AllowDataLoss bool   // let the election proceed without the proof that no acknowledged commit is lost
	Reason        string // stored on the events that the request causes
}

// asOperator runs f in a transaction with the options in force.
func (c *Client) asOperator(ctx context.Context, doing string, opts FailoverOptions, f func() error) error {
	if !opts.AllowDataLoss && opts.Reason == "" {
		return f()
	}
	return c.inTx(ctx, doing, func() error {
		if opts.AllowDataLoss {
			err := c.exec(ctx, doing, `SELECT set_config('pgautofailover.guard_data_loss', 'false', true)`)
			if err != nil {
				return err
			}
		}
		if opts.Reason != "" {
			err := c.exec(ctx, doing, `SELECT set_config('pgautofailover.reason', $1, true)`, opts.Reason)
			if err != nil {
				return err
			}
		}
		return f()
	})
}

// PerformFailover asks for a switchover of a group, or for an election when it
// has lost its primary.
func (c *Client) PerformFailover(ctx context.Context, formation string, group int, opts FailoverOptions) error {
	doing := "perform failover in " + scope(formation, &group)
	return c.asOperator(ctx, doing, opts, func() error {
		return c.exec(ctx, doing, `SELECT pgautofailover.perform_failover($1, $2)`, formation, group)
	})
}

// PerformPromotion asks for a switchover to the named node; false when it is
// the primary already.
func (c *Client) PerformPromotion(ctx context.Context, formation, name string, opts FailoverOptions) (bool, error) {
	doing := fmt.Sprintf("promote node %q of formation %q", name, formation)
	var started bool
	err := c.asOperator(ctx, doing, opts, func() (err error) {
		started, err = value[bool](ctx, c, doing, `SELECT pgautofailover.perform_promotion($1, $2)`, formation, name)
		return err
	})
	return started, err
}

// StartMaintenance takes a node out of service; a primary hands over first.
// False when the monitor does not know the node. Reason may be empty.
func (c *Client) StartMaintenance(ctx context.Context, nodeID int64, reason string) (bool, error) {
	return c.maintenance(ctx, fmt.Sprintf("start maintenance of node %d", nodeID),
		`SELECT pgautofailover.start_maintenance($1::bigint)`, nodeID, reason)
}

// StopMaintenance brings a node back.
func (c *Client) StopMaintenance(ctx context.Context, nodeID int64, reason string) (bool, error) {
	return c.maintenance(ctx, fmt.Sprintf("stop maintenance of node %d", nodeID),
		`SELECT pgautofailover.stop_maintenance($1::bigint)`, nodeID, reason)
}

func (c *Client) maintenance(ctx context.Context, doing, sql string, nodeID int64, reason string) (bool, error) {
	var done bool
	err := c.asOperator(ctx, doing, FailoverOptions{Reason: reason}, func() (err error) {
		done, err = value[bool](ctx, c, doing, sql, nodeID)
		return err
	})
	return done, err
}

// SetNodeCandidatePriority sets a node's priority, 0 (never primary) to 100.
func (c *Client) SetNodeCandidatePriority(ctx context.Context, formation, name string, priority int) (bool, error) {
	return value[bool](ctx, c, fmt.Sprintf("set the candidate priority of node %q to %d", name, priority),
		`SELECT pgautofailover.set_node_candidate_priority($1, $2, $3)`, formation, name, priority)
}

// SetNodeReplicationQuorum sets whether a node's acknowledgement counts for
// synchronous replication.
func (c *Client) SetNodeReplicationQuorum(ctx context.Context, formation, name string, quorum bool) (bool, error) {
	return value[bool](ctx, c, fmt.Sprintf("set the replication quorum of node %q to %t", name, quorum),
		`SELECT pgautofailover.set_node_replication_quorum($1, $2, $3)`, formation, name, quorum)
}
