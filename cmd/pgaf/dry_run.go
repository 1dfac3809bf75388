package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"pgaf/keeper"
	"pgaf/monitor"
)

// dryRunOption is that of commands that change roles or remove things.
type dryRunOption struct {
	DryRun bool `name:"dry-run" help:"Print what would happen and change nothing."`
}

// preview prints what request would cause in a group. The monitor's own functions and rules work it out, in a
// transaction that is rolled back.
func (a *app) preview(ctx context.Context, client *monitor.Client, t target, group int, json bool, request func(context.Context) error) error {
	p, err := client.Preview(ctx, t.formation, group, request)
	if err != nil {
		return onMonitor(err)
	}
	if json {
		return a.printJSON(orderedJSON{{"dry_run", true}, {"steps", list(p.Steps)}, {"nodes", list(p.After)}})
	}
	printPreview(a.stdout, p)
	return nil
}

func printPreview(w io.Writer, p monitor.Preview) {
	for i, s := range p.Steps {
		arrow := ""
		if s.Assigned != s.Reported {
			arrow = " ➜ " + string(s.Assigned)
		}
		fmt.Fprintf(w, "%2d. %s  %s%s  (%s)\n", i+1, s.NodeName, s.Reported, arrow, s.Reason)
	}
	if len(p.Steps) == 0 {
		fmt.Fprintln(w, "no node would change its state")
	} else {
		fmt.Fprintln(w)
	}
	for _, before := range p.Before {
		if path := pathOf(before, p); path != "" {
			fmt.Fprintln(w, path)
		}
	}
	if len(p.Silent) > 0 {
		fmt.Fprintf(w, "%s: does not report to the monitor and would do nothing until it does\n", strings.Join(p.Silent, ", "))
	}
	for _, e := range p.Rest {
		if e.NodeID == groupItself && e.WaitingFor != "" {
			fmt.Fprintf(w, "then: %s; it waits for %s\n", e.Doing, e.WaitingFor)
		}
	}
	fmt.Fprintln(w, "nothing was changed (--dry-run)")
}

// pathOf is "node_a: primary ➜ draining ➜ demoted ➜ catchingup ➜ secondary"; nothing for a node that stays as it is.
func pathOf(before monitor.Node, p monitor.Preview) string {
	states := []string{string(before.Reported)}
	for _, s := range p.Steps {
		if s.NodeID == before.ID && states[len(states)-1] != string(s.Assigned) {
			states = append(states, string(s.Assigned))
		}
	}
	if nodeByID(p.After, before.ID) == nil {
		if states[len(states)-1] != string(monitor.StateDropped) {
			states = append(states, string(monitor.StateDropped))
		}
		states = append(states, "removed")
	}
	if len(states) == 1 {
		return ""
	}
	return before.Name + ": " + strings.Join(states, " ➜ ")
}

// previewFormation prints what a call would do that no node takes part in, once the monitor has found that it may be made.
func (a *app) previewFormation(ctx context.Context, client *monitor.Client, would string, call func() error) error {
	if err := client.Try(ctx, call); err != nil {
		return onMonitor(err)
	}
	_, err := fmt.Fprintf(a.stdout, "%s\nnothing was changed (--dry-run)\n", would)
	return err
}

// previewFiles prints which files of this machine a drop would remove.
func (a *app) previewFiles(pgdata string, role keeper.Role, destroy bool) error {
	files, err := keeper.DropFiles(pgdata, role)
	if err != nil {
		return err
	}
	kept := "its service and Postgres would be stopped; its files would stay (--destroy removes them)"
	if destroy {
		kept = "its service and Postgres would be stopped, and these would be removed:\n  " + strings.Join(files, "\n  ")
	}
	_, err = fmt.Fprintln(a.stdout, kept)
	if role == keeper.RoleMonitor {
		fmt.Fprintln(a.stdout, "nothing was changed (--dry-run)")
	}
	return err
}
