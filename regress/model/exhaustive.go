package model

import (
	"context"
	"errors"
	"slices"
	"time"
)

// orders are the steps of the exhaustive search. They are coarse: a node's turn is all
// that its keeper does until it has to wait, so that short orders reach far.
func (w *World) orders() []Step {
	steps := []Step{{Kind: Notice}, {Kind: Pass, Value: 31_000}, {Kind: Failover}}
	for _, n := range w.nodes {
		steps = append(steps, Step{Kind: Turn, Node: n.id}, Step{Kind: Report, Node: n.id}, Step{Kind: Work, Node: n.id})
		if n.writable() && len(n.pg.pending) == 0 {
			steps = append(steps, Step{Kind: Write, Node: n.id})
		}
		if n.pg.standby {
			steps = append(steps, Step{Kind: Receive, Node: n.id})
		}
		if n.up {
			steps = append(steps, Step{Kind: Crash, Node: n.id})
		} else {
			steps = append(steps, Step{Kind: Boot, Node: n.id})
		}
		l := linkOf(monitorHost, n.id)
		kind := Cut
		if w.cut[l] {
			kind = Heal
		}
		steps = append(steps, Step{Kind: kind, Node: l.a, Other: l.b})
	}
	return steps
}

// Exhausted says what an exhaustive search has covered.
type Exhausted struct {
	Config Config
	Depth  int // all orders up to this length were tried
	States int
	Failed *Run // the first violation; the search ends with it
}

// Exhaust tries all orders, shorter ones first, until the deadline. States that were
// reached before are not gone on from.
func (e *Explorer) Exhaust(ctx context.Context, c Config, deadline time.Time) (x Exhausted, err error) {
	x.Config = c
	var frontier []*place
	seen := map[uint64]bool{}
	err = e.db.within(ctx, func() error {
		w, err := e.world(ctx, c)
		if err != nil {
			return err
		}
		d, err := e.db.dump(ctx)
		seen[w.hash()] = true
		frontier = []*place{{world: w, dump: d}}
		return err
	})
	for ; err == nil && len(frontier) > 0; x.Depth++ {
		var next []*place
		for _, p := range frontier {
			if time.Now().After(deadline) {
				x.States = len(seen)
				return x, nil
			}
			err = e.db.within(ctx, func() (err error) {
				next, err = e.expand(ctx, p, seen, next)
				return err
			})
			if err != nil {
				break
			}
		}
		frontier = next
	}
	x.States = len(seen)
	var broken *orderViolation
	if errors.As(err, &broken) {
		x.Failed = &Run{Config: c, Steps: broken.steps, Violation: broken.Violation}
		return x, nil
	}
	return x, err
}

// orderViolation is a violation and what led to it.
type orderViolation struct {
	*Violation
	steps []Step
}

// expand does each possible step from a place, and adds the places that are new.
func (e *Explorer) expand(ctx context.Context, p *place, seen map[uint64]bool, next []*place) ([]*place, error) {
	for _, s := range p.world.orders() {
		if err := e.db.load(ctx, p.dump); err != nil {
			return next, err
		}
		w := p.world.clone()
		w.stats = e.stats
		steps := append(slices.Clip(p.steps), s)
		if err := w.step(ctx, s); err != nil {
			if broken, ok := errors.AsType[*Violation](err); ok {
				return next, &orderViolation{broken, steps}
			}
			return next, err
		}
		h := w.hash()
		if seen[h] {
			continue
		}
		seen[h] = true
		e.stats.states[h] = struct{}{}
		d, err := e.db.dump(ctx)
		if err != nil {
			return next, err
		}
		next = append(next, &place{world: w, dump: d, steps: steps})
	}
	return next, nil
}
