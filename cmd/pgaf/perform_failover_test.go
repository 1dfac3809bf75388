package main

import (
	"testing"

	"pgaf/monitor"
)

func TestNewPrimary(t *testing.T) {
	node := func(id int64, reported, assigned monitor.State) monitor.Node {
		return monitor.Node{ID: id, Reported: reported, Assigned: assigned}
	}
	for _, c := range []struct {
		name  string
		nodes []monitor.Node
		done  bool
		fails bool
	}{
		{"the old one drains", []monitor.Node{node(1, monitor.StatePrimary, monitor.StateDraining), node(2, monitor.StateSecondary, monitor.StateSecondary)}, false, false},
		{"the new one is alone yet", []monitor.Node{node(1, monitor.StateDemoted, monitor.StateCatchingup), node(2, monitor.StateWaitPrimary, monitor.StateWaitPrimary)}, false, false},
		{"the new one is told to be primary", []monitor.Node{node(1, monitor.StateSecondary, monitor.StateSecondary), node(2, monitor.StateWaitPrimary, monitor.StatePrimary)}, false, false},
		{"the new one is primary", []monitor.Node{node(1, monitor.StateSecondary, monitor.StateSecondary), node(2, monitor.StatePrimary, monitor.StatePrimary)}, true, false},
		{"the old one is primary again", []monitor.Node{node(1, monitor.StatePrimary, monitor.StatePrimary), node(2, monitor.StateSecondary, monitor.StateSecondary)}, false, true},
		{"nobody is left", nil, false, false},
	} {
		done, err := newPrimary(c.nodes, 1)
		if done != c.done || (err != nil) != c.fails {
			t.Errorf("%s: %v, %v; want %v, error %v", c.name, done, err, c.done, c.fails)
		}
	}
}

func TestOnlyGroup(t *testing.T) {
	two := 2
	for _, c := range []struct {
		name   string
		target target
		nodes  []monitor.Node
		want   int
		code   int
	}{
		{"given", target{group: &two}, nil, 2, 0},
		{"the only one", target{}, []monitor.Node{{GroupID: 1}, {GroupID: 1}}, 1, 0},
		{"several", target{}, []monitor.Node{{GroupID: 0}, {GroupID: 1}}, 0, exitBadArgs},
		{"no nodes", target{}, nil, 0, exitBadState},
	} {
		got, err := onlyGroup(c.target, c.nodes)
		if err != nil {
			if exitCode(err) != c.code {
				t.Errorf("%s: %v ends with %d, want %d", c.name, err, exitCode(err), c.code)
			}
			continue
		}
		if c.code != 0 || got != c.want {
			t.Errorf("%s: %d, want %d (exit code %d)", c.name, got, c.want, c.code)
		}
	}
}
