package monitor

import (
	"context"
	"maps"
	"slices"
	"time"
)

const (
	firstEvents = 80               // what the first update of a feed holds
	readTimeout = 10 * time.Second // for the queries behind an update
)

// Message is a notification on a channel other than state.
type Message struct {
	Channel string
	Payload string
}

// Update is what a listener learned. Nodes and Formations are the whole state
// or nil; Events are new ones, each exactly once, ascending within its group.
// The nodes are at least as recent as the events.
type Update struct {
	Connected  bool
	Err        error // why the connection was lost or not made, when not Connected
	Reset      bool  // forget earlier events: Events holds the newest of the whole history
	Nodes      []Node
	Now        time.Time // the monitor's clock when Nodes were read; zero without Nodes
	Formations []Formation
	Events     []Event
	Messages   []Message
}

// Feed turns notifications into updates: the one listener of this package. It
// holds what was seen so far and outlives connections: Attach it to a new
// Client after the old one broke, and nothing is missed or repeated.
//
// Notifications only wake it up. What happened is read from the tables, since
// notifications are lost with their connection and events are not.
type Feed struct {
	formation string
	group     *int
	channels  []string
	client    *Client
	seen      eventLog
}

// NewFeed makes a feed of a formation ("" = all) and group (nil = all). Other
// channels to listen on, besides state, may be given.
func NewFeed(formation string, group *int, channels ...string) *Feed {
	return &Feed{formation: formation, group: group, channels: channels}
}

// Attach listens on c, then reads the state, then the events after the last
// one it saw; at the first time the newest 80.
func (f *Feed) Attach(ctx context.Context, c *Client) (Update, error) {
	f.client = c
	if err := c.Listen(ctx, append([]string{ChannelState}, f.channels...)...); err != nil {
		return Update{}, err
	}
	events, reset, err := f.catchUp(ctx)
	if err != nil {
		return Update{}, err
	}
	return f.complete(ctx, Update{Connected: true, Reset: reset}, events)
}

// Refresh reads the state without waiting.
func (f *Feed) Refresh(ctx context.Context) (Update, error) {
	return f.complete(ctx, Update{Connected: true}, nil)
}

// Next blocks until something happened. When ctx ends first, it returns the
// context's error and the connection can be used as before.
func (f *Feed) Next(ctx context.Context) (Update, error) {
	for {
		channel, payload, err := f.client.WaitForNotification(ctx)
		if err != nil {
			return Update{}, err
		}
		u, err := f.collect(ctx, channel, payload)
		if err != nil || u.Events != nil || u.Messages != nil {
			return u, err
		}
	}
}

// collect handles one notification and all that arrived with it. It takes the
// events it was told of and no later one that the query happens to see: groups
// commit out of the order of ids, so an event of another group is no proof that
// those of lower ids are known. Notifications come in the order of commits.
func (f *Feed) collect(ctx context.Context, channel, payload string) (Update, error) {
	u := Update{Connected: true}
	told := make(map[int64]bool) // ids of new events
	for more := true; more; channel, payload, more = f.client.pendingNotification() {
		if channel != ChannelState {
			u.Messages = append(u.Messages, Message{channel, payload})
			continue
		}
		n, err := ParseNotification(payload)
		if err != nil || !f.concerns(n) || f.seen.has(n.EventID) {
			continue // a stranger's NOTIFY on our channel must not end the feed
		}
		told[n.EventID] = true
	}
	if len(told) == 0 {
		return u, nil
	}
	// the wait may be interrupted, the reading not: that would cost the connection
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readTimeout)
	defer cancel()
	events, err := f.client.EventsSince(ctx, slices.Min(slices.Collect(maps.Keys(told)))-1, f.formation)
	if err != nil {
		return Update{}, err
	}
	events = slices.DeleteFunc(events, func(e Event) bool { return !told[e.ID] })
	return f.complete(ctx, u, events)
}

// complete adds the state to u, and then those of events that are new: they
// count as seen only once nothing can fail any more.
func (f *Feed) complete(ctx context.Context, u Update, events []Event) (Update, error) {
	if err := f.readState(ctx, &u); err != nil {
		return Update{}, err
	}
	if u.Reset {
		f.seen.begin(events)
	}
	u.Events = f.fresh(events)
	return u, nil
}

func (f *Feed) concerns(n Notification) bool {
	return (f.formation == "" || n.Formation == f.formation) && (f.group == nil || n.GroupID == *f.group)
}

// fresh returns the events not seen before and marks them as seen.
func (f *Feed) fresh(events []Event) []Event {
	var fresh []Event
	slices.SortFunc(events, byID)
	for _, e := range events {
		if f.group != nil && e.GroupID != *f.group {
			continue
		}
		if f.seen.add(e.ID) {
			fresh = append(fresh, e)
		}
	}
	return fresh
}

// catchUp reads the events missed while no connection listened; reset tells
// that they are the newest of a history of which nothing was seen before.
func (f *Feed) catchUp(ctx context.Context) (events []Event, reset bool, err error) {
	newest, err := f.client.LastEvents(ctx, f.formation, f.group, firstEvents)
	if err != nil {
		return nil, false, err
	}
	// another history than the one seen so far: the monitor was created anew or restored
	if !f.seen.started || !f.seen.continuedBy(newest) {
		return newest, true, nil
	}
	events, err = f.client.EventsSince(ctx, f.seen.from(), f.formation)
	return events, false, err
}

func (f *Feed) readState(ctx context.Context, u *Update) (err error) {
	if u.Nodes, err = f.client.CurrentState(ctx, f.formation, f.group); err != nil {
		return err
	}
	if u.Now, err = value[time.Time](ctx, f.client, "read the monitor's clock", "SELECT clock_timestamp()"); err != nil {
		return err
	}
	if u.Nodes == nil {
		u.Nodes = []Node{}
	}
	if f.formation == "" {
		u.Formations, err = f.client.Formations(ctx)
		return err
	}
	one, found, err := f.client.Formation(ctx, f.formation)
	u.Formations = []Formation{}
	if found {
		u.Formations = append(u.Formations, one)
	}
	return err
}
