package main

import (
	"context"
	"fmt"
	"io"
	"strconv"

	"pgaf/monitor"
)

type showTimelineCmd struct {
	nodeSelector
	formationOption
	groupOption
	jsonOption
}

func (c *showTimelineCmd) Run(a *app) error {
	return c.ask(a, c.Formation, c.Group, func(ctx context.Context, client *monitor.Client, t target) error {
		if err := formationExists(ctx, client, t.formation); err != nil {
			return err
		}
		group := 0
		if t.group != nil {
			group = *t.group
		}
		reported, err := client.TimelineHistory(ctx, t.formation, group)
		if err != nil {
			return err
		}
		nodes, err := client.NodeTimelineStatus(ctx, t.formation, group)
		if err != nil {
			return err
		}
		view := newTimelines(reported, nodes)
		if c.JSON {
			return a.printJSON(view)
		}
		if err := view.write(a.stdout); err != nil {
			return err
		}
		if view.forked() {
			a.hint("choose the timeline that the group goes on with: %s accept timeline --tli N --formation %s --group %d", a.name, t.formation, group)
		}
		return nil
	})
}

// timelines is what the monitor knows of the timelines of a group.
type timelines struct {
	History []timelineSwitch `json:"history"`
	Nodes   []nodeTimeline   `json:"nodes"`
}

type timelineSwitch struct {
	TLI       int    `json:"tli"`
	ParentTLI int    `json:"parent_tli"`
	SwitchLSN string `json:"switchpoint_lsn"`
}

type nodeTimeline struct {
	Name         string `json:"nodename"`
	ID           int64  `json:"node_id"`
	TLI          int    `json:"reported_tli"`
	LSN          string `json:"reported_lsn"`
	ReferenceTLI int    `json:"reference_tli"`
	OnLineage    *bool  `json:"on_accepted_lineage"` // null: nobody has reported enough to tell
}

// newTimelines lists each switch once: all nodes that went through it report it.
func newTimelines(reported []monitor.TimelineSwitch, nodes []monitor.TimelineStatus) timelines {
	view := timelines{History: []timelineSwitch{}, Nodes: []nodeTimeline{}}
	seen := map[timelineSwitch]bool{}
	parents := map[int]int{}
	for _, r := range reported {
		s := timelineSwitch{r.TLI, r.ParentTLI, r.SwitchLSN.String()}
		parents[r.TLI] = r.ParentTLI
		if !seen[s] {
			seen[s] = true
			view.History = append(view.History, s)
		}
	}
	for _, n := range nodes {
		node := nodeTimeline{Name: n.NodeName, ID: n.NodeID, TLI: n.TLI, LSN: n.LSN.String(), ReferenceTLI: n.ReferenceTLI}
		if n.LSN != 0 && (n.OnAcceptedLineage || n.TLI >= oldestKnown(parents, n.ReferenceTLI)) {
			on := n.OnAcceptedLineage
			node.OnLineage = &on
		}
		view.Nodes = append(view.Nodes, node)
	}
	return view
}

// oldestKnown is the oldest ancestor of a timeline that the reports lead to. What is
// older may belong to it or not.
func oldestKnown(parents map[int]int, tli int) int {
	for {
		parent, known := parents[tli]
		if !known || parent >= tli || parent < 1 {
			return tli
		}
		tli = parent
	}
}

// status says in words whether a node is on the timeline that counts.
func (n nodeTimeline) status() string {
	switch {
	case n.OnLineage == nil && n.LSN == "0/0":
		return "unknown: has not reported a position"
	case n.OnLineage == nil:
		return fmt.Sprintf("unknown: nobody has reported the history of timeline %d", n.ReferenceTLI)
	case *n.OnLineage:
		return "ok"
	}
	return fmt.Sprintf("FORK: not part of the history of timeline %d", n.ReferenceTLI)
}

func (t timelines) forked() bool {
	for _, n := range t.Nodes {
		if n.OnLineage != nil && !*n.OnLineage {
			return true
		}
	}
	return false
}

func (t timelines) write(w io.Writer) error {
	history := &table{columns: []column{{title: "TLI", min: 8}, {title: "Parent TLI", min: 10}, {title: "Switchpoint LSN", min: 15}}}
	for _, s := range t.History {
		history.add(strconv.Itoa(s.TLI), strconv.Itoa(s.ParentTLI), s.SwitchLSN)
	}
	if err := history.write(w); err != nil {
		return err
	}
	nodes := &table{columns: []column{{title: "Name", min: 20}, {title: "NodeId", min: 6}, {title: "TLI", min: 4}, {title: "LSN", min: 11}, {title: "Status", min: 6, left: true}}}
	for _, n := range t.Nodes {
		nodes.add(n.Name, strconv.FormatInt(n.ID, 10), strconv.Itoa(n.TLI), n.LSN, n.status())
	}
	return nodes.write(w)
}
