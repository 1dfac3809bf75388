package monitor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// term is the time during which one connection is the active service. All calls
// are made on that connection, in one goroutine: when it ends, the lock that
// makes the service the active one ends with it.
type term struct {
	client  *Client
	feed    *Feed
	log     *slog.Logger
	outbox  *outbox
	checker *checker
	checks  bool // setting enable_health_checks

	nextTick, nextFlush, nextNodes, nextSettings, nextPurge time.Time
}

func newTerm(client *Client, feed *Feed, log *slog.Logger) *term {
	return &term{client: client, feed: feed, log: log, outbox: newOutbox(refreshPause)}
}

// serve works until the connection or ctx ends; working is called after the
// first round.
func (t *term) serve(ctx context.Context, working func()) error {
	working = sync.OnceFunc(working)
	probes, stop := context.WithCancel(ctx)
	t.checker = newChecker(probes, t.outbox)
	defer t.checker.wait()
	defer stop()

	if err := t.client.exec(ctx, "set lock_timeout", lockWaitSetting); err != nil {
		return err
	}
	first := !t.feed.seen.started
	attach, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	update, err := t.feed.Attach(attach, t.client)
	if err != nil {
		return err
	}
	if first {
		update.Events = nil // history, logged by those who were there
	}
	for {
		if err := t.work(ctx, update); err != nil {
			return err
		}
		working()
		if update, err = t.next(ctx); err != nil {
			return err
		}
	}
}

// next waits for the monitor, a probe with news or the next thing that is due.
func (t *term) next(ctx context.Context) (Update, error) {
	due := t.nextTick
	for _, other := range []time.Time{t.nextFlush, t.nextNodes, t.nextSettings, t.nextPurge} {
		if other.Before(due) {
			due = other
		}
	}
	wait, cancel := context.WithDeadline(ctx, due)
	defer cancel()
	go func() {
		select {
		case <-t.outbox.wake:
			cancel()
		case <-wait.Done():
		}
	}()
	update, err := t.feed.Next(wait)
	if err != nil && wait.Err() != nil && ctx.Err() == nil && !t.client.Closed() {
		return Update{}, nil
	}
	return update, err
}

// work handles what happened and does what is due.
func (t *term) work(ctx context.Context, u Update) error {
	for _, e := range u.Events {
		t.log.Info(stateChange(e))
	}
	for _, m := range u.Messages {
		switch m.Channel {
		case ChannelCheck:
			t.checker.look(m.Payload)
		case ChannelLog:
			t.log.Debug(m.Payload)
		}
	}
	for _, step := range []func(context.Context, Update) error{t.settings, t.nodes, t.flush, t.tick, t.purge} {
		if err := step(ctx, u); err != nil {
			return err
		}
	}
	return nil
}

func isDue(next *time.Time, every time.Duration) bool {
	now := time.Now()
	if now.Before(*next) {
		return false
	}
	*next = now.Add(every)
	return true
}

// settings reads the pace of the checks, at first and now and then.
func (t *term) settings(ctx context.Context, _ Update) error {
	if !isDue(&t.nextSettings, settingsPause) {
		return nil
	}
	return timed(ctx, func(ctx context.Context) error {
		list, err := t.client.Settings(ctx)
		if err != nil {
			return err
		}
		var p pace
		p, t.checks = readPace(list)
		t.checker.setPace(p)
		return nil
	})
}

// nodes keeps the probes in step with table node. Changes of state come with
// their event; an address may change without one.
func (t *term) nodes(ctx context.Context, u Update) error {
	if u.Nodes != nil {
		t.nextNodes = time.Now().Add(refreshPause)
	} else if isDue(&t.nextNodes, refreshPause) {
		err := timed(ctx, func(ctx context.Context) (err error) {
			u, err = t.feed.Refresh(ctx)
			return err
		})
		if err != nil {
			return err
		}
	} else {
		return nil
	}
	if !t.checks {
		u.Nodes = nil
	}
	t.checker.sync(u.Nodes)
	return nil
}

// flush reports health: what changed at once, with a tick behind it. Large
// batches are cut, since a call holds the locks of all groups it is about.
func (t *term) flush(ctx context.Context, _ Update) error {
	if !t.outbox.isUrgent() && !isDue(&t.nextFlush, flushPause) {
		return nil
	}
	verdicts, urgent := t.outbox.take(time.Now())
	if len(verdicts) == 0 {
		return nil
	}
	if urgent {
		t.nextTick = time.Time{}
	}
	for batch := range slices.Chunk(verdicts, reportBatch) {
		if err := t.report(ctx, batch); err != nil {
			return err
		}
	}
	return nil
}

// report sends one batch. When that fails, each verdict goes by itself: one
// group that an operator keeps locked must not silence the others.
func (t *term) report(ctx context.Context, batch []NodeVerdict) error {
	err := timed(ctx, func(ctx context.Context) error { return t.client.ReportHealth(ctx, batch) })
	if err == nil {
		return nil
	}
	if len(batch) == 1 {
		t.outbox.putBack(batch)
		t.nextFlush = time.Now().Add(retryPause)
		return t.tolerate(err)
	}
	if !t.isTolerable(err) {
		return err
	}
	for single := range slices.Chunk(batch, 1) {
		if err := t.report(ctx, single); err != nil {
			return err
		}
	}
	return nil
}

// tick lets the monitor act on the time that has passed, and comes back at the
// moment at which it may matter next.
func (t *term) tick(ctx context.Context, _ Update) error {
	if !isDue(&t.nextTick, tickPause) {
		return nil
	}
	return t.tolerate(timed(ctx, func(ctx context.Context) error {
		if _, err := t.client.Tick(ctx); err != nil {
			return err
		}
		wait, err := t.client.TickPause(ctx)
		if err == nil && wait < tickPause {
			t.nextTick = time.Now().Add(wait)
		}
		return err
	}))
}

// purge removes old events.
func (t *term) purge(ctx context.Context, _ Update) error {
	if !isDue(&t.nextPurge, purgePause) {
		return nil
	}
	return t.tolerate(timed(ctx, func(ctx context.Context) error {
		removed, err := t.client.PurgeEvents(ctx)
		if removed > 0 {
			t.log.Info("removed old events", "count", removed)
		}
		return err
	}))
}

// tolerate logs an error that concerns one call only; it returns those that
// end the session.
func (t *term) tolerate(err error) error {
	if err == nil || !t.isTolerable(err) {
		return err
	}
	t.log.Warn("the monitor service goes on after an error", "error", err)
	return nil
}

// isTolerable: the server answered and the session goes on. A group was locked
// for too long, or a deadlock broken.
func (t *term) isTolerable(err error) bool {
	var sqlErr *SQLError
	return errors.As(err, &sqlErr) && !t.client.Closed() && !connectionLost(err)
}

// stateChange is the log line for an event.
func stateChange(e Event) string {
	line := fmt.Sprintf("New state for node %d %q (%s:%d): %s ➜ %s",
		e.NodeID, e.NodeName, e.NodeHost, e.NodePort, e.Reported, e.Assigned)
	if e.Rule != "" {
		line += "  [" + e.Rule + "]"
	} else if e.Description != "" {
		line += " "
	}
	if e.Description != "" {
		line += " " + e.Description
	}
	if e.Reason != "" {
		line += fmt.Sprintf(" (%s)", e.Reason)
	}
	return line
}
