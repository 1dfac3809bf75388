package model

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// Run is one history of a group.
type Run struct {
	Seed, Number uint64
	Config       Config
	Steps        []Step
	Violation    *Violation // nil: none
}

// Explorer makes runs on one database.
type Explorer struct {
	db     *Monitor
	stats  *Stats
	starts map[string]*beginning
	places []*place // of the group that runs began with last
	group  string
}

// beginning is a group that is up and well, and the monitor's tables to it.
type beginning struct {
	world *World
	dump  dump
}

// Close ends the connection.
func (e *Explorer) Close(ctx context.Context) error { return e.db.Close(ctx) }

// Stats is what has been done so far.
func (e *Explorer) Stats() *Stats { return e.stats }

// world is a group that is up. Making it takes a hundred times longer than to come
// back to it.
func (e *Explorer) world(ctx context.Context, c Config) (*World, error) {
	key := c.key()
	made, known := e.starts[key]
	if !known {
		w, err := newWorld(ctx, e.db, c, NewStats())
		if err != nil {
			return nil, err
		}
		for _, s := range bringUp(c) {
			if err := w.step(ctx, s); err != nil {
				return nil, fmt.Errorf("make a group of %s: %s: %w", c, s, err)
			}
		}
		made = &beginning{world: w}
		if made.dump, err = e.db.dump(ctx); err != nil {
			return nil, err
		}
		e.starts[key] = made
	}
	if err := e.db.load(ctx, made.dump); err != nil {
		return nil, err
	}
	w := made.world.clone()
	w.config, w.stats = c, e.stats
	return w, nil
}

// A place is a state that was reached, to go on from there.
type place struct {
	world *World
	dump  dump
	steps []Step // from the beginning to here
	score int    // how much may go wrong from here
	uses  int
}

// maxPlaces bounds how many are kept.
const maxPlaces = 3000

// Hunt makes one random run. It begins where an earlier run found something new, so
// that what is rare need not be met again by chance.
func (e *Explorer) Hunt(ctx context.Context, r *rand.Rand, c Config) (*Run, error) {
	run := &Run{Config: c}
	err := e.db.within(ctx, func() error {
		w, steps, err := e.depart(ctx, r, c)
		if err != nil {
			return err
		}
		run.Steps = slices.Clip(steps)
		return e.walk(ctx, r, w, run)
	})
	e.stats.Runs++
	if errors.As(err, &run.Violation) {
		return run, nil
	}
	return run, err
}

// depart chooses where a run begins.
func (e *Explorer) depart(ctx context.Context, r *rand.Rand, c Config) (*World, []Step, error) {
	if e.group != c.key() {
		e.group, e.places = c.key(), nil
	}
	places := e.places
	if len(places) == 0 || r.IntN(10) == 0 {
		w, err := e.world(ctx, c)
		return w, nil, err
	}
	best := places[r.IntN(len(places))]
	for range 4 {
		if p := places[r.IntN(len(places))]; p.score-p.uses > best.score-best.uses {
			best = p
		}
	}
	best.uses++
	if err := e.db.load(ctx, best.dump); err != nil {
		return nil, nil, err
	}
	w := best.world.clone()
	w.config, w.stats = c, e.stats
	return w, best.steps, nil
}

func (e *Explorer) walk(ctx context.Context, r *rand.Rand, w *World, run *Run) error {
	g := newWalker(r, w)
	for range 5 + r.IntN(60) {
		s := g.next()
		run.Steps = append(run.Steps, s)
		if err := w.step(ctx, s); err != nil {
			return err
		}
		h := w.hash()
		if _, known := e.stats.states[h]; known {
			continue
		}
		e.stats.states[h] = struct{}{}
		if len(g.queue) == 0 && r.IntN(4) == 0 {
			if err := e.keep(ctx, r, w, run); err != nil {
				return err
			}
		}
	}
	if r.IntN(6) > 0 {
		return nil
	}
	last := Step{Kind: Calm}
	if len(w.look.nodes) > 1 && r.IntN(2) == 0 {
		last.Node = w.look.nodes[r.IntN(len(w.look.nodes))].id
	}
	run.Steps = append(run.Steps, last)
	return w.step(ctx, last)
}

// keep remembers a place.
func (e *Explorer) keep(ctx context.Context, r *rand.Rand, w *World, run *Run) error {
	const maxSteps = 400
	if len(run.Steps) > maxSteps {
		return nil
	}
	d, err := e.db.dump(ctx)
	if err != nil {
		return err
	}
	p := &place{world: w.clone(), dump: d, steps: slices.Clone(run.Steps), score: w.score()}
	if len(e.places) >= maxPlaces {
		e.places[r.IntN(len(e.places))] = p
		return nil
	}
	e.places = append(e.places, p)
	return nil
}

// Replay does the steps of a run again. It returns the violation and how many steps it
// took; say is told of each step that could happen.
func (e *Explorer) Replay(ctx context.Context, c Config, steps []Step, say func(w *World, s Step, inner bool)) (broken *Violation, used int, err error) {
	err = e.db.within(ctx, func() error {
		w, err := e.world(ctx, c)
		if err != nil {
			return err
		}
		w.stats = NewStats()
		if say != nil {
			w.say = func(s Step, inner bool) { say(w, s, inner) }
		}
		for _, s := range steps {
			used++
			if _, err := w.apply(ctx, s); err != nil {
				return err
			}
		}
		return nil
	})
	if errors.As(err, &broken) {
		return broken, used, nil
	}
	return nil, used, err
}

