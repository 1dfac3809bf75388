package main

import (
	"io"
	"strings"

	"pgaf/monitor"
)

// progress is the table of changes, one row per notification. Rows are printed
// one by one, so the widths are those of the nodes known at the start.
type progress struct {
	table  *table
	widths []int
	out    io.Writer
	citus  bool
	last   int64 // id of the last event that was printed or is history
}

func newProgress(out io.Writer, nodes []monitor.Node) *progress {
	p := &progress{out: out, table: &table{columns: []column{
		{title: "Time", min: 8},
		{title: "Name", min: 4},
		{title: "Node", min: 5},
		{title: "Host:Port", min: 10},
		{title: "Current State", min: stateWidth},
		{title: "Assigned State", min: stateWidth},
	}}}
	for _, node := range nodes {
		p.citus = p.citus || node.FormationKind == "citus"
		p.table.add("", node.Name, p.nodeID(node.GroupID, node.ID), hostPort(node.Host, node.Port), "", "")
	}
	p.widths = p.table.widths()
	return p
}

func (p *progress) nodeID(group int, id int64) string { return nodeLabel(p.citus, group, id) }

func (p *progress) header() { p.print(func(b *strings.Builder) { p.table.writeHeader(b, p.widths) }) }

// skip marks events as history.
func (p *progress) skip(events []monitor.Event) {
	for _, event := range events {
		p.last = max(p.last, event.ID)
	}
}

// addNew prints the events that are not history.
func (p *progress) addNew(events []monitor.Event) {
	for _, event := range events {
		if event.ID > p.last {
			p.add(event)
		}
	}
	p.skip(events)
}

func (p *progress) add(event monitor.Event) {
	p.print(func(b *strings.Builder) {
		p.table.writeRow(b, p.widths, []string{
			event.Time.Local().Format("15:04:05"),
			event.NodeName,
			p.nodeID(event.GroupID, event.NodeID),
			hostPort(event.NodeHost, event.NodePort),
			string(event.Reported),
			string(event.Assigned),
		})
	})
}

func (p *progress) print(build func(*strings.Builder)) {
	var b strings.Builder
	build(&b)
	io.WriteString(p.out, b.String()) // a reader that went away does not end the wait
}
