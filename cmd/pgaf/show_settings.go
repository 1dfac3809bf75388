package main

import (
	"context"
	"fmt"
	"strings"

	"pgaf/monitor"
)

type showSettingsCmd struct {
	nodeSelector
	formationOption
	jsonOption
}

func (c *showSettingsCmd) Run(a *app) error {
	return c.ask(a, c.Formation, nil, func(ctx context.Context, client *monitor.Client, t target) error {
		if err := formationExists(ctx, client, t.formation); err != nil {
			return err
		}
		settings, err := client.FormationSettings(ctx, t.formation)
		if err != nil {
			return err
		}
		nodes, err := client.CurrentState(ctx, t.formation, nil)
		if err != nil {
			return err
		}
		for _, group := range groupsOf(target{}, nodes) {
			shared, err := client.GroupSettings(ctx, t.formation, group)
			if err != nil {
				return err
			}
			settings = append(settings, sharedSettings(group, shared)...)
		}
		if c.JSON {
			return a.printJSON(settingGroups(settings))
		}
		return settingsTable(settings).write(a.stdout)
	})
}

// sharedSettings are rows for the settings of Postgres that the nodes of a group share: each node that does not use the
// group's value has its own.
func sharedSettings(group int, settings []monitor.GroupSetting) []monitor.FormationSetting {
	var rows []monitor.FormationSetting
	seen := map[string]bool{}
	for _, s := range settings {
		if !seen[s.Name] {
			seen[s.Name] = true
			rows = append(rows, monitor.FormationSetting{Context: "group", GroupID: &group, Name: fmt.Sprintf("group %d", group), Setting: s.Name, Value: fmt.Sprint(s.Target)})
		}
		if !s.Done() {
			rows = append(rows, monitor.FormationSetting{Context: "node", GroupID: &group, NodeID: &s.NodeID, Name: s.NodeName, Setting: s.Name, Value: strings.TrimPrefix(settingState(s), s.Name+" ")})
		}
	}
	return rows
}

// settingGroups is the JSON form: the rows by their context, each key present.
func settingGroups(settings []monitor.FormationSetting) map[string][]monitor.FormationSetting {
	groups := map[string][]monitor.FormationSetting{"nodes": {}, "primary": {}, "formation": {}, "group": {}}
	for _, s := range settings {
		key := s.Context
		if key == "node" {
			key = "nodes"
		}
		groups[key] = append(groups[key], s)
	}
	return groups
}

func settingsTable(settings []monitor.FormationSetting) *table {
	t := &table{columns: []column{
		{title: "Context"},
		{title: "Name"},
		{title: "Setting"},
		{title: "Value", min: 10, left: true},
	}}
	for _, s := range settings {
		t.add(s.Context, s.Name, s.Setting, s.Value)
	}
	return t
}
