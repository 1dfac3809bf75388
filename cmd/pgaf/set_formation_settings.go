package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"pgaf/monitor"
)

type setFormationSettingsCmd struct {
	nodeSelector
	formationOption
	groupOption
	Wait seconds `name:"wait" short:"w" default:"300" placeholder:"SECONDS" help:"How long to wait until every node uses them; 0 does not wait (default 300)."`
	dryRunOption
	jsonOption
	Settings []string `arg:"" name:"name=value" help:"max_connections, max_worker_processes, max_wal_senders, max_prepared_transactions or max_locks_per_transaction, and a number or default."`
}

func (c *setFormationSettingsCmd) Run(a *app) error {
	settings, err := parseSettings(c.Settings)
	if err != nil {
		return err
	}
	return c.ask(a, c.Formation, c.Group, func(ctx context.Context, client *monitor.Client, t target) error {
		nodes, err := formationNodes(ctx, client, t.formation, nil)
		if err != nil {
			return err
		}
		group, err := onlyGroup(t, nodes)
		if err != nil {
			return err
		}
		if c.DryRun {
			return c.preview(ctx, a, client, t, group, settings)
		}
		set := func(ctx context.Context) error {
			changed, err := client.SetGroupSettings(ctx, t.formation, group, settings)
			if err == nil && !changed {
				a.log.Info("the group has these settings already; nodes that do not use them yet go on")
			}
			return err
		}
		if c.Wait == 0 {
			return set(ctx)
		}
		p := &settingsProgress{app: a, client: client, names: slices.Sorted(maps.Keys(settings)), formation: t.formation, group: group, said: map[string]string{}}
		w := &waiter{
			app:     a,
			client:  client,
			target:  t,
			group:   &group,
			timeout: c.Wait.duration(),
			what:    "the nodes to use the settings",
			code:    exitMonitor,
			remedy:  "the change is stored and goes on; see where it is with: " + a.name + " show settings, and what it waits for with: " + a.name + " explain",
			goesOn:  "the change is stored and goes on; give the old values to take it back",
			silent:  true,
			request: set,
			done:    func([]monitor.Node) (bool, error) { return p.done(ctx) },
			doing:   p.waitsFor,
		}
		if err := w.run(ctx); err != nil {
			return err
		}
		return c.print(ctx, a, client, t, group)
	})
}

// parseSettings reads NAME=VALUE words.
func parseSettings(words []string) (map[string]string, error) {
	settings := map[string]string{}
	for _, word := range words {
		name, value, found := strings.Cut(word, "=")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		if !found || name == "" || value == "" {
			return nil, usageError("write NAME=VALUE, for instance max_connections=200", "%q is no setting with its value", word)
		}
		if _, twice := settings[name]; twice {
			return nil, usageError("give it once", "setting %s is given twice", name)
		}
		if !slices.Contains(groupSettingNames, name) {
			return nil, usageError(suggest(nearest(name, groupSettingNames), "the settings of a group are "+strings.Join(groupSettingNames, ", ")+"; set any other one in postgresql.conf of each node"),
				"%s is no setting of a group", name)
		}
		settings[name] = value
	}
	return settings, nil
}

var groupSettingNames = []string{"max_connections", "max_worker_processes", "max_wal_senders", "max_prepared_transactions", "max_locks_per_transaction"}

// settingsProgress says what changed since it was last asked.
type settingsProgress struct {
	app       *app
	client    *monitor.Client
	names     []string
	formation string
	group     int
	said      map[string]string // by node
	waits     string
}

// waitsFor is what the wait is for just now.
func (p *settingsProgress) waitsFor() string { return p.waits }

func (p *settingsProgress) done(ctx context.Context) (bool, error) {
	rows, err := p.client.GroupSettings(ctx, p.formation, p.group)
	if err != nil {
		return false, onMonitor(err)
	}
	done, waits := true, []string{}
	for _, s := range rows {
		if !slices.Contains(p.names, s.Name) {
			continue
		}
		text := settingState(s)
		if p.said[s.NodeName+s.Name] != text {
			p.said[s.NodeName+s.Name] = text
			p.app.log.Info(fmt.Sprintf("%s: %s", s.NodeName, text))
		}
		if s.Counts && !s.Done() {
			done = false
			waits = append(waits, s.NodeName+" to use "+fmt.Sprintf("%s = %d", s.Name, s.Target))
		}
	}
	p.waits = strings.Join(waits, ", ")
	return done, nil
}

// settingState is where a node is with one setting.
func settingState(s monitor.GroupSetting) string {
	used := "?"
	if s.Used != nil {
		used = fmt.Sprint(*s.Used)
	}
	text := fmt.Sprintf("%s %s ➜ %d", s.Name, used, s.Target)
	switch {
	case s.Done():
		return fmt.Sprintf("%s is %d", s.Name, s.Target)
	case s.Problem != "":
		return text + ", but " + s.Problem
	case !s.Counts:
		return text + ", once it follows the primary again"
	case s.WaitsFor != "":
		return text + ", after " + s.WaitsFor
	case s.Used == nil:
		return text + ", when its keeper has said what it uses"
	}
	return text + ", restarts its Postgres"
}

// print shows what each node uses now.
func (c *setFormationSettingsCmd) print(ctx context.Context, a *app, client *monitor.Client, t target, group int) error {
	rows, err := client.GroupSettings(ctx, t.formation, group)
	if err != nil {
		return err
	}
	if c.JSON {
		return a.printJSON(groupSettingRows(rows))
	}
	return groupSettingsTable(rows).write(a.stdout)
}

// groupSettingRow is one node's setting in JSON.
type groupSettingRow struct {
	NodeID   int64  `json:"node_id"`
	NodeName string `json:"nodename"`
	Setting  string `json:"setting"`
	Target   int    `json:"value"`
	Used     *int   `json:"used"`
	Pending  bool   `json:"pending_restart"`
	WaitsFor string `json:"waits_for,omitempty"`
	Problem  string `json:"problem,omitempty"`
}

func groupSettingRows(settings []monitor.GroupSetting) []groupSettingRow {
	rows := []groupSettingRow{}
	for _, s := range settings {
		rows = append(rows, groupSettingRow{s.NodeID, s.NodeName, s.Name, s.Target, s.Used, s.Pending, s.WaitsFor, s.Problem})
	}
	return rows
}

func groupSettingsTable(settings []monitor.GroupSetting) *table {
	t := &table{columns: []column{{title: "Name"}, {title: "Setting"}, {title: "Value"}, {title: "In effect", left: true}}}
	for _, s := range settings {
		state := "yes"
		if !s.Done() {
			state = strings.TrimPrefix(settingState(s), s.Name+" ")
		}
		t.add(s.NodeName, s.Name, fmt.Sprint(s.Target), state)
	}
	return t
}

// preview prints the order of the restarts: the monitor's own functions work it out, in a transaction that is rolled back.
func (c *setFormationSettingsCmd) preview(ctx context.Context, a *app, client *monitor.Client, t target, group int, settings map[string]string) error {
	steps, err := client.PreviewGroupSettings(ctx, t.formation, group, settings)
	if err != nil {
		return err
	}
	if c.JSON {
		return a.printJSON(map[string]any{"dry_run": true, "steps": list(steps)})
	}
	if len(steps) == 0 {
		_, err := fmt.Fprintln(a.stdout, "nothing would change")
		return err
	}
	for i, s := range steps {
		fmt.Fprintf(a.stdout, "%d. %s: %s\n", i+1, s.Node, s.What)
	}
	_, err = fmt.Fprintln(a.stdout, "nothing was changed (--dry-run)")
	return err
}
