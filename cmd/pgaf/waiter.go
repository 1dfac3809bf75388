package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"pgaf/monitor"
)

// waiter makes one request to the monitor and waits for its outcome. It listens
// before it asks, so that no change can be missed, and prints a row for each
// change as it comes.
type waiter struct {
	app     *app
	client  *monitor.Client // for the request; the waiter listens on a connection of its own
	target  target
	group   *int
	timeout time.Duration
	what    string        // what is waited for, to end "waiting for …"
	code    int           // exit code of a timeout
	remedy  string        // of a timeout
	goesOn  string        // what becomes of the change when nobody waits any more; default: remedy
	silent  bool          // print no rows
	doing   func() string // what is waited for just now, where that is more than what; nil: what

	request func(context.Context) error
	// done is asked once right after the request and then after every change.
	done func(nodes []monitor.Node) (bool, error)
}

// run returns nil when done said so, the error of the request or of done, or the
// timeout as an error with the waiter's exit code.
func (w *waiter) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	bus := monitor.NewBus(w.target.uri, w.target.formation, w.group)
	ended := make(chan error, 1)
	go func() { ended <- bus.Run(ctx) }()

	rows, err := w.listen(ctx, bus)
	if err != nil {
		return err
	}
	if err := w.request(ctx); err != nil {
		return onMonitor(err)
	}
	rows.header()
	nodes, err := w.client.CurrentState(ctx, w.target.formation, w.group)
	if err != nil {
		return onMonitor(err)
	}
	if done, err := w.done(nodes); done || err != nil {
		w.printRest(ctx, rows)
		return err
	}
	line := w.app.waiting(waitText{what: w.nowDoing(), limit: w.timeout, stop: "Ctrl-C stops waiting, and the change goes on"})
	defer line.end()
	timeout := time.NewTimer(w.timeout)
	defer timeout.Stop()
	for {
		select {
		case update, open := <-bus.Updates():
			if !open {
				return <-ended
			}
			if update.Err != nil {
				w.app.log.Warn("lost the connection to the monitor, connecting again", "error", update.Err)
			}
			rows.addNew(update.Events)
			if !update.Connected || update.Nodes == nil {
				continue
			}
			if done, err := w.done(update.Nodes); done || err != nil {
				w.printRest(ctx, rows)
				return w.orInterrupted(ctx, err, line)
			}
			line.changed(w.nowDoing())
		case <-timeout.C:
			return failure(w.code, w.remedy, "still waiting for %s after %s", w.nowDoing(), shortDuration(w.timeout))
		case <-ctx.Done():
			return w.orInterrupted(ctx, ctx.Err(), line)
		}
	}
}

// orInterrupted says what becomes of the change when the user stops waiting.
func (w *waiter) orInterrupted(ctx context.Context, err error, line *waitLine) error {
	if err == nil || ctx.Err() == nil {
		return err
	}
	return failure(exitInterrupted, orDefault(w.goesOn, w.remedy), "stopped waiting for %s after %s", w.nowDoing(), line.elapsed())
}

// nowDoing is what is waited for.
func (w *waiter) nowDoing() string {
	if w.doing != nil {
		if text := w.doing(); text != "" {
			return text
		}
	}
	return w.what
}

// printRest prints the changes up to the state that ended the wait: nodes are read after
// events, and may be ahead of them.
func (w *waiter) printRest(ctx context.Context, rows *progress) {
	events, err := w.client.EventsSince(ctx, rows.last, w.target.formation)
	if err != nil {
		return // the outcome is known; a row that is not printed is in show events
	}
	if w.group != nil {
		events = slices.DeleteFunc(events, func(e monitor.Event) bool { return e.GroupID != *w.group })
	}
	rows.addNew(events)
}

// listen waits until the bus listens.
func (w *waiter) listen(ctx context.Context, bus *monitor.Bus) (*progress, error) {
	for {
		select {
		case update, open := <-bus.Updates():
			if !open || update.Err != nil {
				return nil, onMonitor(orUnreachable(update.Err))
			}
			if !update.Connected {
				continue
			}
			out := w.app.stdout
			if w.silent {
				out = io.Discard
			}
			rows := newProgress(out, update.Nodes)
			rows.skip(update.Events)
			return rows, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func orUnreachable(err error) error {
	if err == nil {
		return errors.New("the connection to the monitor ended")
	}
	return err
}

// shortDuration prints 60s as "60 s" and 1.5s as "1.5 s".
func shortDuration(d time.Duration) string {
	return fmt.Sprintf("%g s", d.Seconds())
}
