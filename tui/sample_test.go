package tui

import (
	"errors"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"pgaf/monitor"
)

// noon is the time of all pictures here, on both clocks.
var noon = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)

var errRefused = errors.New("connect to monitor 10.0.0.1:5432: connection refused")

// sampleNode is a healthy, settled node that reported a second ago.
func sampleNode(id int64, state monitor.State) monitor.Node {
	return monitor.Node{
		ID: id, Formation: "default", FormationKind: "pgsql", Name: "node" + string(rune('0'+id)),
		Host: "127.0.0.1", Port: 5500 + int(id), Reported: state, Assigned: state,
		CandidatePriority: 50, ReplicationQuorum: true, TLI: 1, LSN: 0x3000148,
		Health: monitor.HealthGood, HealthSign: monitor.SignOK, Region: "default", Cluster: "default",
		ReportTime: noon.Add(-time.Second), StateChangeTime: noon.Add(-time.Hour),
	}
}

func sampleEvent(id int64, n monitor.Node, rule, description string) monitor.Event {
	return monitor.Event{
		ID: id, Time: noon.Add(time.Duration(id-200) * time.Second), Formation: n.Formation, NodeID: n.ID,
		NodeName: n.Name, NodeHost: n.Host, NodePort: n.Port, Reported: n.Reported, Assigned: n.Assigned,
		Rule: rule, Description: description,
	}
}

// sampleUpdate is a group of two in the middle of a switchover.
func sampleUpdate() monitor.Update {
	primary, standby := sampleNode(1, monitor.StatePrimary), sampleNode(2, monitor.StateSecondary)
	standby.LSN, standby.ReplicationLagBytes = 0x3000000, 328
	u := monitor.Update{
		Connected: true, Reset: true, Now: noon,
		Formations: []monitor.Formation{{ID: "default", Kind: "pgsql", NumberSyncStandbys: 1}},
		Events: []monitor.Event{
			sampleEvent(101, primary, "enable_sync", "node1 waits for its standby before it acknowledges a commit"),
			sampleEvent(102, standby, "node_active", `"node2" reports secondary`),
		},
	}
	primary.Assigned = monitor.StateDraining
	primary.StateChangeTime = noon.Add(-3 * time.Second)
	u.Events = append(u.Events, sampleEvent(103, primary, "perform_failover", "node1 hands over: it finishes its writes and stops"))
	u.Nodes = []monitor.Node{primary, standby}
	return u
}

// fixedModel is a model of the given size that shows updates at noon.
func fixedModel(width, height int, updates ...monitor.Update) model {
	m := newModel(nil, target{Formation: "default", monitor: "10.0.0.1:5432"}, false, noon)
	m.width, m.height = width, height
	for _, u := range updates {
		m.picture.apply(u, noon)
	}
	return m.settled()
}

// text is the screen of m without styles.
func text(m model) string { return ansi.Strip(m.screen()) }

func sendKeys(t *testing.T, m model, names ...string) model {
	t.Helper()
	for _, name := range names {
		next, _ := m.Update(keyNamed(t, name))
		m = next.(model)
	}
	return m
}

// keyNamed is the key press whose name, as in the key map, is name.
func keyNamed(t *testing.T, name string) tea.KeyPressMsg {
	t.Helper()
	if len(name) == 1 {
		return tea.KeyPressMsg{Code: rune(name[0]), Text: name}
	}
	if letter, ok := strings.CutPrefix(name, "ctrl+"); ok {
		return tea.KeyPressMsg{Code: rune(letter[0]), Mod: tea.ModCtrl}
	}
	for _, code := range []rune{tea.KeyUp, tea.KeyDown, tea.KeyLeft, tea.KeyRight, tea.KeyPgUp, tea.KeyPgDown,
		tea.KeyHome, tea.KeyEnd, tea.KeyDelete, tea.KeyEscape, tea.KeyF1} {
		if k := (tea.KeyPressMsg{Code: code}); k.String() == name {
			return k
		}
	}
	t.Fatalf("no key is called %q", name)
	return tea.KeyPressMsg{}
}

// trimmed is a screen without the spaces at the ends of its lines.
func trimmed(screen string) string {
	lines := strings.Split(screen, "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " ")
	}
	return strings.Join(lines, "\n")
}

func splitLines(screen string) []string { return strings.Split(screen, "\n") }

func fixedPicture(updates ...monitor.Update) *picture {
	m := fixedModel(80, 24, updates...)
	return &m.picture
}
