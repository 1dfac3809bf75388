package tui

import (
	"fmt"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"pgaf/monitor"
)

// fed sends messages to a model as the program does, and returns the last command.
func fed(m model, msgs ...tea.Msg) (model, tea.Cmd) {
	var cmd tea.Cmd
	for _, msg := range msgs {
		var next tea.Model
		next, cmd = m.Update(msg)
		m = next.(model)
	}
	return m, cmd
}

func quits(cmd tea.Cmd) bool {
	if cmd == nil {
		return false
	}
	_, quit := cmd().(tea.QuitMsg)
	return quit
}

func TestQuitKeys(t *testing.T) {
	for _, name := range []string{"q", "f1", "ctrl+c"} {
		if _, cmd := fed(fixedModel(80, 24, sampleUpdate()), keyNamed(t, name)); !quits(cmd) {
			t.Errorf("%s does not quit", name)
		}
	}
	if _, cmd := fed(fixedModel(80, 24), keyNamed(t, "x")); quits(cmd) {
		t.Error("x quits")
	}
}

func TestEndOfBusQuits(t *testing.T) {
	updates := make(chan monitor.Update)
	close(updates)
	m := newModel(updates, target{}, false, noon)
	if _, cmd := fed(m, m.listen()); !quits(cmd) {
		t.Error("the program goes on without its bus")
	}
}

func TestUpdateIsDrawnAndTheNextOneAwaited(t *testing.T) {
	updates := make(chan monitor.Update, 1)
	m := newModel(updates, target{Formation: "default", monitor: "10.0.0.1:5432"}, false, noon)
	m, _ = fed(m, tea.WindowSizeMsg{Width: 80, Height: 24})
	updates <- sampleUpdate()
	m, cmd := fed(m, m.listen())
	if !strings.Contains(text(m), "node2") {
		t.Errorf("the update is not drawn:\n%s", text(m))
	}
	updates <- monitor.Update{Err: errRefused}
	if m, _ = fed(m, cmd()); !strings.Contains(text(m), "connection refused") {
		t.Errorf("the lost connection is not drawn:\n%s", text(m))
	}
}

func TestTickMovesClockAndAges(t *testing.T) {
	m, cmd := fed(fixedModel(80, 24, sampleUpdate()), tickMsg(noon.Add(9*time.Second)))
	screen := text(m)
	if !strings.Contains(screen, "12:00:09") || !strings.Contains(screen, "node1 waits 12s") {
		t.Errorf("nine seconds later:\n%s", screen)
	}
	if cmd == nil {
		t.Error("the clock stops")
	}
}

