package tui

import (
	"strings"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"
)

// A column of a table whose rows are of type T.
type column[T any] struct {
	title string
	min   int // least width, so that the table does not jump when a value changes
	max   int // greatest width, 0 = as wide as the data
	flex  bool
	text  func(T) string
	style func(*styles, T) lipgloss.Style // nil: plain
	sep   func(T) string                  // one cell before the column; nil: a space
}

// A flex column is the last one of its table. It is left-aligned, counts with
// its least width when a policy is chosen, then takes the rest of the line.

// A policy is one choice of columns. Policies form a ladder; the window gets
// the widest one that fits.
type policy[T any] struct {
	name    string
	columns []column[T]
}

// fitted is a policy with the widths that its columns have for some rows.
type fitted[T any] struct {
	policy[T]
	widths []int
}

// fit measures the columns of p: each is as wide as its header or its widest value.
func (p policy[T]) fit(rows []T) fitted[T] {
	f := fitted[T]{policy: p, widths: make([]int, len(p.columns))}
	for i, c := range p.columns {
		width := max(c.min, ansi.StringWidth(c.title))
		if !c.flex {
			for _, row := range rows {
				width = max(width, ansi.StringWidth(clean(c.text(row))))
			}
		}
		if c.max > 0 {
			width = min(width, c.max)
		}
		f.widths[i] = width
	}
	return f
}

// total is the width of a line: columns, and one cell between two of them.
func (f fitted[T]) total() int {
	total := max(0, len(f.widths)-1)
	for _, w := range f.widths {
		total += w
	}
	return total
}

// choose returns the policy with the largest total width that fits, the later
// one when two are equal, with its flex column grown to the whole width; false
// when none fits.
func choose[T any](ladder []policy[T], rows []T, width int) (fitted[T], bool) {
	var best fitted[T]
	found := false
	for _, p := range ladder {
		f := p.fit(rows)
		if f.total() <= width && (!found || f.total() >= best.total()) {
			best, found = f, true
		}
	}
	if last := len(best.columns) - 1; found && best.columns[last].flex {
		best.widths[last] += width - best.total()
	}
	return best, found
}

// header is the line of column titles.
func (f fitted[T]) header() string {
	cells := make([]string, len(f.columns))
	for i, c := range f.columns {
		cells[i] = align(c.title, f.widths[i], c.flex)
	}
	return strings.Join(cells, " ")
}

// line draws one row; scroll moves the flex column to the left. A plain line
// has no styles of its own, so that one style can be put on the whole of it.
func (f fitted[T]) line(s *styles, row T, scroll int, plain bool) string {
	var line strings.Builder
	for i, c := range f.columns {
		switch {
		case i == 0:
		case c.sep != nil:
			line.WriteString(c.sep(row))
		default:
			line.WriteByte(' ')
		}
		text := clean(c.text(row))
		if c.flex {
			text = scrolled(text, scroll, f.widths[i])
		}
		cell := align(text, f.widths[i], c.flex)
		if !plain && c.style != nil {
			// only the text is styled: no underlined or reversed padding
			text = strings.TrimSpace(cell)
			cell = strings.Replace(cell, text, c.style(s, row).Render(text), 1)
		}
		line.WriteString(cell)
	}
	return line.String()
}

func align(s string, width int, left bool) string {
	s = ansi.Truncate(s, width, "")
	pad := strings.Repeat(" ", width-ansi.StringWidth(s))
	if left {
		return s + pad
	}
	return pad + s
}

// areas says how many lines each part of the window gets. Header, node titles
// and footer always have one line each.
type areas struct {
	monitor bool // line with the connection to the monitor
	notices int  // lines between nodes and events: what nodes wait for, why the monitor is lost
	nodes   int  // rows of the nodes table
	events  int  // rows of events; 0 = no events, and no line with their titles
}

const (
	minHeight    = 4 // header, node titles, one node, footer
	wantedEvents = 3 // a long nodes table leaves at least this many events
)

// split divides the height of a window among the parts of the view, which has
// so many nodes and wants so many lines for notices; false when the window is
// too low. Without events all rows go to the nodes.
func split(height, nodes, notices int, withEvents bool) (areas, bool) {
	if height < minHeight {
		return areas{}, false
	}
	a := areas{nodes: 1}
	left := height - minHeight
	take := func(n int) int {
		n = min(max(n, 0), left)
		left -= n
		return n
	}
	a.monitor = take(1) == 1
	a.notices = take(notices)
	if !withEvents || left < 2 {
		a.nodes += take(left)
		return a, true
	}
	take(1) // the titles of the events
	a.events = take(1)
	a.nodes += take(min(nodes-1, left-(wantedEvents-1)))
	a.events += take(left)
	return a, true
}

// window returns the first of count visible rows out of total, moved as little
// as possible from first so that row selected is visible (-1: none selected).
func window(first, count, total, selected int) int {
	if selected >= 0 {
		first = min(first, selected)
		first = max(first, selected-count+1)
	}
	return max(0, min(first, total-count))
}
