package tui

// page is how many rows PgUp and PgDn move.
const page = 5

// selection is the selected row: a node, an event or none. It follows the row
// itself, not its place, when others appear above it.
type selection struct {
	area area
	id   int64
}

type area int

const (
	nowhere area = iota
	amongNodes
	amongEvents
)

func (s selection) isNode(id int64) bool  { return s.area == amongNodes && s.id == id }
func (s selection) isEvent(id int64) bool { return s.area == amongEvents && s.id == id }

// rowsOf lists the rows that can be selected, from the top of the window down.
func rowsOf(p *picture) []selection {
	rows := make([]selection, 0, len(p.nodes)+len(p.events))
	for _, n := range p.nodes {
		rows = append(rows, selection{amongNodes, n.ID})
	}
	for _, e := range p.events {
		rows = append(rows, selection{amongEvents, e.ID})
	}
	return rows
}

// index is the place of s in its own area, -1 when it is elsewhere or gone.
func (s selection) index(p *picture, in area) int {
	i := 0
	for _, row := range rowsOf(p) {
		if row.area != in {
			continue
		}
		if row == s {
			return i
		}
		i++
	}
	return -1
}

// move returns the row that lies delta rows below s; from none, the first row.
func (s selection) move(p *picture, delta int) selection {
	rows := rowsOf(p)
	if len(rows) == 0 {
		return selection{}
	}
	for i, row := range rows {
		if row == s {
			return rows[min(max(i+delta, 0), len(rows)-1)]
		}
	}
	return rows[0]
}
