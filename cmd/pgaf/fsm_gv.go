package main

import (
	"fmt"
	"strings"

	"pgaf/keeper"
	"pgaf/monitor"
)

type fsmGvCmd struct{}

func (*fsmGvCmd) Run(a *app) error {
	_, err := fmt.Fprint(a.stdout, fsmGraph(keeper.Transitions))
	return err
}

// fsmGraph draws the state machine: one arrow per pair of states. A row from any
// state is drawn from every other one.
func fsmGraph(transitions []keeper.Transition) string {
	var b strings.Builder
	b.WriteString("digraph finite_state_machine\n{\n    size=\"12\"\n    ratio=\"fill\"\n    node [shape = circle];\n\n")
	drawn := map[[2]monitor.State]bool{}
	arrow := func(from, to monitor.State, comment string) {
		if from == to || drawn[[2]monitor.State{from, to}] {
			return
		}
		drawn[[2]monitor.State{from, to}] = true
		fmt.Fprintf(&b, "    %s -> %s [label = %q ];\n", from, to, comment)
	}
	for _, t := range transitions {
		if t.From != keeper.Any {
			arrow(t.From, t.To, t.Comment)
			continue
		}
		for _, from := range monitor.States {
			if from != monitor.StateUnknown {
				arrow(from, t.To, t.Comment)
			}
		}
	}
	b.WriteString("}\n")
	return b.String()
}
