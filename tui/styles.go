package tui

import "charm.land/lipgloss/v2"

// styles holds every style of the view. Each one also tells by an attribute,
// not only by its colour, so that it survives NO_COLOR.
type styles struct {
	plain    lipgloss.Style
	strong   lipgloss.Style // names and numbers of the header
	bar      lipgloss.Style // titles of a table, footer
	selected lipgloss.Style // the selected row
	writable lipgloss.Style // the node that accepts writes
	waiting  lipgloss.Style // a goal that is not reached yet
	outgoing lipgloss.Style // states in which a node loses or contests its role
	parked   lipgloss.Style // states in which a node takes no part
	bad      lipgloss.Style // an unhealthy node
	late     lipgloss.Style // a report that is overdue
	lost     lipgloss.Style // the monitor is out of reach
	stale    lipgloss.Style // the last known picture meanwhile
	quiet    lipgloss.Style // what needs no attention
}

// newStyles builds the styles for a dark or light background. With noColor only
// attributes such as bold and reverse are used (https://no-color.org).
func newStyles(dark, noColor bool) *styles {
	colour := func(onLight, onDark string) lipgloss.Style {
		if noColor {
			return lipgloss.NewStyle()
		}
		pick := lipgloss.LightDark(dark)
		return lipgloss.NewStyle().Foreground(pick(lipgloss.Color(onLight), lipgloss.Color(onDark)))
	}
	plain := lipgloss.NewStyle()
	return &styles{
		plain:    plain,
		strong:   plain.Bold(true),
		bar:      plain.Reverse(true),
		selected: plain.Reverse(true),
		writable: colour("28", "10").Bold(true),
		waiting:  colour("130", "11").Bold(true),
		outgoing: plain.Bold(true),
		parked:   plain.Faint(true).Underline(true),
		bad:      colour("160", "9").Bold(true).Reverse(true),
		late:     plain.Reverse(true),
		lost:     colour("160", "9").Bold(true).Reverse(true),
		stale:    plain.Faint(true),
		quiet:    plain.Faint(true),
	}
}
