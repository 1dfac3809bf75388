package nodefile

import (
	"context"
	"strconv"

	"pgaf/keeper"
	"pgaf/monitor"
)

// compareFormations compares the sections [formation NAME] with what the monitor has.
// Formations that the file does not name are left alone.
func (c *comparison) compareFormations(ctx context.Context, client *monitor.Client) error {
	for _, wanted := range c.file.Formations {
		has, found, err := client.Formation(ctx, wanted.Name)
		if err != nil {
			return &keeper.ExitError{Code: keeper.ExitMonitor, Err: err}
		}
		if !found {
			c.found = append(c.found, wanted.missing())
			continue
		}
		c.compareFormation(wanted, has)
	}
	return nil
}

func (f Formation) missing() Difference {
	return Difference{Setting: "formation " + f.Name, File: f.Kind, Node: "none", apply: func(ctx context.Context, client *monitor.Client) error {
		_, err := client.CreateFormation(ctx, monitor.Formation{ID: f.Name, Kind: f.Kind, Database: "postgres", OptSecondary: f.Secondary, NumberSyncStandbys: f.NumSyncStandbys})
		return err
	}}
}

func (c *comparison) compareFormation(f Formation, has monitor.Formation) {
	key := func(name string) string { return "formation " + f.Name + "." + name }
	if f.Has("kind") {
		c.fixed(key("kind"), f.Kind, has.Kind, "create another formation")
	}
	if f.Has("secondary") && f.Secondary != has.OptSecondary {
		c.found = append(c.found, Difference{Setting: key("secondary"), File: strconv.FormatBool(f.Secondary), Node: strconv.FormatBool(has.OptSecondary),
			apply: func(ctx context.Context, client *monitor.Client) error {
				if f.Secondary {
					return client.EnableSecondary(ctx, f.Name)
				}
				return client.DisableSecondary(ctx, f.Name)
			}})
	}
	if f.Has("num_sync_standbys") && f.NumSyncStandbys != has.NumberSyncStandbys {
		c.found = append(c.found, Difference{Setting: key("num_sync_standbys"), File: strconv.Itoa(f.NumSyncStandbys), Node: strconv.Itoa(has.NumberSyncStandbys),
			apply: func(ctx context.Context, client *monitor.Client) error {
				_, err := client.SetFormationNumberSyncStandbys(ctx, f.Name, f.NumSyncStandbys)
				return err
			}})
	}
}
