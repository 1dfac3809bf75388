package model

import (
	"context"
	"errors"
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
	Steps  int64
	Failed *Run // the first violation; the search ends with it
}

// Exhaust tries all orders, shorter ones first, until the deadline. States that were
// reached before are not gone on from.
func (e *Explorer) Exhaust(ctx context.Context, c Config, deadline time.Time) (x Exhausted, err error) {
	x.Config = c
	w, err := e.world(ctx, c)
	if err != nil {
		return x, err
	}
	d, err := e.db.dump(ctx)
	if err != nil {
		return x, err
	}
	seen := map[uint64]bool{w.hash(): true}
	frontier := []*place{{world: w, dump: d}}
	for len(frontier) > 0 {
		var next []*place
		for _, p := range frontier {
			for _, s := range p.world.orders() {
				if time.Now().After(deadline) {
					x.States = len(seen)
					return x, nil
				}
				if err := e.db.load(ctx, p.dump); err != nil {
					return x, err
				}
				w := p.world.clone()
				w.stats = e.stats
				err := w.step(ctx, s)
				x.Steps++
				steps := append(append([]Step(nil), p.steps...), s)
				if broken, ok := errors.AsType[*Violation](err); ok {
					x.Failed = &Run{Config: c, Steps: steps, Violation: broken}
					x.States = len(seen)
					return x, nil
				}
				if err != nil {
					return x, err
				}
				h := w.hash()
				if seen[h] {
					continue
				}
				seen[h] = true
				d, err := e.db.dump(ctx)
				if err != nil {
					return x, err
				}
				next = append(next, &place{world: w, dump: d, steps: steps})
			}
		}
		frontier = next
		x.Depth++
	}
	x.States = len(seen)
	return x, nil
}
