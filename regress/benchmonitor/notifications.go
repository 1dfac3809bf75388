package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"
)

// waits are the times from sending COMMIT to having the notification: one for each listener and commit.
type waits struct{ p50, p99 time.Duration }

// notifications measures the way of a notification with more and more listeners.
func notifications(ctx context.Context, p plan, subjects []*subject, v *verdicts) error {
	fmt.Printf("From sending COMMIT to the notification, over all listeners (one Go process) and commits\n\n")
	printNotificationHeader(subjects)
	for _, listeners := range p.listeners {
		commits := min(p.events, max(20, 20000/listeners))
		var row []waits
		for _, b := range subjects {
			w, err := b.notifications(ctx, listeners, commits)
			if err != nil {
				return fmt.Errorf("%s: notifications to %d listeners: %w", b.name, listeners, err)
			}
			row = append(row, w)
		}
		printNotifications(listeners, commits, row)
		v.notifications(listeners, row[0])
	}
	fmt.Println()
	return nil
}

// arrival is the first notification of a commit at one listener.
type arrival struct {
	state string
	at    time.Time
}

// notifications lets a group of one change its reported state again and again, and all listeners wait for it.
func (b *subject) notifications(ctx context.Context, listeners, commits int) (w waits, err error) {
	number, err := b.build(ctx, 1, 1)
	if err != nil {
		return w, err
	}
	formation := fmt.Sprintf("g%d", number)
	id, err := value[int64](ctx, b.server, "SELECT nodeid FROM pgautofailover.node WHERE formationid = $1", formation)
	if err != nil {
		return w, err
	}
	caller, err := b.connect(ctx, role)
	if err != nil {
		return w, err
	}
	defer caller.Close(ctx)
	listening, stop := context.WithCancel(ctx)
	arrivals := make(chan arrival, listeners)
	team, listening := errgroup.WithContext(listening)
	defer func() { stop(); _ = team.Wait() }()
	ready := make(chan struct{})
	for range listeners {
		conn, err := b.connect(ctx, role)
		if err != nil {
			return w, err
		}
		team.Go(func() error {
			defer conn.Close(context.WithoutCancel(ctx))
			if _, err := conn.Exec(listening, "LISTEN state"); err != nil {
				return err
			}
			ready <- struct{}{}
			return listen(listening, conn, arrivals)
		})
		<-ready
	}
	var all []time.Duration
	for i := range commits {
		// a state that the node was not told, and back
		state := []string{"wait_primary", "single"}[i%2]
		sent, err := commitReport(ctx, caller, formation, id, state)
		if err != nil {
			return w, err
		}
		for n := 0; n < listeners; {
			select {
			case a := <-arrivals:
				if a.state == state {
					all = append(all, a.at.Sub(sent))
					n++
				}
			case <-listening.Done():
				return w, fmt.Errorf("a listener ended: %w", team.Wait())
			case <-time.After(20 * time.Second):
				return w, fmt.Errorf("after 20 s %d of %d listeners have heard of %s", n, listeners, state)
			}
		}
	}
	slices.Sort(all)
	return waits{p50: all[len(all)/2], p99: all[len(all)*99/100]}, nil
}

// listen passes on when the reported state changes; of several events of one commit the first counts.
func listen(ctx context.Context, conn *pgx.Conn, arrivals chan<- arrival) error {
	last := ""
	for {
		n, err := conn.WaitForNotification(ctx)
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		at := time.Now()
		_, rest, _ := strings.Cut(n.Payload, `"reportedState": "`)
		state, _, _ := strings.Cut(rest, `"`)
		if state != last {
			last = state
			arrivals <- arrival{state, at}
		}
	}
}

// commitReport makes a call that causes an event, and says when its COMMIT was sent.
func commitReport(ctx context.Context, conn *pgx.Conn, formation string, id int64, state string) (sent time.Time, err error) {
	tx, err := conn.Begin(ctx)
	if err != nil {
		return sent, err
	}
	defer tx.Rollback(ctx)
	if _, err := tx.Exec(ctx, reportStatement, formation, id, 0, state, true, 1, "0/3000000", ""); err != nil {
		return sent, err
	}
	sent = time.Now()
	return sent, tx.Commit(ctx)
}
