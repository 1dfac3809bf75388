package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"pgaf/monitor"
)

type explainCmd struct {
	nodeSelector
	formationOption
	groupOption
	jsonOption
}

func (c *explainCmd) Run(a *app) error {
	return c.ask(a, c.Formation, c.Group, func(ctx context.Context, client *monitor.Client, t target) error {
		nodes, err := formationNodes(ctx, client, t.formation, nil)
		if err != nil {
			return err
		}
		if len(nodes) == 0 && !c.JSON {
			_, err := fmt.Fprintf(a.stdout, "formation %s has no nodes\n", t.formation)
			return err
		}
		rows := []explainRow{}
		for _, group := range groupsOf(t, nodes) {
			explanations, err := client.Explain(ctx, t.formation, group)
			if err != nil {
				return err
			}
			for _, e := range explanations {
				rows = append(rows, newExplainRow(group, e))
			}
			if !c.JSON {
				fmt.Fprint(a.stdout, explainText(t.formation, group, explanations, time.Now()))
			}
		}
		if c.JSON {
			return a.printJSON(rows)
		}
		return nil
	})
}

// groupsOf lists the groups to explain: the one chosen, or each that has nodes.
func groupsOf(t target, nodes []monitor.Node) []int {
	if t.group != nil {
		return []int{*t.group}
	}
	var groups []int
	for _, node := range nodes {
		if len(groups) == 0 || groups[len(groups)-1] != node.GroupID {
			groups = append(groups, node.GroupID)
		}
	}
	return groups
}

// groupItself is the node id of the explanation that is about the group.
const groupItself = 0

// explainRow is one explanation in JSON; node_id is null for the group's own.
type explainRow struct {
	GroupID    int           `json:"group_id"`
	NodeID     *int64        `json:"node_id"`
	NodeName   string        `json:"node_name"`
	Reported   monitor.State `json:"reported_state"`
	Assigned   monitor.State `json:"assigned_state"`
	Rule       string        `json:"rule"`
	Doing      string        `json:"doing"`
	WaitingFor string        `json:"waiting_for"`
	Since      *time.Time    `json:"since"`
	Ends       string        `json:"ends"`
	Action     string        `json:"action"`
}

func newExplainRow(group int, e monitor.Explanation) explainRow {
	row := explainRow{
		GroupID:    group,
		NodeName:   e.NodeName,
		Reported:   e.Reported,
		Assigned:   e.Assigned,
		Rule:       e.Rule,
		Doing:      e.Doing,
		WaitingFor: e.WaitingFor,
		Ends:       e.Ends,
		Action:     e.Action,
	}
	if e.NodeID != groupItself {
		row.NodeID = &e.NodeID
	}
	if !e.Since.IsZero() {
		row.Since = &e.Since
	}
	return row
}

// explainText is the explanation of a group for people: the group first, then a
// paragraph for each node with only the lines that say something.
func explainText(formation string, group int, explanations []monitor.Explanation, now time.Time) string {
	var b strings.Builder
	fmt.Fprintf(&b, "formation %s, group %d\n", formation, group)
	for _, e := range explanations {
		if e.NodeID == groupItself {
			explainLines(&b, e, now)
		}
	}
	for _, e := range explanations {
		if e.NodeID == groupItself {
			continue
		}
		states := string(e.Reported)
		if e.Assigned != e.Reported {
			states += " ➜ " + string(e.Assigned)
		}
		fmt.Fprintf(&b, "\n%s (%d): %s\n", e.NodeName, e.NodeID, states)
		explainLines(&b, e, now)
	}
	b.WriteByte('\n')
	return b.String()
}

func explainLines(b *strings.Builder, e monitor.Explanation, now time.Time) {
	since := ""
	if !e.Since.IsZero() && e.WaitingFor != "" {
		since = fmt.Sprintf("%s (%s)", e.Since.Local().Format("15:04:05"), now.Sub(e.Since).Round(time.Second))
	}
	for _, line := range [][2]string{
		{"doing", e.Doing},
		{"waiting for", e.WaitingFor},
		{"since", since},
		{"ends", e.Ends},
		{"you can", e.Action},
		{"rule", e.Rule},
	} {
		if line[1] != "" {
			fmt.Fprintf(b, "  %-12s %s\n", line[0], line[1])
		}
	}
}
