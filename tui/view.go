package tui

import (
	"fmt"
	"strings"
	"time"
)

// view is everything that one frame is drawn from.
type view struct {
	styles    *styles
	target    target
	picture   *picture
	now       time.Time
	width     int
	height    int
	selection selection
	scroll    int // cells that descriptions are scrolled to the left
	help      bool

	nodes      []nodeRow
	events     []eventRow
	notices    []string // lines between nodes and events
	nodeTable  fitted[nodeRow]
	eventTable fitted[eventRow]
	areas      areas
	firstNode  int
	firstEvent int
}

// target names what is watched.
type target struct {
	Formation string
	Group     *int
	monitor   string // its addresses, without credentials
}

// layout fits the tables into the window; false when it is too small.
func (v *view) layout() bool {
	v.nodes = nodeRows(v.picture, v.now)
	v.events = eventRows(v.picture, v.now)
	v.notices = v.noticesView()
	nodeTable, wide := choose(nodePolicies(v.nodes), v.nodes, v.width-gutter)
	eventTable, withEvents := choose(eventPolicies, v.events, v.width)
	areas, high := split(v.height, len(v.nodes), len(v.notices), withEvents)
	v.nodeTable, v.eventTable, v.areas = nodeTable, eventTable, areas
	if !wide || !high {
		return false
	}
	v.firstNode = window(v.firstNode, v.areas.nodes, len(v.nodes), v.selection.index(v.picture, amongNodes))
	v.firstEvent = window(v.firstEvent, v.areas.events, len(v.events), v.selection.index(v.picture, amongEvents))
	return true
}

// draw returns the frame; layout was called before and returned fits.
func (v view) draw(fits bool) string {
	if !fits {
		return fmt.Sprintf("Window too small: %dx%d", v.height, v.width)
	}
	lines := []string{v.headerView()}
	if v.areas.monitor {
		lines = append(lines, v.monitorView())
	}
	if v.help {
		lines = append(lines, v.helpView()...)
	} else {
		lines = append(lines, v.nodesView()...)
		lines = append(lines, v.notices[:v.areas.notices]...)
		lines = append(lines, v.eventsView()...)
	}
	for len(lines) < v.height-1 {
		lines = append(lines, "")
	}
	lines = append(lines[:v.height-1], v.footerView())
	return strings.Join(lines, "\n")
}
