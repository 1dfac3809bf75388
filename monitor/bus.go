package monitor

import (
	"context"
	"time"
)

// Bus follows the monitor for as long as its context lives, across restarts of
// the monitor and broken connections. Its consumer reads Updates; a slow one
// gets several updates merged into one and loses nothing.
type Bus struct {
	uri     string
	feed    *Feed
	updates chan Update
	refresh time.Duration
	options []Option
}

// aliveEvery is how often a bus without events makes sure that the monitor
// still answers: a frozen one keeps its connections.
const aliveEvery = 30 * time.Second

// NewBus makes a bus over a formation ("" = all) and group (nil = all). Run
// starts it.
func NewBus(uri string, formation string, group *int) *Bus {
	return &Bus{uri: uri, feed: NewFeed(formation, group), updates: make(chan Update, 1), refresh: aliveEvery}
}

// RefreshEvery makes the bus read the nodes again after d without an event:
// positions and report times change without one. Default 30 s. Call it before
// Run.
func (b *Bus) RefreshEvery(d time.Duration) *Bus {
	b.refresh = d
	return b
}

// WithOptions sets options for its connections. Call it before Run.
func (b *Bus) WithOptions(opts ...Option) *Bus {
	b.options = opts
	return b
}

// WithChannels listens on further channels, ChannelLog for one. Call it before Run.
func (b *Bus) WithChannels(channels ...string) *Bus {
	b.feed.channels = channels
	return b
}

// Updates is where the bus delivers; it is closed when Run returns. The first
// update after each connect holds the whole state, the very first one also the
// last 80 events. A lost connection is an update with Connected false and Err.
func (b *Bus) Updates() <-chan Update { return b.updates }

// Run follows the monitor until ctx ends and then returns nil. It returns an
// error only for a URI that cannot be used at all.
func (b *Bus) Run(ctx context.Context) error {
	defer close(b.updates)
	if _, err := ParseURI(b.uri); err != nil {
		return err
	}
	var backoff Backoff
	for {
		err := b.session(ctx, &backoff)
		if ctx.Err() != nil {
			return nil
		}
		b.deliver(Update{Err: err})
		if !pause(ctx, backoff.Next()) {
			return nil
		}
	}
}

// session is the life of one connection.
func (b *Bus) session(ctx context.Context, backoff *Backoff) error {
	client, err := Connect(ctx, b.uri, b.options...)
	if err != nil {
		return err
	}
	defer closeQuietly(client)
	attach, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	update, err := b.feed.Attach(attach, client)
	if err != nil {
		return err
	}
	backoff.Reset()
	b.deliver(update)
	for {
		if update, err = b.next(ctx); err != nil {
			return err
		}
		b.deliver(update)
	}
}

// next is the feed's, or a refresh when nothing happens for a while.
func (b *Bus) next(ctx context.Context) (Update, error) {
	wait, cancel := context.WithTimeout(ctx, b.refresh)
	defer cancel()
	update, err := b.feed.Next(wait)
	if err == nil || wait.Err() == nil || ctx.Err() != nil || b.feed.client.Closed() {
		return update, err
	}
	read, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	return b.feed.Refresh(read)
}

// deliver puts an update into the channel. It never blocks: a bus that waits
// for its consumer would hold up the notification queue of the whole monitor.
func (b *Bus) deliver(u Update) {
	select {
	case earlier := <-b.updates:
		u = merge(earlier, u)
	default:
	}
	b.updates <- u // has room: this goroutine is the only one to fill it
}

// merge is the update that says what two in a row said.
func merge(a, b Update) Update {
	if !b.Reset {
		b.Reset = a.Reset
		b.Events = append(a.Events[:len(a.Events):len(a.Events)], b.Events...)
	}
	b.Messages = append(a.Messages[:len(a.Messages):len(a.Messages)], b.Messages...)
	if b.Nodes == nil {
		b.Nodes, b.Now = a.Nodes, a.Now
	}
	if b.Formations == nil {
		b.Formations = a.Formations
	}
	return b
}

// pause waits for d; false when ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// closeQuietly ends a session that may be broken already.
func closeQuietly(c *Client) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = c.Close(ctx)
}
