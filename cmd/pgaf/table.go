package main

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// column is one column of a table: cells are right-aligned to the widest cell,
// at least min wide; the last column may be left-aligned (free text).
type column struct {
	title string
	min   int
	left  bool
}

// table prints rows the way every listing of this program looks: columns
// joined by " | ", a line of dashes below the header, and a blank line at the end.
type table struct {
	columns []column
	rows    [][]string
	indent  string
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

// widths returns the width of each column over header, minimum and cells.
func (t *table) widths() []int {
	widths := make([]int, len(t.columns))
	for i, c := range t.columns {
		widths[i] = max(c.min, utf8.RuneCountInString(c.title))
	}
	for _, row := range t.rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	return widths
}

// write prints header, rows and the trailing blank line.
func (t *table) write(w io.Writer) error {
	widths := t.widths()
	var b strings.Builder
	t.writeHeader(&b, widths)
	for _, row := range t.rows {
		t.writeRow(&b, widths, row)
	}
	b.WriteByte('\n')
	_, err := io.WriteString(w, b.String())
	return err
}

func (t *table) writeHeader(b *strings.Builder, widths []int) {
	titles := make([]string, len(t.columns))
	dashes := make([]string, len(t.columns))
	for i, c := range t.columns {
		titles[i] = c.title
		width := widths[i]
		if c.left {
			width = max(c.min, utf8.RuneCountInString(c.title))
		}
		dashes[i] = strings.Repeat("-", width)
	}
	t.writeRow(b, widths, titles)
	b.WriteString(t.indent + strings.Join(dashes, "-+-") + "\n")
}

func (t *table) writeRow(b *strings.Builder, widths []int, cells []string) {
	b.WriteString(t.indent)
	for i, cell := range cells {
		if i > 0 {
			b.WriteString(" | ")
		}
		switch {
		case t.columns[i].left && i == len(cells)-1:
			b.WriteString(cell)
		case t.columns[i].left:
			fmt.Fprintf(b, "%-*s", widths[i], cell)
		default:
			fmt.Fprintf(b, "%*s", widths[i], cell)
		}
	}
	b.WriteByte('\n')
}
