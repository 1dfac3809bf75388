package monitor

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// GroupSetting is a row of group_settings(): where one node is with one setting of its group.
type GroupSetting struct {
	NodeID   int64
	NodeName string
	Name     string
	Target   int    // of the group
	Wanted   *int   // what its keeper brings into effect now; nil: the keeper has not said what is
	Used     *int   // in effect; nil: not said
	Pending  bool   // waits for a restart of Postgres
	WaitsFor string // the nodes that have to be first
	Problem  string // why the keeper cannot
	Counts   bool   // the primary, or a healthy standby that follows it; others converge when they do
}

// Done says that the node uses what the group shall.
func (s GroupSetting) Done() bool { return s.Used != nil && *s.Used == s.Target }

// GroupSettings reads where the nodes of a group are with the settings of the group, ordered by node and name.
func (c *Client) GroupSettings(ctx context.Context, formation string, group int) ([]GroupSetting, error) {
	scan := func(row pgx.CollectableRow) (s GroupSetting, err error) {
		err = row.Scan(&s.NodeID, &s.NodeName, &s.Name, &s.Target, &s.Wanted, &s.Used, &s.Pending, &s.WaitsFor, &s.Problem, &s.Counts)
		return s, err
	}
	return rows(ctx, c, "read the settings of "+scope(formation, &group), scan,
		`SELECT node_id, node_name, name, target, wanted, used, pending, coalesce(waits_for, ''), coalesce(problem, ''), counts
		   FROM pgautofailover.group_settings($1, $2)`, formation, group)
}

// SetGroupSettings stores settings for all nodes of a group, and tells their keepers. Values are numbers or "default".
// False when the group has them already.
func (c *Client) SetGroupSettings(ctx context.Context, formation string, group int, settings map[string]string) (bool, error) {
	text, err := json.Marshal(settings)
	if err != nil {
		return false, fmt.Errorf("settings of %s: %w", scope(formation, &group), err)
	}
	return value[bool](ctx, c, "set the settings of "+scope(formation, &group),
		`SELECT pgautofailover.set_group_settings($1, $2, $3::jsonb)`, formation, group, string(text))
}

// ReportSettings tells what a node's Postgres uses; settings is an array of objects for report_settings().
func (c *Client) ReportSettings(ctx context.Context, nodeID int64, settings any) error {
	doing := fmt.Sprintf("report the settings of node %d", nodeID)
	text, err := json.Marshal(settings)
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return c.exec(ctx, doing, `SELECT pgautofailover.report_settings($1::bigint, $2::jsonb)`, nodeID, string(text))
}

// WantedSettings is what the keeper of a node shall bring into effect now.
func (c *Client) WantedSettings(ctx context.Context, formation string, group int, nodeID int64) (map[string]int, error) {
	settings, err := c.GroupSettings(ctx, formation, group)
	wanted := map[string]int{}
	for _, s := range settings {
		if s.NodeID == nodeID && s.Wanted != nil {
			wanted[s.Name] = *s.Wanted
		}
	}
	return wanted, err
}
