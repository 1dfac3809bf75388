package tui

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"charm.land/lipgloss/v2"

	"pgaf/monitor"
)

// lateReport is the age from which a node's last report is highlighted: five
// heartbeats are missing, but no rule of the monitor depends on it.
const lateReport = 5 * time.Second

// gutter is the width of the marks left of each node.
const gutter = 2

// nodeRow is a node with everything that its line is made of.
type nodeRow struct {
	monitor.Node
	reportAge time.Duration
	waits     time.Duration // how long Reported has differed from Assigned
}

func (n nodeRow) waiting() bool   { return !n.Converged() }
func (n nodeRow) unhealthy() bool { return n.Health == monitor.HealthBad }
func (n nodeRow) writable() bool  { return n.Reported.Writable() }

// id is the node's number, with its group where groups matter.
func (n nodeRow) id() string {
	if n.FormationKind == "citus" {
		return fmt.Sprintf("%d/%d", n.GroupID, n.ID)
	}
	return strconv.FormatInt(n.ID, 10)
}

// connection is what clients can do with the node; a mark says that its health
// is bad (!) or not known yet (?).
func (n nodeRow) connection() string {
	switch n.Health {
	case monitor.HealthGood:
		return n.Reported.Connection()
	case monitor.HealthBad:
		return n.Reported.Connection() + " !"
	}
	return n.Reported.Connection() + " ?"
}

func (n nodeRow) health() string {
	if n.Health == monitor.HealthUnknown {
		return "-"
	}
	return n.Health.String()
}

// lag is how much WAL the node has not reported yet and the writable node of
// its group has; a dash where there is nothing to compare.
func (n nodeRow) lag() string {
	if n.writable() || n.ReplicationLagBytes < 0 {
		return "-"
	}
	return byteSize(uint64(n.ReplicationLagBytes))
}

// marks are the two cells left of a node: * accepts writes, ! is unhealthy.
func (n nodeRow) marks() string {
	marks := []byte("  ")
	if n.writable() {
		marks[0] = '*'
	}
	if n.unhealthy() {
		marks[1] = '!'
	}
	return string(marks)
}

// nodeRows prepares the nodes of a picture for drawing at now.
func nodeRows(p *picture, now time.Time) []nodeRow {
	rows := make([]nodeRow, len(p.nodes))
	for i, n := range p.nodes {
		rows[i] = nodeRow{Node: n, reportAge: p.age(n.ReportTime, now)}
		if rows[i].waiting() {
			rows[i].waits = p.age(n.StateChangeTime, now)
		}
	}
	return rows
}

type nodeColumn = column[nodeRow]

func identityStyle(s *styles, n nodeRow) lipgloss.Style {
	switch {
	case n.unhealthy():
		return s.bad
	case n.writable():
		return s.writable
	}
	return s.plain
}

func healthStyle(s *styles, n nodeRow) lipgloss.Style {
	if n.unhealthy() {
		return s.bad
	}
	return s.plain
}

func reportStyle(s *styles, n nodeRow) lipgloss.Style {
	if n.reportAge >= lateReport {
		return s.late
	}
	return s.plain
}

func assignedStyle(s *styles, n nodeRow) lipgloss.Style {
	if n.waiting() {
		return s.waiting
	}
	return stateStyle(s, n.Assigned)
}

