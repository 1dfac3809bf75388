package monitor

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

// Service is the monitor service: it checks the health of the nodes, calls
// tick() so that timeouts act, removes old events and logs state changes. It
// holds no state and decides nothing. It is a plain client, on any machine; of
// several copies one is active and the others wait for its end.
type Service struct {
	URI    string
	Logger *slog.Logger // nil: slog.Default()
}

const (
	standbyPause   = time.Second            // between attempts to become active
	settingsPause  = 10 * time.Second       // between readings of the settings
	tickPause      = time.Second            // between ticks
	flushPause     = time.Second            // between reports of unchanged health
	retryPause     = 100 * time.Millisecond // before a report that failed is repeated
	refreshPause   = 5 * time.Second        // for each node whose health does not change, and for the list of nodes
	purgePause     = time.Hour              // between removals of old events
	callTimeout    = 10 * time.Second       // for one call; the monitor is then taken for dead
	sameErrorPause = 30 * time.Second       // between log lines for the same lost connection
	reportBatch    = 100                    // nodes in one report of health

	// an operator's open transaction must not stop the checks of all groups
	lockWaitSetting = `SET lock_timeout TO '1s'`
)

// Run serves until ctx ends and then returns nil. Broken connections are made
// again; an error means that this program cannot serve this monitor: an unusable
// URI, no extension, or one of another version.
func (s *Service) Run(ctx context.Context) error {
	log := s.Logger
	if log == nil {
		log = slog.Default()
	}
	if _, err := ParseURI(s.URI); err != nil {
		return err
	}
	feed := NewFeed("", nil, ChannelCheck, ChannelLog)
	complaints := complaints{log: log}
	var backoff Backoff
	for {
		err := s.session(ctx, log, feed, &backoff, &complaints)
		var version *VersionError
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, ErrNoExtension), errors.As(err, &version):
			return err
		}
		complaints.add(time.Now(), err)
		if !pause(ctx, backoff.Next()) {
			return nil
		}
	}
}

// session is the life of one connection: wait to be the active one, then serve.
func (s *Service) session(ctx context.Context, log *slog.Logger, feed *Feed, backoff *Backoff, complaints *complaints) error {
	client, err := Connect(ctx, s.URI, WithApplicationName("pgaf monitor service"))
	if err != nil {
		return err
	}
	defer closeQuietly(client)
	if err := timed(ctx, client.CheckVersion); err != nil {
		return err
	}
	if err := waitActive(ctx, client, log); err != nil {
		return err
	}
	return newTerm(client, feed, log).serve(ctx, func() { // once everything has worked for the first time
		complaints.clear()
		backoff.Reset()
		log.Info("the monitor service is active", "monitor", ScrubURI(s.URI))
	})
}

// waitActive waits until no other copy of the service is active. It asks once
// a second rather than in one long blocking call: that would hold a snapshot
// for as long as the other copy lives, and keep vacuum from table node.
func waitActive(ctx context.Context, client *Client, log *slog.Logger) error {
	for waiting := false; ; waiting = true {
		var active bool
		err := timed(ctx, func(ctx context.Context) (err error) {
			active, err = client.tryActive(ctx)
			return err
		})
		if active || err != nil {
			return err
		}
		if !waiting {
			log.Info("another monitor service is active; waiting to take over")
		}
		if !pause(ctx, standbyPause) {
			return ctx.Err()
		}
	}
}

// timed makes one call with the time that one may take.
func timed(ctx context.Context, call func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return call(ctx)
}

// complaints logs why the monitor cannot be reached: at once, then once in a
// while as long as the reason stays the same.
type complaints struct {
	log  *slog.Logger
	text string
	at   time.Time
}

func (c *complaints) add(now time.Time, err error) {
	if err == nil || err.Error() == c.text && now.Sub(c.at) < sameErrorPause {
		return
	}
	c.text, c.at = err.Error(), now
	c.log.Warn("the monitor service cannot reach its monitor and tries again", "error", c.text)
}

func (c *complaints) clear() { c.text = "" }
