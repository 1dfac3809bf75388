package monitor

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// SettingsStep is one thing that a change of settings would do.
type SettingsStep struct {
	Node string `json:"nodename"`
	What string `json:"doing"`
}

// previewRounds is more than any change of settings takes: twice for each node.
const previewRounds = 10000

// PreviewGroupSettings works out in which order the nodes would restart for settings. Nothing is changed, and nobody notified.
func (c *Client) PreviewGroupSettings(ctx context.Context, formation string, group int, settings map[string]string) ([]SettingsStep, error) {
	var steps []SettingsStep
	err := c.rolledBack(ctx, func() (err error) {
		if _, err = c.SetGroupSettings(ctx, formation, group, settings); err == nil {
			steps, err = c.walkSettings(ctx, formation, group)
		}
		return err
	})
	return steps, err
}

// walkSettings lets each node do what is its turn, until nobody has anything to do.
func (c *Client) walkSettings(ctx context.Context, formation string, group int) ([]SettingsStep, error) {
	var steps []SettingsStep
	for range previewRounds {
		rows, err := c.GroupSettings(ctx, formation, group)
		if err != nil {
			return nil, err
		}
		node, changes := turnOf(rows)
		if changes == nil {
			return append(steps, leftOver(rows)...), nil
		}
		steps = append(steps, SettingsStep{node.NodeName, "restarts its Postgres: " + strings.Join(changes, ", ")})
		if err := c.reportWanted(ctx, rows, node.NodeID); err != nil {
			return nil, err
		}
	}
	return nil, errors.New("the order of the restarts does not end; this is a defect of pgaf, please report it")
}

// turnOf is the first node that has something to do, and what.
func turnOf(rows []GroupSetting) (node GroupSetting, changes []string) {
	for _, s := range rows {
		if !s.Counts || s.Used == nil || s.Wanted == nil || *s.Used == *s.Wanted || s.Problem != "" || changes != nil && s.NodeID != node.NodeID {
			continue
		}
		node = s
		changes = append(changes, fmt.Sprintf("%s %d ➜ %d", s.Name, *s.Used, *s.Wanted))
	}
	return node, changes
}

// leftOver says of nodes that would not take part why.
func leftOver(rows []GroupSetting) []SettingsStep {
	var steps []SettingsStep
	for _, s := range rows {
		switch {
		case s.Done():
		case s.Problem != "":
			steps = append(steps, SettingsStep{s.NodeName, fmt.Sprintf("%s stays: %s", s.Name, s.Problem)})
		case !s.Counts:
			steps = append(steps, SettingsStep{s.NodeName, fmt.Sprintf("%s ➜ %d once it follows the primary", s.Name, s.Target)})
		default:
			steps = append(steps, SettingsStep{s.NodeName, fmt.Sprintf("%s waits for %s", s.Name, s.WaitsFor)})
		}
	}
	return steps
}

// reportWanted reports that a node uses what it shall.
func (c *Client) reportWanted(ctx context.Context, rows []GroupSetting, nodeID int64) error {
	type use struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	}
	var uses []use
	for _, s := range rows {
		if s.NodeID == nodeID && s.Wanted != nil {
			uses = append(uses, use{s.Name, fmt.Sprint(*s.Wanted)})
		}
	}
	return c.ReportSettings(ctx, nodeID, uses)
}
