package main

import (
	"context"

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
		if c.JSON {
			return a.printJSON(settingGroups(settings))
		}
		return settingsTable(settings).write(a.stdout)
	})
}

// settingGroups is the JSON form: the rows by their context, each key present.
func settingGroups(settings []monitor.FormationSetting) map[string][]monitor.FormationSetting {
	groups := map[string][]monitor.FormationSetting{"nodes": {}, "primary": {}, "formation": {}}
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
