package tui

import (
	"testing"

	"github.com/charmbracelet/x/ansi"

	"pgaf/monitor"
)

// The widths are those at which the ladder is known to change for two nodes
// with short names on one machine.
func TestChooseNodePolicy(t *testing.T) {
	rows := nodeRows(fixedPicture(sampleUpdate()), noon)
	for _, tt := range []struct {
		width int
		want  string // "" = too small
	}{
		{44, ""}, {45, "minimal"}, {55, "very terse"}, {60, "quite terse"}, {70, "terse"},
		{80, "semi verbose"}, {90, "semi verbose with lag"}, {100, "verbose"},
		{115, "almost full"}, {130, "full"}, {160, "fully verbose"},
	} {
		f, ok := choose(nodePolicies(rows), rows, tt.width-gutter)
		if f.name != tt.want || ok != (tt.want != "") {
			t.Errorf("width %d: %q, want %q", tt.width, f.name, tt.want)
		}
		if ok && f.total() > tt.width-gutter {
			t.Errorf("width %d: policy %q takes %d", tt.width, f.name, f.total())
		}
	}
}

func TestWiderWindowShowsMore(t *testing.T) {
	rows := nodeRows(fixedPicture(sampleUpdate()), noon)
	last := 0
	for width := 43; width < 200; width++ {
		f, _ := choose(nodePolicies(rows), rows, width)
		if f.total() < last {
			t.Errorf("width %d: policy %q is narrower than the one for %d", width, f.name, width-1)
		}
		last = f.total()
	}
}

func TestRegionTakesColumnOnlyWhereItTells(t *testing.T) {
	rows := nodeRows(fixedPicture(sampleUpdate()), noon)
	has := func() bool {
		f, _ := choose(nodePolicies(rows), rows, 200)
		for _, c := range f.columns {
			if c.title == colRegion.title {
				return true
			}
		}
		return false
	}
	if has() {
		t.Error("all nodes are in the default region, and there is a column for it")
	}
	rows[1].Region = "paris"
	if !has() {
		t.Error("node2 is in region paris, and there is no column for it")
	}
}

func TestChooseEventPolicy(t *testing.T) {
	rows := eventRows(fixedPicture(sampleUpdate()), noon)
	for _, tt := range []struct {
		width int
		want  string
		text  int
	}{
		{34, "", 0}, {40, "minimal", 35}, {55, "terse", 40}, {80, "standard", 54},
		{100, "almost verbose", 57}, {130, "verbose", 82}, {160, "verbose", 112},
	} {
		f, ok := choose(eventPolicies, rows, tt.width)
		if f.name != tt.want {
			t.Errorf("width %d: %q, want %q", tt.width, f.name, tt.want)
		}
		if !ok {
			continue
		}
		if f.total() != tt.width || f.widths[len(f.widths)-1] != tt.text {
			t.Errorf("width %d: total %d with %d for the description, want %d",
				tt.width, f.total(), f.widths[len(f.widths)-1], tt.text)
		}
	}
}

func TestSplit(t *testing.T) {
	for _, tt := range []struct {
		height, nodes int
		events        bool
		want          areas // zero: too small
	}{
		{3, 2, true, areas{}},
		{4, 2, true, areas{nodes: 1}},
		{5, 2, true, areas{monitor: true, nodes: 1}},
		{6, 2, true, areas{monitor: true, notices: 1, nodes: 1}},
		{7, 2, true, areas{monitor: true, notices: 1, nodes: 2}},
		{8, 2, true, areas{monitor: true, notices: 1, nodes: 1, events: 1}},
		{11, 2, true, areas{monitor: true, notices: 1, nodes: 2, events: 3}},
		{24, 2, true, areas{monitor: true, notices: 1, nodes: 2, events: 16}},
		{24, 0, true, areas{monitor: true, notices: 1, nodes: 1, events: 17}},
		{24, 40, true, areas{monitor: true, notices: 1, nodes: 15, events: 3}},
		{24, 40, false, areas{monitor: true, notices: 1, nodes: 19}},
	} {
		got, ok := split(tt.height, tt.nodes, 1, tt.events)
		if got != tt.want || ok != (tt.want != areas{}) {
			t.Errorf("split(%d, %d, %v) = %+v, want %+v", tt.height, tt.nodes, tt.events, got, tt.want)
		}
	}
}

func TestSplitUsesWholeHeight(t *testing.T) {
	for height := minHeight; height < 60; height++ {
		for nodes := range 50 {
			a, _ := split(height, nodes, 1+nodes%3, true)
			used := 3 + a.nodes + a.notices + a.events // header, titles, footer
			for _, line := range []bool{a.monitor, a.events > 0} {
				if line {
					used++
				}
			}
			if used != height || a.nodes < 1 {
				t.Errorf("split(%d, %d) = %+v uses %d lines", height, nodes, a, used)
			}
		}
	}
}

func TestWindow(t *testing.T) {
	for _, tt := range []struct{ first, count, total, selected, want int }{
		{0, 5, 20, -1, 0},
		{0, 5, 20, 4, 0},
		{0, 5, 20, 5, 1},
		{7, 5, 20, 3, 3},
		{7, 5, 20, 9, 7},
		{18, 5, 20, -1, 15}, // the window grew
		{3, 5, 4, -1, 0},
	} {
		if got := window(tt.first, tt.count, tt.total, tt.selected); got != tt.want {
			t.Errorf("window(%d, %d, %d, %d) = %d, want %d",
				tt.first, tt.count, tt.total, tt.selected, got, tt.want)
		}
	}
}

// No line may ever be wider than the window: the terminal would wrap it and
// everything below would move.
func TestNoLineIsWiderThanTheWindow(t *testing.T) {
	u := sampleUpdate()
	u.Nodes[1].Name = "a-rather-long-name-with-ünïcode-✓"
	u.Nodes[1].Health, u.Nodes[1].HealthMessage = monitor.HealthBad, "FATAL: sorry,\ntoo many clients"
	lost := monitor.Update{Err: errRefused}
	for width := 1; width < 200; width++ {
		for _, m := range []model{fixedModel(width, 12, u), fixedModel(width, 12, u, lost), fixedModel(width, 12)} {
			for _, line := range splitLines(m.screen()) {
				if w := ansi.StringWidth(line); w > width && width > len("Window too small: 12x100") {
					t.Fatalf("width %d: %d cells in %q", width, w, line)
				}
			}
		}
	}
}
