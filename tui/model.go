package tui

import (
	"time"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"pgaf/monitor"
)

// model is the state of the program: the picture, the window and what the user
// did. Update changes it, View only draws it.
type model struct {
	updates <-chan monitor.Update
	styles  *styles
	noColor bool
	target  target
	picture picture
	now     time.Time

	width, height         int
	selection             selection
	scroll                int
	sticky                bool // descriptions stay scrolled to their end
	help                  bool
	firstNode, firstEvent int
}

type (
	updateMsg monitor.Update
	closedMsg struct{} // the bus ended
	tickMsg   time.Time
)

func newModel(updates <-chan monitor.Update, t target, noColor bool, now time.Time) model {
	return model{updates: updates, styles: newStyles(true, noColor), noColor: noColor, target: t, now: now}
}

// Init also asks the terminal for its background; one that does not answer is
// taken for dark.
func (m model) Init() tea.Cmd {
	return tea.Batch(m.listen, tick(), tea.RequestBackgroundColor)
}

// listen waits for the next update of the bus.
func (m model) listen() tea.Msg {
	u, open := <-m.updates
	if !open {
		return closedMsg{}
	}
	return updateMsg(u)
}

func tick() tea.Cmd {
	return tea.Every(time.Second, func(t time.Time) tea.Msg { return tickMsg(t) })
}

func (m model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	var cmd tea.Cmd
	switch msg := msg.(type) {
	case updateMsg:
		m.now = time.Now()
		m.picture.apply(monitor.Update(msg), m.now)
		cmd = m.listen
	case closedMsg:
		cmd = tea.Quit
	case tickMsg:
		m.now = time.Time(msg)
		cmd = tick()
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case tea.BackgroundColorMsg:
		m.styles = newStyles(msg.IsDark(), m.noColor)
	case tea.KeyPressMsg:
		m, cmd = m.press(msg)
	}
	return m.settled(), cmd
}

// press carries out what a key means.
func (m model) press(k tea.KeyPressMsg) (model, tea.Cmd) {
	step := max(1, (m.width-21)/2)
	switch {
	case key.Matches(k, keys.Quit):
		return m, tea.Quit
	case key.Matches(k, keys.Help):
		m.help = !m.help
	case m.help && key.Matches(k, keys.Clear):
		m.help = false
	case key.Matches(k, keys.Up):
		m.selection = m.selection.move(&m.picture, -1)
	case key.Matches(k, keys.Down):
		m.selection = m.selection.move(&m.picture, 1)
	case key.Matches(k, keys.PageUp):
		m.selection = m.selection.move(&m.picture, -page)
	case key.Matches(k, keys.PageDown):
		m.selection = m.selection.move(&m.picture, page)
	case key.Matches(k, keys.Clear):
		m.selection, m.firstNode, m.firstEvent = selection{}, 0, 0
	case key.Matches(k, keys.Left):
		m.scroll, m.sticky = m.scroll-step, false
	case key.Matches(k, keys.Right):
		m.scroll += step
	case key.Matches(k, keys.Start):
		m.scroll, m.sticky = 0, false
	case key.Matches(k, keys.End):
		m.sticky = true
	}
	return m, nil
}

// settled keeps scrolling within what there is to see: selected rows are
// visible, and descriptions end where the longest one ends.
func (m model) settled() model {
	v := m.view()
	if !v.layout() {
		return m
	}
	m.firstNode, m.firstEvent = v.firstNode, v.firstEvent
	if v.areas.events > 0 {
		room := v.eventTable.widths[len(v.eventTable.widths)-1]
		end := scrollEnd(longestDescription(v.events), room)
		if m.sticky {
			m.scroll = end
		}
		m.scroll = min(max(m.scroll, 0), end)
	}
	return m
}

func (m model) view() view {
	return view{
		styles: m.styles, target: m.target, picture: &m.picture, now: m.now,
		width: m.width, height: m.height,
		selection: m.selection, scroll: m.scroll, help: m.help,
		firstNode: m.firstNode, firstEvent: m.firstEvent,
	}
}

// View shows the screen in place of the shell's, which comes back at the end.
func (m model) View() tea.View {
	v := tea.NewView(m.screen())
	v.AltScreen = true
	return v
}

// screen draws the window, nothing before its size is known.
func (m model) screen() string {
	if m.width == 0 || m.height == 0 {
		return ""
	}
	v := m.view()
	return v.draw(v.layout())
}