// Shrink looks for the shortest run with the same violation: it leaves out parts, large
// ones first, for as long as that makes it shorter.
func (e *Explorer) Shrink(ctx context.Context, run *Run, budget time.Duration) (*Run, error) {
	best := *run
	deadline := time.Now().Add(budget)
	attempt := func(steps []Step) (bool, error) {
		v, used, err := e.Replay(ctx, run.Config, steps, nil)
		if err != nil || v == nil || v.Name != run.Violation.Name {
			return false, err
		}
		best.Steps, best.Violation = steps[:used], v
		return true, nil
	}
	if ok, err := attempt(run.Steps); !ok || err != nil {
		return run, err // it needs more than its steps
	}
	for _, kind := range kindsOf(best.Steps) {
		rest := slices.DeleteFunc(slices.Clone(best.Steps), func(s Step) bool { return s.Kind == kind })
		if _, err := attempt(rest); err != nil {
			return &best, err
		}
	}
	for size := len(best.Steps) / 2; size >= 1; {
		shorter := false
		for end := len(best.Steps); end > 0 && time.Now().Before(deadline); end = min(end-size, len(best.Steps)) {
			from := max(end-size, 0)
			ok, err := attempt(slices.Delete(slices.Clone(best.Steps), from, end))
			if err != nil {
				return &best, err
			}
			shorter = shorter || ok
		}
		if time.Now().After(deadline) {
			break
		}
		if size > 1 || !shorter {
			size /= 2
		}
	}
	return &best, nil
}

func kindsOf(steps []Step) []Kind {
	var kinds []Kind
	for _, s := range steps {
		if !slices.Contains(kinds, s.Kind) {
			kinds = append(kinds, s.Kind)
		}
	}
	return kinds
}

// Transcript is a run for people: each step, and the group after it.
func (e *Explorer) Transcript(ctx context.Context, run *Run) (string, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "%v\nseed %d, run %d: %s\n", run.Violation, run.Seed, run.Number, run.Config)
	last := ""
	_, _, err := e.Replay(ctx, run.Config, run.Steps, func(w *World, s Step, inner bool) {
		text := w.String()
		if inner && text == last {
			return
		}
		fmt.Fprintf(&b, "\n%8.3f s  %s\n", float64(w.now-1000_000)/1000, s)
		for _, e := range w.look.events {
			fmt.Fprintf(&b, "             event: node %d %s ➜ %s by %s\n", e.node, e.reported, e.goal, e.rule)
		}
		if text != last {
			b.WriteString(text)
			last = text
		}
	})
	return b.String(), err
}

// String is the group, a line for each node and one for what the monitor remembers.
func (w *World) String() string {
	var b strings.Builder
	for _, n := range w.nodes {
		row := w.look.node(n.id)
		if row == nil && n.keeper.exited && !n.pg.running {
			continue
		}
		b.WriteString("    " + w.describe(n, row) + "\n")
	}
	g := w.look.group
	fmt.Fprintf(&b, "    group: primary %d, sets %s frozen %t, floor %s", g.primary, g.syncSets, g.frozen, g.floor)
	if g.switchover >= 0 {
		fmt.Fprintf(&b, ", switchover to %d", g.target)
	}
	if g.stopped >= 0 {
		fmt.Fprintf(&b, ", stopped at %q", g.stoppedAt)
	}
	for _, l := range w.cuts() {
		fmt.Fprintf(&b, ", cut %d–%d", l.a, l.b)
	}
	b.WriteByte('\n')
	return b.String()
}

func (w *World) describe(n *Node, row *nodeRow) string {
	var b strings.Builder
	if row == nil {
		fmt.Fprintf(&b, "%d unknown to the monitor", n.id)
	} else {
		fmt.Fprintf(&b, "%d monitor: %s ➜ %s", n.id, row.reported, row.goal)
		fmt.Fprintf(&b, " %d/%s", row.tli, row.lsn)
		if !row.running {
			b.WriteString(" down")
		}
		if row.health != 1 {
			fmt.Fprintf(&b, " health %d", row.health)
		}
		if row.sessionLost {
			b.WriteString(" session lost")
		}
	}
	k := &n.keeper
	fmt.Fprintf(&b, " | keeper: %s ➜ %s", k.current, k.assigned)
	for flag, set := range map[string]bool{" dirty": k.dirty} {
		if set {
			b.WriteString(flag)
		}
	}
	if k.fenced {
		b.WriteString(" fenced itself")
	}
	if k.job != nil {
		fmt.Fprintf(&b, " (%s, step %d)", k.job.action, k.job.step)
	}
	tli, end := w.position(n.pg.wal)
	fmt.Fprintf(&b, " | Postgres %d/%s", tli, end)
	switch {
	case !n.up:
		b.WriteString(" machine down")
	case n.frozen:
		b.WriteString(" frozen")
	case !n.pg.running:
		b.WriteString(" stopped")
	case n.pg.stopping:
		b.WriteString(" stopping")
	case n.pg.standby && n.pg.streaming:
		fmt.Fprintf(&b, " standby, receives from %d", n.pg.upstream)
	case n.pg.standby:
		b.WriteString(" standby, receives nothing")
	default:
		fmt.Fprintf(&b, " serves, waits for %s", n.pg.names)
	}
	if !k.alive {
		b.WriteString(", no keeper")
	}
	return b.String()
}
