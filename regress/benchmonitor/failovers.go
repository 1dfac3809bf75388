package main

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// story is one failover: of which kind, in a group of how many.
type story struct {
	name    string
	planned bool
	members int
}

var stories = []story{
	{"unplanned", false, 2}, {"planned", true, 2},
	{"unplanned", false, 3}, {"planned", true, 3},
}

// toll is what the calls of one failover took.
type toll struct {
	calls    int
	wall     time.Duration // time in the calls, as the callers see it, with the commits
	writable time.Duration // of that, until the new primary reported that it accepts writes
	cpu      time.Duration // of all sessions
}

// failovers measures the SQL part of whole failovers: from the first sign until one is primary and all others are
// secondary again. The first one of each group is the first in its sessions' lives as well.
func failovers(ctx context.Context, p plan, subjects []*subject, v *verdicts) error {
	fmt.Printf("SQL part of a failover until all is well again: sum over all calls, median of %d\n", p.stories)
	fmt.Printf("(first: no session of the group has seen a failover before; later: they have)\n\n")
	printFailoverHeader(subjects)
	for _, s := range stories {
		var first, later []toll
		for _, b := range subjects {
			f, l, err := b.failovers(ctx, s, p.stories)
			if err != nil {
				return fmt.Errorf("%s: %s failover of %d: %w", b.name, s.name, s.members, err)
			}
			first, later = append(first, f), append(later, l)
		}
		printFailover(s, first, later)
		v.failover(s, first[0], later[0])
	}
	fmt.Println()
	return nil
}

// failovers measures one kind of story with several groups, each failing over several times.
func (b *subject) failovers(ctx context.Context, s story, repeat int) (first, later toll, err error) {
	var firsts, laters []toll
	number, err := b.build(ctx, repeat, s.members)
	if err != nil {
		return first, later, err
	}
	for i := range repeat {
		g, err := b.openGroup(ctx, number+i)
		if err != nil {
			return first, later, err
		}
		for j := range repeat {
			t, err := g.failOver(ctx, s.planned)
			if err != nil {
				g.close(ctx)
				return first, later, err
			}
			if j == 0 {
				firsts = append(firsts, t)
			} else {
				laters = append(laters, t)
			}
		}
		g.close(ctx)
	}
	return middle(firsts), middle(laters), nil
}

// middle takes the median of each figure by itself.
func middle(all []toll) toll {
	return toll{
		calls:    median(pick(all, func(t toll) int { return t.calls })),
		wall:     median(pick(all, func(t toll) time.Duration { return t.wall })),
		writable: median(pick(all, func(t toll) time.Duration { return t.writable })),
		cpu:      median(pick(all, func(t toll) time.Duration { return t.cpu })),
	}
}

func pick[A, B any](all []A, field func(A) B) []B {
	var picked []B
	for _, a := range all {
		picked = append(picked, field(a))
	}
	return picked
}

// failOver breaks the primary, or asks for a switchover, and lets the keepers do and say what they are told.
func (g *group) failOver(ctx context.Context, planned bool) (t toll, err error) {
	if err := g.b.refresh(ctx); err != nil {
		return t, err
	}
	old := g.primary()
	if old == nil {
		return t, fmt.Errorf("group %s has no primary", g.formation)
	}
	if err := g.openOperator(ctx); err != nil {
		return t, err
	}
	before, err := g.cpu()
	if err != nil {
		return t, err
	}
	g.toll, g.successor = toll{}, nil
	if planned {
		err = g.timed(func() error {
			_, err := g.operator.Exec(ctx, "SELECT pgautofailover.perform_failover($1, 0)", g.formation)
			return err
		})
	} else {
		// Postgres is gone, and its keeper says so
		old.running, old.crashed = false, true
		err = g.report(ctx, old, old.state)
	}
	if err != nil {
		return t, err
	}
	if err := g.obey(ctx, old); err != nil {
		return t, err
	}
	after, err := g.cpu()
	t = g.toll
	t.cpu = after - before
	return t, err
}

// obey lets who is told something new do it and say so; when nobody is and the group is not at rest, all report once more
// what they are.
func (g *group) obey(ctx context.Context, old *keeper) error {
	const bound = 200
	for g.toll.calls < bound {
		if err := g.learn(ctx); err != nil {
			return err
		}
		i := slices.IndexFunc(g.keepers, func(k *keeper) bool { return k.goal != k.state })
		if i >= 0 {
			if err := g.carryOut(ctx, g.keepers[i]); err != nil {
				return err
			}
			continue
		}
		if p := g.primary(); p != nil && p != old && g.settled() {
			return nil
		}
		for _, k := range g.keepers {
			if err := g.report(ctx, k, k.state); err != nil {
				return err
			}
		}
	}
	return fmt.Errorf("no rest after %d calls: %s", bound, g)
}
