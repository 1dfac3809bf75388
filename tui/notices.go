package tui

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"pgaf/monitor"
)

// notices says what is not as it should be: which nodes have not reached their
// assigned state and for how long, the longest wait first; then which nodes are
// unhealthy and how they answered. A wait that is the only thing to say comes
// with its reason. "" means all is well.
func notices(rows []nodeRow, events []monitor.Event) string {
	var waiting []nodeRow
	var texts []string
	for _, n := range rows {
		if n.waiting() {
			waiting = append(waiting, n)
		}
	}
	slices.SortStableFunc(waiting, func(a, b nodeRow) int { return cmp.Compare(b.waits, a.waits) })
	for _, n := range waiting {
		texts = append(texts, fmt.Sprintf("%s waits %s: %s > %s", n.Name, interval(n.waits), n.Reported, n.Assigned))
	}
	for _, n := range rows {
		if n.unhealthy() {
			texts = append(texts, n.Name+" is unhealthy"+sign(n))
		}
	}
	if len(waiting) == 1 && len(texts) == 1 {
		texts[0] += because(waiting[0], events)
	}
	return strings.Join(texts, ", ")
}

// because is the reason of the event that assigned n its goal: the oldest one
// of the latest that agree about the goal.
func because(n nodeRow, events []monitor.Event) string {
	reason := ""
	for _, e := range events {
		if e.NodeID != n.ID {
			continue
		}
		if e.Assigned != n.Assigned {
			break
		}
		reason = e.Description
	}
	if reason == "" {
		return ""
	}
	return " (" + reason + ")"
}

// sign is how the node answered its last health check, and Postgres's own
// words where there are any.
func sign(n nodeRow) string {
	switch {
	case n.HealthMessage != "":
		return fmt.Sprintf(" (%s: %s)", n.HealthSign, n.HealthMessage)
	case n.HealthSign != "":
		return fmt.Sprintf(" (%s)", n.HealthSign)
	}
	return ""
}
