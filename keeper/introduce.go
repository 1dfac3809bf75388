package keeper

import (
	"context"

	"pgaf/keeper/postgres"
	"pgaf/monitor"
)

// introduce tells the monitor, for the people who read it there, what runs on this
// node: the version of Postgres once, and the history of each timeline it is on.
func (e *executor) introduce() {
	m := e.seen.meta
	if !e.seen.answers || m.Timeline == e.introduced.timeline && m.Version == e.introduced.version {
		return
	}
	version, timeline := m.Version, m.Timeline
	e.introduced.version, e.introduced.timeline = version, timeline
	n, id := e.n, e.state.NodeID
	n.background.Go(func() {
		history, _, err := postgres.LocalHistory(n.paths.PGDATA, timeline)
		if err != nil {
			n.log.Debug("the history of the timeline cannot be read", "timeline", timeline, "error", err)
		}
		err = n.link.do(n.life, func(ctx context.Context, c *monitor.Client) error {
			if err := c.ReportPostgresVersion(ctx, id, monitor.PostgresVersion{Number: m.VersionNum, Short: version, Long: "PostgreSQL " + n.bin.Version.Text}); err != nil {
				return err
			}
			return c.ReportTimelineHistory(ctx, id, switches(history, timeline))
		})
		if err != nil && n.life.Err() == nil {
			n.log.Debug("the monitor was not told the version and the timelines", "error", err)
		}
	})
}

// introduced is what the monitor was told last.
type introduced struct {
	version  string
	timeline int
}

// switches turns the history of a timeline into the monitor's form: each timeline
// with its parent and the position at which it left it.
func switches(history postgres.History, timeline int) []monitor.TimelineSwitch {
	var list []monitor.TimelineSwitch
	for i, ancestor := range history {
		child := timeline
		if i+1 < len(history) {
			child = history[i+1].TLI
		}
		list = append(list, monitor.TimelineSwitch{TLI: child, ParentTLI: ancestor.TLI, SwitchLSN: ancestor.SwitchLSN})
	}
	return list
}
