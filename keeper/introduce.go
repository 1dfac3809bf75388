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
	told, _ := e.introduced.Load().(introduced)
	if !e.seen.answers || told == (introduced{m.Version, m.Timeline}) || !e.introducing.CompareAndSwap(false, true) {
		return
	}
	n, id := e.n, e.state.NodeID
	n.background.Go(func() {
		defer e.introducing.Store(false)
		err := n.link.do(n.life, func(ctx context.Context, c *monitor.Client) error {
			if told.version != m.Version {
				err := c.ReportPostgresVersion(ctx, id, monitor.PostgresVersion{Number: m.VersionNum, Short: m.Version, Long: "PostgreSQL " + n.bin.Version.Text})
				if err != nil {
					return err
				}
				told.version = m.Version
			}
			// A standby receives the file a moment after it has heard of the timeline.
			history, _, err := postgres.LocalHistory(n.paths.PGDATA, m.Timeline)
			if err == nil {
				err = c.ReportTimelineHistory(ctx, id, switches(history, m.Timeline))
			}
			if err == nil {
				told.timeline = m.Timeline
			}
			return err
		})
		e.introduced.Store(told)
		if err != nil && n.life.Err() == nil {
			n.log.Debug("the monitor was not told all about the version and the timelines; it will be", "error", err)
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
