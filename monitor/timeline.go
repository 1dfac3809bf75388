package monitor

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/jackc/pglogrepl"
	"github.com/jackc/pgx/v5"
)

// TimelineSwitch is one line of a node's timeline history: TLI branched off
// ParentTLI at SwitchLSN.
type TimelineSwitch struct {
	NodeID    int64 // filled when read from the monitor
	TLI       int
	ParentTLI int
	SwitchLSN pglogrepl.LSN
}

// IssueTimeline returns the number of the timeline that the node is to begin when it
// is promoted: one that no node of its group has had or was given.
func (c *Client) IssueTimeline(ctx context.Context, nodeID int64) (int, error) {
	return value[int](ctx, c, fmt.Sprintf("get the number of a timeline for node %d", nodeID),
		`SELECT pgautofailover.issue_timeline($1::bigint)`, nodeID)
}

// ReportTimelineHistory stores the timeline history of a node.
func (c *Client) ReportTimelineHistory(ctx context.Context, nodeID int64, history []TimelineSwitch) error {
	doing := fmt.Sprintf("report the timeline history of node %d", nodeID)
	entries := make([]map[string]any, 0, len(history))
	for _, h := range history {
		entries = append(entries, map[string]any{
			"tli": h.TLI, "parenttli": h.ParentTLI, "switchpoint": h.SwitchLSN.String()})
	}
	text, err := json.Marshal(entries)
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return c.exec(ctx, doing, `SELECT pgautofailover.report_timeline_history($1::bigint, $2::text::jsonb)`,
		nodeID, string(text))
}

// TimelineHistory reads what the nodes of a group reported, by timeline and node.
func (c *Client) TimelineHistory(ctx context.Context, formation string, group int) ([]TimelineSwitch, error) {
	scan := func(row pgx.CollectableRow) (h TimelineSwitch, err error) {
		var lsn string
		if err := row.Scan(&h.NodeID, &h.TLI, &h.ParentTLI, &lsn); err != nil {
			return h, err
		}
		h.SwitchLSN, err = pglogrepl.ParseLSN(lsn)
		return h, err
	}
	return rows(ctx, c, "read the timeline history of "+scope(formation, &group), scan, `
SELECT h.nodeid, h.tli, h.parenttli, h.switchpoint_lsn::text
  FROM pgautofailover.node_timeline_history AS h JOIN pgautofailover.node AS n USING (nodeid)
 WHERE n.formationid = $1 AND n.groupid = $2 ORDER BY h.tli, h.nodeid`, formation, group)
}

// AcceptTimeline pins the timeline on which a group goes on after a fork.
// decidedBy is the operator's reason, may be empty.
func (c *Client) AcceptTimeline(ctx context.Context, formation string, group, tli int, decidedBy string) (bool, error) {
	return value[bool](ctx, c, fmt.Sprintf("accept timeline %d in %s", tli, scope(formation, &group)),
		`SELECT pgautofailover.accept_timeline($1, $2, $3, $4)`, formation, group, tli, nullable(decidedBy))
}

// ResolveAcceptedTimeline ends the pins of a group.
func (c *Client) ResolveAcceptedTimeline(ctx context.Context, formation string, group int) (bool, error) {
	return value[bool](ctx, c, "resolve the accepted timelines of "+scope(formation, &group),
		`SELECT pgautofailover.resolve_accepted_timeline($1, $2)`, formation, group)
}

// TimelineStatus is a row of node_timeline_status().
type TimelineStatus struct {
	NodeID            int64
	NodeName          string
	TLI               int
	LSN               pglogrepl.LSN
	ReferenceTLI      int
	OnAcceptedLineage bool
}

// NodeTimelineStatus compares the timelines of a group's nodes with the reference.
func (c *Client) NodeTimelineStatus(ctx context.Context, formation string, group int) ([]TimelineStatus, error) {
	scan := func(row pgx.CollectableRow) (s TimelineStatus, err error) {
		var lsn string
		if err := row.Scan(&s.NodeID, &s.NodeName, &s.TLI, &lsn, &s.ReferenceTLI, &s.OnAcceptedLineage); err != nil {
			return s, err
		}
		s.LSN, err = pglogrepl.ParseLSN(lsn)
		return s, err
	}
	return rows(ctx, c, "read the timelines of "+scope(formation, &group), scan, `
SELECT node_id, node_name, tli, lsn::text, coalesce(reference_tli, 0), coalesce(on_accepted_lineage, false)
  FROM pgautofailover.node_timeline_status($1, $2)`, formation, group)
}
