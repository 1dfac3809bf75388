package tui

import (
	"cmp"
	"slices"
	"time"

	"pgaf/monitor"
)

// keptEvents bounds the events that a long-running view remembers.
const keptEvents = 1000

// picture is what the view last heard from the monitor. It stays as it is
// while the monitor is out of reach.
type picture struct {
	nodes     []monitor.Node
	events    []monitor.Event    // newest first
	formation *monitor.Formation // nil: the monitor has none of that name

	known bool      // the state was read at least once
	asOf  time.Time // the monitor's clock when nodes were read
	read  time.Time // this machine's clock when they arrived

	connected bool
	since     time.Time // when connected last changed, on this machine's clock
	reason    error     // why the monitor is not connected; nil: not tried yet
}

// apply takes over one update of the bus that arrived at now. An update may
// hold news and end with the connection lost.
func (p *picture) apply(u monitor.Update, now time.Time) {
	if u.Connected != p.connected || p.since.IsZero() {
		p.connected, p.since = u.Connected, now
	}
	p.reason = u.Err
	if u.Nodes != nil {
		p.known, p.nodes = true, u.Nodes
		p.asOf, p.read = u.Now, now
	}
	if u.Formations != nil {
		p.formation = nil
		if len(u.Formations) > 0 {
			p.formation = &u.Formations[0]
		}
	}
	if u.Reset {
		p.events = nil
	}
	p.add(u.Events)
}

// add takes over new events. Groups that decide at the same time may deliver
// theirs out of order.
func (p *picture) add(events []monitor.Event) {
	if len(events) == 0 {
		return
	}
	p.events = slices.Concat(p.events, events)
	slices.SortFunc(p.events, func(a, b monitor.Event) int { return cmp.Compare(b.ID, a.ID) })
	p.events = p.events[:min(len(p.events), keptEvents)]
}

// age is how long ago t was, a time on the monitor's clock.
func (p *picture) age(t, now time.Time) time.Duration {
	return max(0, p.asOf.Sub(t)+now.Sub(p.read))
}

// stale reports whether the picture is one from the past.
func (p *picture) stale() bool {
	return p.known && !p.connected
}
