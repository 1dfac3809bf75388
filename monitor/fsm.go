package monitor

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// FSMEdge is a step that a rule can assign (dump_fsm_edges) or a keeper can
// walk: from the state Current, which may be "any" on the keeper's side, to
// Assigned.
type FSMEdge struct {
	Pos      int    `json:"pos,omitempty"` // of the rule; 0 on the keeper's side
	Current  State  `json:"current"`
	Assigned State  `json:"assigned"`
	Comment  string `json:"comment,omitempty"`
}

// FSMEdges lists the steps that the monitor's rules can assign.
func (c *Client) FSMEdges(ctx context.Context) ([]FSMEdge, error) {
	scan := func(row pgx.CollectableRow) (e FSMEdge, err error) {
		err = row.Scan(&e.Pos, &e.Current, &e.Assigned)
		return e, err
	}
	return rows(ctx, c, "list the monitor's state transitions", scan,
		`SELECT pos, current_state::text, assigned_state::text FROM pgautofailover.dump_fsm_edges() ORDER BY 1, 2, 3`)
}

// CheckFSMReachability returns the steps that the monitor could assign and no
// edge of the keeper walks; none is the only good answer.
func (c *Client) CheckFSMReachability(ctx context.Context, keeper []FSMEdge) ([]FSMEdge, error) {
	const doing = "compare the monitor's rules with the keeper's transitions"
	if keeper == nil {
		keeper = []FSMEdge{}
	}
	text, err := json.Marshal(keeper)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	scan := func(row pgx.CollectableRow) (e FSMEdge, err error) {
		err = row.Scan(&e.Pos, &e.Current, &e.Assigned, &e.Comment)
		return e, err
	}
	return rows(ctx, c, doing, scan, `
SELECT pos, current_state::text, assigned_state::text, coalesce(comment, '')
  FROM pgautofailover.check_fsm_reachability($1::text::jsonb)`, string(text))
}

// FSMRow is a row of dump_fsm(), all columns as text ("" for NULL).
type FSMRow struct {
	Pos                 int    `json:"pos"`
	Section             string `json:"section"`
	Comment             string `json:"comment"`
	ActiveState         string `json:"active_node_current_state"`
	OtherState          string `json:"other_node_current_state"`
	CandidateState      string `json:"candidate_node_current_state"`
	ActiveConditions    string `json:"active_node_conditions"`
	OtherConditions     string `json:"other_node_conditions"`
	CandidateConditions string `json:"candidate_node_conditions"`
	GroupConditions     string `json:"group_conditions"`
	ActiveAssigned      State  `json:"active_node_assigned_state"`
	OtherAssigned       State  `json:"other_node_assigned_state"`
	HasExtraAction      bool   `json:"has_extra_action"`
	SectionPath         string `json:"section_path"`
}

// DumpFSM lists the monitor's rules in the shape of pg_auto_failover 2.3.
func (c *Client) DumpFSM(ctx context.Context) ([]FSMRow, error) {
	scan := func(row pgx.CollectableRow) (r FSMRow, err error) {
		err = row.Scan(&r.Pos, &r.Section, &r.Comment, &r.ActiveState, &r.OtherState, &r.CandidateState,
			&r.ActiveConditions, &r.OtherConditions, &r.CandidateConditions, &r.GroupConditions,
			&r.ActiveAssigned, &r.OtherAssigned, &r.HasExtraAction, &r.SectionPath)
		return r, err
	}
	return rows(ctx, c, "list the monitor's rules", scan, `
SELECT pos, coalesce(section, ''), coalesce(comment, ''), coalesce(active_node_current_state, ''),
       coalesce(other_node_current_state, ''), coalesce(candidate_node_current_state, ''),
       coalesce(active_node_conditions, ''), coalesce(other_node_conditions, ''),
       coalesce(candidate_node_conditions, ''), coalesce(group_conditions, ''),
       coalesce(active_node_assigned_state::text, ''), coalesce(other_node_assigned_state::text, ''),
       coalesce(has_extra_action, false), coalesce(section_path, '')
  FROM pgautofailover.dump_fsm() ORDER BY pos`)
}

// Rule is a row of rules(): one entry of the ordered list by which the monitor
// decides.
type Rule struct {
	Pos      int    `json:"pos"`
	Section  string `json:"section"`
	Name     string `json:"name"`
	Words    string `json:"words"` // the condition, for people
	Assigned State  `json:"assigned_state"`
	Reason   string `json:"reason"` // what goes into the event; {n} {p} {o} {w} stand for names of nodes
}

// Rules lists the rules in their order.
func (c *Client) Rules(ctx context.Context) ([]Rule, error) {
	scan := func(row pgx.CollectableRow) (r Rule, err error) {
		err = row.Scan(&r.Pos, &r.Section, &r.Name, &r.Words, &r.Assigned, &r.Reason)
		return r, err
	}
	return rows(ctx, c, "list the monitor's rules", scan, `
SELECT pos, section::text, name, words, coalesce(assigned_state::text, ''), reason
  FROM pgautofailover.rules() ORDER BY pos`)
}