// stateStyle tells states apart that an operator should notice.
func stateStyle(s *styles, state monitor.State) lipgloss.Style {
	switch state {
	case monitor.StateDemoted, monitor.StateDemoteTimeout, monitor.StateDraining, monitor.StateReportLSN:
		return s.outgoing
	case monitor.StateMaintenance, monitor.StateWaitMaintenance, monitor.StatePrepareMaintenance,
		monitor.StateWaitStandby, monitor.StateDropped:
		return s.parked
	}
	if state.Writable() {
		return s.writable
	}
	return s.plain
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// The columns of the nodes table. State columns have the width of the longest
// state, and connection that of the longest text, so that nothing moves while
// a failover is watched.
var (
	colName   = nodeColumn{title: "Name", min: 4, text: func(n nodeRow) string { return n.Name }, style: identityStyle}
	colID     = nodeColumn{title: "Id", min: 3, text: nodeRow.id, style: identityStyle}
	colRegion = nodeColumn{title: "Region", text: func(n nodeRow) string { return n.Region }}
	colQuorum = nodeColumn{title: "Quorum", text: func(n nodeRow) string { return yesNo(n.ReplicationQuorum) }}
	colPrio   = nodeColumn{title: "Prio", text: func(n nodeRow) string { return strconv.Itoa(n.CandidatePriority) }}
	colHost   = nodeColumn{title: "Host:Port", text: func(n nodeRow) string { return hostPort(n.Host, n.Port) }}
	colLSN    = nodeColumn{title: "TLI: LSN", min: 14, text: func(n nodeRow) string { return fmt.Sprintf("%3d: %s", n.TLI, n.LSN) }}
	colLag    = nodeColumn{title: "Lag", min: 7, text: nodeRow.lag}
	colHealth = nodeColumn{title: "Health", text: nodeRow.health, style: healthStyle}
	colConn   = nodeColumn{title: "Connection", min: 12, text: nodeRow.connection, style: healthStyle}
	colReport = nodeColumn{title: "Report", min: 6, text: func(n nodeRow) string { return interval(n.reportAge) }, style: reportStyle}
	colState  = nodeColumn{title: "Reported State", min: 19, text: func(n nodeRow) string { return string(n.Reported) },
		style: func(s *styles, n nodeRow) lipgloss.Style { return stateStyle(s, n.Reported) }}
	colGoal = nodeColumn{title: "Assigned State", min: 19, text: func(n nodeRow) string { return string(n.Assigned) },
		style: assignedStyle, sep: waitMark}
	colWaits = nodeColumn{title: "Waits", min: 6, text: waitText, style: assignedStyle}
)

func waitMark(n nodeRow) string {
	if n.waiting() {
		return ">"
	}
	return " "
}

func waitText(n nodeRow) string {
	if n.waiting() {
		return interval(n.waits)
	}
	return ""
}

func titled(c nodeColumn, title string) nodeColumn {
	c.title = title
	return c
}

// hostPort writes an address as a URI would, IPv6 in brackets.
func hostPort(host string, port int) string {
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return host + ":" + strconv.Itoa(port)
}

// nodePolicies is the ladder of the nodes table. Regions take a column only
// where they tell something.
func nodePolicies(rows []nodeRow) []policy[nodeRow] {
	lastReport := titled(colReport, "Last Report")
	node := titled(colID, "Node")
	ladder := []policy[nodeRow]{
		{"minimal", []nodeColumn{colID, colState, colGoal}},
		{"very terse", []nodeColumn{colName, colReport, colState, colGoal}},
		{"quite terse", []nodeColumn{colName, colID, colReport, colState, colGoal}},
		{"terse", []nodeColumn{colName, colConn, colReport, colState, colGoal}},
		{"standard", []nodeColumn{colName, colID, colConn, lastReport, colState, colGoal}},
		{"semi verbose", []nodeColumn{colName, colID, colHealth, colConn, colReport, colState, colGoal}},
		{"semi verbose with lag", []nodeColumn{colName, colID, colLag, colHealth, colConn, colReport, colState, colGoal}},
		{"verbose", []nodeColumn{colName, node, colRegion, colQuorum, colPrio, colLag, colHealth, colConn, colReport, colState, colGoal}},
		{"almost full", []nodeColumn{colName, node, colRegion, colQuorum, colPrio, colLSN, colLag, colHealth, colConn, colReport, colState, colGoal}},
		{"full", []nodeColumn{colName, node, colRegion, colQuorum, colPrio, colHost, colLSN, colLag, colHealth, colConn, colReport, colState, colGoal}},
		{"fully verbose", []nodeColumn{colName, node, colRegion, colQuorum, colPrio, colHost, colLSN, colLag, colHealth, colConn, lastReport, colState, colGoal, colWaits}},
	}
	if hasRegions(rows) {
		return ladder
	}
	for i := range ladder {
		ladder[i].columns = without(ladder[i].columns, colRegion.title)
	}
	return ladder
}

func hasRegions(rows []nodeRow) bool {
	for _, n := range rows {
		if n.Region != "" && n.Region != "default" {
			return true
		}
	}
	return false
}

func without(columns []nodeColumn, title string) []nodeColumn {
	kept := make([]nodeColumn, 0, len(columns))
	for _, c := range columns {
		if c.title != title {
			kept = append(kept, c)
		}
	}
	return kept
}

// nodesView draws the titles and the visible rows of the nodes table.
func (v view) nodesView() []string {
	lines := []string{v.styles.bar.Render(fill("  "+v.nodeTable.header(), v.width))}
	for i := v.firstNode; i < v.firstNode+v.areas.nodes; i++ {
		if i >= len(v.nodes) {
			lines = append(lines, "")
			continue
		}
		lines = append(lines, v.nodeLine(v.nodes[i]))
	}
	return lines
}

func (v view) nodeLine(n nodeRow) string {
	plain := fill(n.marks()+v.nodeTable.line(v.styles, n, 0, true), v.width)
	switch {
	case v.selection.isNode(n.ID):
		return v.styles.selected.Bold(n.unhealthy()).Render(plain)
	case v.picture.stale():
		return v.styles.stale.Render(plain)
	}
	marks := identityStyle(v.styles, n).Reverse(false).Render(n.marks())
	return marks + v.nodeTable.line(v.styles, n, 0, false)
}