func TestResize(t *testing.T) {
	m := fixedModel(80, 24, sampleUpdate())
	for _, size := range []tea.WindowSizeMsg{{Width: 30, Height: 10}, {Width: 160, Height: 3}} {
		m, _ = fed(m, size)
		want := fmt.Sprintf("Window too small: %dx%d", size.Height, size.Width)
		if got := text(m); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	m, _ = fed(m, tea.WindowSizeMsg{Width: 160, Height: 40})
	if lines := splitLines(text(m)); len(lines) != 40 || !strings.Contains(text(m), "Waits") {
		t.Errorf("%d lines in a window of 160x40:\n%s", len(lines), text(m))
	}
}

func TestNothingIsDrawnBeforeTheSizeIsKnown(t *testing.T) {
	if got := newModel(nil, target{}, false, noon).screen(); got != "" {
		t.Errorf("drawn: %q", got)
	}
}

func TestSelectionKeys(t *testing.T) {
	node := func(id int64) selection { return selection{amongNodes, id} }
	event := func(id int64) selection { return selection{amongEvents, id} }
	for _, tt := range []struct {
		keys string
		want selection
	}{
		{"down", node(1)},
		{"up", node(1)},
		{"j j", node(2)},
		{"down ctrl+n down", event(103)}, // from the last node to the newest event
		{"j j j k ctrl+p", node(1)},
		{"j pgdown", event(101)},
		{"j ctrl+d ctrl+d", event(101)},
		{"j pgdown pgup", node(1)},
		{"j pgdown up ctrl+u", node(1)},
		{"j j delete", selection{}},
		{"j esc", selection{}},
	} {
		m := sendKeys(t, fixedModel(80, 24, sampleUpdate()), strings.Fields(tt.keys)...)
		if m.selection != tt.want {
			t.Errorf("%s selects %+v, want %+v", tt.keys, m.selection, tt.want)
		}
	}
}

func TestSelectionStaysOnItsEvent(t *testing.T) {
	m := sendKeys(t, fixedModel(80, 12, sampleUpdate()), "j", "j", "j")
	u := sampleUpdate()
	u.Reset, u.Events = false, nil
	for id := range int64(10) {
		u.Events = append(u.Events, sampleEvent(110+id, u.Nodes[0], "", "later"))
	}
	m, _ = fed(m, updateMsg(u))
	if !m.selection.isEvent(103) {
		t.Errorf("the selection moved to %+v", m.selection)
	}
	if !strings.Contains(text(m), "node1 hands over: it") {
		t.Errorf("the selected event went out of sight:\n%s", text(m))
	}
}

func TestLongTablesScrollWithTheSelection(t *testing.T) {
	u := sampleUpdate()
	u.Nodes = nil
	for id := range int64(40) {
		n := sampleNode(1, monitor.StateSecondary)
		n.ID, n.Name = id+1, fmt.Sprintf("replica%02d", id+1)
		u.Nodes = append(u.Nodes, n)
	}
	m := fixedModel(100, 24, u)
	if s := text(m); !strings.Contains(s, "replica15") || strings.Contains(s, "replica16") || !strings.Contains(s, "nodes 1-15 of 40") {
		t.Errorf("first nodes:\n%s", s)
	}
	m = sendKeys(t, m, "j", "pgdown", "pgdown", "pgdown", "pgdown")
	if s := text(m); !strings.Contains(s, "replica21") || strings.Contains(s, "replica06") || !strings.Contains(s, "nodes 7-21 of 40") {
		t.Errorf("node 21 is selected:\n%s", s)
	}
	if s := text(sendKeys(t, m, "delete")); !strings.Contains(s, "nodes 1-15 of 40") {
		t.Errorf("the selection is cleared:\n%s", s)
	}
}

func TestDescriptionKeys(t *testing.T) {
	u := sampleUpdate()
	u.Events[1].Description = strings.Repeat("0123456789", 20)
	const start, step = 0, (80 - 21) / 2
	end := scrollEnd(200, 54)
	for _, tt := range []struct {
		keys string
		want int
	}{
		{"right", step},
		{"l ctrl+f", 2 * step},
		{"right right left", step},
		{"left h ctrl+b", start},
		{"end", end},
		{"$ home", start},
		{"ctrl+e ctrl+a", start},
		{"end 0", start},
		{"end right", end},
		{"end left", end - step},
		{"right right right right right right right right", end},
	} {
		m := sendKeys(t, fixedModel(80, 24, u), strings.Fields(tt.keys)...)
		if m.scroll != tt.want {
			t.Errorf("%s scrolls to %d, want %d", tt.keys, m.scroll, tt.want)
		}
	}
}

func TestEndSticks(t *testing.T) {
	u := sampleUpdate()
	u.Events[1].Description = strings.Repeat("x", 100)
	m := sendKeys(t, fixedModel(80, 24, u), "end")
	more := u
	more.Reset, more.Events = false, []monitor.Event{sampleEvent(120, u.Nodes[0], "", strings.Repeat("y", 150))}
	m, _ = fed(m, updateMsg(more))
	if want := scrollEnd(150, 54); m.scroll != want {
		t.Errorf("scrolled to %d after a longer event arrived, want %d", m.scroll, want)
	}
}

func TestHelp(t *testing.T) {
	m := sendKeys(t, fixedModel(80, 30, sampleUpdate()), "?")
	for _, b := range keys.all() {
		if !strings.Contains(text(m), b.Help().Key) {
			t.Errorf("the help does not tell about %s", b.Help().Key)
		}
	}
	for _, name := range []string{"?", "esc"} {
		if s := text(sendKeys(t, m, name)); !strings.Contains(s, "node2") {
			t.Errorf("%s does not leave the help:\n%s", name, s)
		}
	}
}
