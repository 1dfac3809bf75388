package main

import (
	"fmt"
	"strings"

	"pgaf/keeper"
)

type fsmMermaidCmd struct {
	Phase string `arg:"" enum:"init,steady-state,failover,maintenance,removal" help:"One of ${enum}."`
}

func (c *fsmMermaidCmd) Run(a *app) error {
	_, err := fmt.Fprint(a.stdout, fsmDiagram(keeper.Transitions, c.Phase))
	return err
}

// fsmDiagram draws the transitions of one phase, as documentation can include it. Rows for Citus
// belong to no phase: they differ from the others by the action only.
func fsmDiagram(transitions []keeper.Transition, phase string) string {
	var b strings.Builder
	b.WriteString("stateDiagram-v2\n")
	for _, t := range transitions {
		if t.Phase == phase {
			fmt.Fprintf(&b, "    %s --> %s: %s\n", t.From, t.To, mermaidText(t.Comment))
		}
	}
	return b.String()
}

// mermaidText keeps a label from ending early: a colon or a semicolon would.
func mermaidText(comment string) string {
	return strings.NewReplacer(":", " -", ";", ",").Replace(comment)
}
