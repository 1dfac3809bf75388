package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"pgaf/regress/model"
)

// small are the groups of which all short orders of events are tried.
var small = []model.Config{
	{Nodes: 2, Priority: []int{50, 50}, Quorum: []bool{true, true}},
	{Nodes: 2, Priority: []int{50, 50}, Quorum: []bool{true, false}},
	{Nodes: 3, Priority: []int{50, 50, 50}, Quorum: []bool{true, true, true}},
	{Nodes: 3, Priority: []int{50, 50, 50}, Quorum: []bool{true, true, true}, NumberSync: 1},
}

// orders tries all sequences of steps, as long as the time allows.
func (c *checker) orders(ctx context.Context, budget time.Duration) error {
	fmt.Printf("\nAll orders of coarse steps, shorter ones first\n\n")
	deadline := time.Now().Add(budget)
	var mutex sync.Mutex
	team, ctx := errgroup.WithContext(ctx)
	team.SetLimit(len(small))
	for _, config := range small {
		team.Go(func() error {
			e, err := c.server.NewExplorer(ctx)
			if err != nil {
				return err
			}
			defer e.Close(ctx)
			x, err := e.Exhaust(ctx, config, deadline)
			if err != nil {
				return err
			}
			mutex.Lock()
			defer mutex.Unlock()
			if x.Failed != nil {
				c.fail("%s: %v", config, x.Failed.Violation)
				return c.show(ctx, e, x.Failed)
			}
			c.pass()
			fmt.Printf("ok      %-46s all of %d, %d steps, %d distinct states\n", config, x.Depth, e.Stats().Steps, x.States)
			return nil
		})
	}
	return team.Wait()
}
