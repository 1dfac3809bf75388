package monitor

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// Explanation is a row of explain(): what one node is doing and waits for. The
// row with NodeID 0 is about the group: whether a failover is possible now.
type Explanation struct {
	NodeID     int64     `json:"node_id"`
	NodeName   string    `json:"node_name"`
	Reported   State     `json:"reported_state"`
	Assigned   State     `json:"assigned_state"`
	Rule       string    `json:"rule"`
	Doing      string    `json:"doing"`
	WaitingFor string    `json:"waiting_for"`
	Since      time.Time `json:"since"` // zero when unknown
	Ends       string    `json:"ends"`  // which timeout ends the wait, and when
	Action     string    `json:"action"`
}

// Explain says for every node of a group what it waits for, since when, what
// ends the wait, and what an operator can do now.
func (c *Client) Explain(ctx context.Context, formation string, group int) ([]Explanation, error) {
	scan := func(row pgx.CollectableRow) (e Explanation, err error) {
		var since *time.Time
		err = row.Scan(&e.NodeID, &e.NodeName, &e.Reported, &e.Assigned, &e.Rule,
			&e.Doing, &e.WaitingFor, &since, &e.Ends, &e.Action)
		if since != nil {
			e.Since = *since
		}
		return e, err
	}
	return rows(ctx, c, "explain "+scope(formation, &group), scan, `
SELECT coalesce(node_id, 0), coalesce(node_name, ''), coalesce(reported_state::text, ''),
       coalesce(assigned_state::text, ''), coalesce(rule, ''), coalesce(doing, ''),
       coalesce(waiting_for, ''), since::timestamptz, coalesce(ends::text, ''), coalesce(action, '')
  FROM pgautofailover.explain($1, $2)`, formation, group)
}
