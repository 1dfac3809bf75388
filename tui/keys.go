package tui

import "charm.land/bubbles/v2/key"

// keyMap lists what the keyboard does; the help screen is drawn from it.
type keyMap struct {
	Quit, Help                        key.Binding
	Up, Down, PageUp, PageDown, Clear key.Binding
	Left, Right, Start, End           key.Binding
}

var keys = keyMap{
	Quit:     binding("q, F1, Ctrl-C", "quit", "q", "f1", "ctrl+c"),
	Help:     binding("?", "show or hide this help", "?"),
	Up:       binding("Up, k, Ctrl-P", "select the row above", "up", "k", "ctrl+p"),
	Down:     binding("Down, j, Ctrl-N", "select the row below", "down", "j", "ctrl+n"),
	PageUp:   binding("PgUp, Ctrl-U", "move the selection up by 5", "pgup", "ctrl+u"),
	PageDown: binding("PgDn, Ctrl-D", "move the selection down by 5", "pgdown", "ctrl+d"),
	Clear:    binding("Del, Esc", "clear the selection", "delete", "esc"),
	Left:     binding("Left, h, Ctrl-B", "scroll event descriptions back", "left", "h", "ctrl+b"),
	Right:    binding("Right, l, Ctrl-F", "scroll event descriptions on", "right", "l", "ctrl+f"),
	Start:    binding("Home, 0, Ctrl-A", "start of event descriptions", "home", "0", "ctrl+a"),
	End:      binding("End, $, Ctrl-E", "end of event descriptions", "end", "$", "ctrl+e"),
}

func binding(shown, does string, names ...string) key.Binding {
	return key.NewBinding(key.WithKeys(names...), key.WithHelp(shown, does))
}

func (k keyMap) all() []key.Binding {
	return []key.Binding{
		k.Up, k.Down, k.PageUp, k.PageDown, k.Clear,
		k.Left, k.Right, k.Start, k.End, k.Help, k.Quit,
	}
}
