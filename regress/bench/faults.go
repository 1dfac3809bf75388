package main

import (
	"context"
	"fmt"
	"time"

	"pgaf/regress/harness"
)

// fault is one row of the table of targets.
type fault struct {
	name   string
	target time.Duration

	// strike breaks the primary, and repair mends it once the standby has taken over.
	strike func(ctx context.Context, m *meter) error
	repair func(ctx context.Context, m *meter) error
	stays  bool // the primary stays the primary

	// raw does the same to the plain pair, by hand.
	raw func(ctx context.Context, pair *harness.PlainPair) error
}

// nothing is a repair where there is nothing to do.
func nothing(context.Context, *meter) error { return nil }

// promoteAfter is the raw limit of a failover: the fault, and the promotion at once.
func promoteAfter(strike func(*harness.PlainPair) error) func(context.Context, *harness.PlainPair) error {
	return func(ctx context.Context, pair *harness.PlainPair) error {
		if err := strike(pair); err != nil {
			return err
		}
		return pair.Promote(ctx)
	}
}

var faults = []fault{
	{
		name: "planned switchover", target: 300 * time.Millisecond,
		strike: func(ctx context.Context, m *meter) error {
			_, err := m.Monitor.Pgaf(ctx, "perform", "switchover", "--pgdata", m.Monitor.PGDATA)
			return err
		},
		repair: nothing,
		raw:    func(ctx context.Context, pair *harness.PlainPair) error { return pair.Switch(ctx) },
	},
	{
		name: "SIGKILL of the postmaster", target: time.Second, stays: true,
		strike: func(_ context.Context, m *meter) error { return m.primary.KillPostgres() },
		repair: nothing,
		raw: func(ctx context.Context, pair *harness.PlainPair) error {
			if err := pair.Kill(); err != nil {
				return err
			}
			return pair.Restart(ctx)
		},
	},
	{
		name: "SIGKILL of keeper and Postgres", target: 1500 * time.Millisecond,
		strike: func(_ context.Context, m *meter) error { return m.primary.KillAll() },
		repair: func(_ context.Context, m *meter) error { return m.primary.Start() },
		raw:    promoteAfter((*harness.PlainPair).Kill),
	},
	{
		name: "network of the primary cut (silent)", target: 4 * time.Second,
		strike: func(_ context.Context, m *meter) error { return m.primary.Host.Cut() },
		repair: func(_ context.Context, m *meter) error { return m.primary.Host.Heal() },
		raw:    promoteAfter((*harness.PlainPair).Cut),
	},
	{
		name: "everything on the primary frozen 60 s", target: 4 * time.Second,
		strike: func(_ context.Context, m *meter) error {
			m.frozen = time.Now()
			return m.primary.Freeze()
		},
		repair: func(ctx context.Context, m *meter) error {
			if err := sleep(ctx, time.Until(m.frozen.Add(m.options.freeze))); err != nil {
				return err
			}
			return m.primary.Thaw()
		},
		raw: promoteAfter((*harness.PlainPair).Freeze),
	},
}

// meter is the cluster and the plain pair under measurement.
type meter struct {
	*harness.Run
	*harness.Cluster
	pair             *harness.PlainPair
	primary, standby *harness.Node
	options          options
	frozen           time.Time
}

// measure repeats one fault on both.
func (m *meter) measure(ctx context.Context, f fault) (row, error) {
	r := row{name: f.name, target: f.target}
	writer, err := m.StartWriter(ctx, harness.WriterOptions{})
	if err != nil {
		return r, err
	}
	defer writer.Stop()
	for range m.options.repeat {
		gap, err := m.once(ctx, f, writer)
		if err != nil {
			return r, err
		}
		r.gaps = append(r.gaps, gap)
	}
	tally, err := writer.Verify(ctx, "")
	if err != nil {
		return r, err
	}
	r.acknowledged, r.lost = tally.Acknowledged, len(tally.Lost)
	if r.raw, err = m.rawLimit(ctx, f); err != nil {
		return r, fmt.Errorf("raw limit: %w", err)
	}
	return r, nil
}

// once breaks, waits until the client writes again, mends, and waits until all is well: the gap is the largest of
// the whole story.
func (m *meter) once(ctx context.Context, f fault, writer *harness.Writer) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	if err := m.WaitStates(ctx, m.Healthy(m.primary)); err != nil {
		return 0, err
	}
	if err := calm(ctx, writer); err != nil {
		return 0, err
	}
	started, err := m.LastEvent(ctx)
	if err != nil {
		return 0, err
	}
	before := time.Now()
	if err := f.strike(ctx, m); err != nil {
		return 0, err
	}
	next := m.standby
	if f.stays {
		next = m.primary
	} else if err := m.Until(ctx, next.Name+" taking over", func(s harness.States) bool {
		state := s[next.Name].Reported
		return state == "wait_primary" || state == "primary"
	}); err != nil {
		return 0, err
	}
	if err := writer.WaitAcknowledged(ctx); err != nil {
		return 0, err
	}
	if err := f.repair(ctx, m); err != nil {
		return 0, err
	}
	if err := m.WaitStates(ctx, m.Healthy(next)); err != nil {
		return 0, err
	}
	if err := writer.WaitAcknowledged(ctx); err != nil {
		return 0, err
	}
	events, err := m.Events(ctx, started)
	if err != nil {
		return 0, err
	}
	if promotions := harness.Promotions(events); f.stays != (len(promotions) == 0) || len(promotions) > 1 {
		return 0, fmt.Errorf("promoted were %v", promotions)
	}
	gap := writer.LargestGap(before)
	if m.options.events {
		printEvents(events, before, gap)
	}
	if !f.stays {
		m.primary, m.standby = m.standby, m.primary
	}
	return gap.Length(), nil
}

// calm lets the client write undisturbed for a second.
func calm(ctx context.Context, writer *harness.Writer) error {
	if err := sleep(ctx, time.Second); err != nil {
		return err
	}
	return writer.WaitAcknowledged(ctx)
}

// rawLimit is the median of the same fault on the plain pair.
func (m *meter) rawLimit(ctx context.Context, f fault) (time.Duration, error) {
	writer, err := m.pair.StartWriter(ctx)
	if err != nil {
		return 0, err
	}
	defer writer.Stop()
	var gaps []time.Duration
	for range m.options.repeat {
		if err := calm(ctx, writer); err != nil {
			return 0, err
		}
		before := time.Now()
		if err := f.raw(ctx, m.pair); err != nil {
			return 0, err
		}
		if err := writer.WaitAcknowledged(ctx); err != nil {
			return 0, err
		}
		gaps = append(gaps, writer.LargestGap(before).Length())
		if !f.stays {
			if err := m.pair.Swap(ctx); err != nil {
				return 0, err
			}
		}
	}
	return median(gaps), nil
}
