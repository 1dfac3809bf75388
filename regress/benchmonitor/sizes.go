package main

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// turn is how long one size is measured before the next has its turn.
const turn = 2 * time.Second

// sizes compares what a heartbeat costs on small and large monitors: one database for each size, in turns. What a
// call costs on a shared machine changes more from one minute to the next than it does from size to size.
func sizes(ctx context.Context, p plan, subjects []*subject, v *verdicts) error {
	fmt.Printf("Unchanged heartbeats by size, 1 client: median of %d turns of %s, the sizes in turns\n\n", p.turns, turn)
	columns("nodes", 6, "CPU/call", "least", "most")
	var monitors []*subject
	for _, nodes := range p.nodes {
		s, err := createDatabase(ctx, subjects[0].Server, fmt.Sprintf("of_%d", nodes))
		if err != nil {
			return err
		}
		defer s.admin.Close(ctx)
		b, err := s.installPgaf(ctx)
		if err != nil {
			return err
		}
		if err := b.buildPairs(ctx, nodes); err != nil {
			return err
		}
		if err := b.measureOpening(ctx, nodes); err != nil {
			return err
		}
		monitors = append(monitors, b)
	}
	perCall := make([][]time.Duration, len(monitors))
	order := make([]int, len(monitors))
	for i := range order {
		order[i] = i
	}
	for range p.turns {
		for _, i := range order {
			c, err := monitors[i].heartbeats(ctx, p.nodes[i], 1, turn)
			if err != nil {
				return fmt.Errorf("heartbeats of %d nodes: %w", p.nodes[i], err)
			}
			perCall[i] = append(perCall[i], c.cpu)
		}
		slices.Reverse(order) // no size is always measured after the same other one
	}
	var medians []float64
	for i, all := range perCall {
		columns(fmt.Sprintf("%5d", p.nodes[i]), 6, microseconds(median(all)), microseconds(slices.Min(all)), microseconds(slices.Max(all)))
		medians = append(medians, median(all).Seconds())
	}
	fmt.Println()
	v.sizes(p.nodes, medians)
	return nil
}
