package tui

import (
	"strconv"
	"time"

	"github.com/charmbracelet/x/ansi"

	"pgaf/monitor"
)

// eventRow is an event, and the time of drawing that its short time depends on.
type eventRow struct {
	monitor.Event
	now time.Time
}

func eventRows(p *picture, now time.Time) []eventRow {
	rows := make([]eventRow, len(p.events))
	for i, e := range p.events {
		rows[i] = eventRow{Event: e, now: now}
	}
	return rows
}

// longTime is the event's time to the second.
func (e eventRow) longTime() string {
	return e.Time.In(e.now.Location()).Format(time.DateTime)
}

// shortTime is the time of day of an event of today, else its date.
func (e eventRow) shortTime() string {
	t := e.Time.In(e.now.Location())
	if t.YearDay() == e.now.YearDay() && t.Year() == e.now.Year() {
		return t.Format(time.TimeOnly)
	}
	return t.Format("Jan 02")
}

// description is the monitor's text, and who asked for it and why.
func (e eventRow) description() string {
	text := e.Description
	if e.RequestedBy != "" {
		text += " [by " + e.RequestedBy + "]"
	}
	if e.Reason != "" {
		text += " [reason: " + e.Reason + "]"
	}
	return text
}

type eventColumn = column[eventRow]

var (
	colEventID   = eventColumn{title: "Id", min: 4, text: func(e eventRow) string { return strconv.FormatInt(e.ID, 10) }}
	colEventTime = eventColumn{title: "Event Time", min: 19, text: eventRow.longTime}
	colTimeOfDay = eventColumn{title: "Time", min: 8, text: eventRow.shortTime}
	colEventNode = eventColumn{title: "Name", min: 4, text: func(e eventRow) string { return e.NodeName }}
	colRule      = eventColumn{title: "Rule", min: 4, max: 32, text: func(e eventRow) string { return e.Rule }}
)

// colText counts with least cells when a policy is chosen.
func colText(least int) eventColumn {
	return eventColumn{title: "Description", min: least, flex: true, text: eventRow.description}
}

// eventPolicies is the ladder of the events; descriptions can be scrolled, so
// a narrow window still gets them.
var eventPolicies = []policy[eventRow]{
	{"minimal", []eventColumn{colEventID, colText(30)}},
	{"terse", []eventColumn{colTimeOfDay, colEventNode, colText(30)}},
	{"standard", []eventColumn{colEventTime, colEventNode, colText(45)}},
	{"almost verbose", []eventColumn{colEventTime, colEventNode, colRule, colText(45)}},
	{"verbose", []eventColumn{colEventID, colEventTime, colEventNode, colRule, colText(60)}},
}

// eventsView draws the titles and the visible events, newest first.
func (v view) eventsView() []string {
	if v.areas.events == 0 {
		return nil
	}
	lines := []string{v.styles.bar.Render(fill(v.eventTable.header(), v.width))}
	for i := v.firstEvent; i < v.firstEvent+v.areas.events; i++ {
		if i >= len(v.events) {
			lines = append(lines, "")
			continue
		}
		lines = append(lines, v.eventLine(v.events[i]))
	}
	return lines
}

func (v view) eventLine(e eventRow) string {
	plain := fill(v.eventTable.line(v.styles, e, v.scroll, true), v.width)
	switch {
	case v.selection.isEvent(e.ID):
		return v.styles.selected.Render(plain)
	case v.picture.stale():
		return v.styles.stale.Render(plain)
	}
	return plain
}

// longestDescription bounds how far descriptions can be scrolled.
func longestDescription(rows []eventRow) int {
	longest := 0
	for _, e := range rows {
		longest = max(longest, ansi.StringWidth(clean(e.description())))
	}
	return longest
}
