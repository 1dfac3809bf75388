package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"pgaf/regress/model"
)

// runsOfAGroup is how many runs are made of one group before the next is drawn. A run begins where an earlier one of the
// same group found something new.
const runsOfAGroup = 200

// walks makes random runs until the time is over.
func (c *checker) walks(ctx context.Context, budget time.Duration) error {
	fmt.Printf("\nRandom walks, seed %d\n\n", c.seed)
	begun := time.Now()
	total := model.NewStats()
	violations := 0
	var mutex sync.Mutex
	team, ctx := errgroup.WithContext(ctx)
	for worker := range c.workers {
		team.Go(func() error {
			e, err := c.server.NewExplorer(ctx)
			if err != nil {
				return err
			}
			defer e.Close(ctx)
			draws := rand.New(rand.NewPCG(c.seed, uint64(1000+worker)))
			r := rand.New(rand.NewPCG(c.seed, uint64(worker)))
			var config model.Config
			for number := uint64(0); time.Since(begun) < budget; number++ {
				if number%runsOfAGroup == 0 {
					config = model.RandomConfig(draws, c.nodes)
				}
				run, err := e.Hunt(ctx, r, config)
				if err != nil {
					return fmt.Errorf("worker %d, run %d: %w", worker, number, err)
				}
				if run.Violation == nil {
					continue
				}
				run.Seed, run.Number = c.seed, uint64(worker)<<32|number
				mutex.Lock()
				violations++
				err = c.meet(ctx, e, run)
				mutex.Unlock()
				if err != nil {
					return err
				}
			}
			mutex.Lock()
			defer mutex.Unlock()
			total.Add(e.Stats())
			return nil
		})
	}
	if err := team.Wait(); err != nil {
		return err
	}
	c.summary(total, violations, time.Since(begun))
	return nil
}

// meet shows a violation, unless one of its kind in such a group was shown already.
func (c *checker) meet(ctx context.Context, e *model.Explorer, run *model.Run) error {
	key := fmt.Sprint(run.Violation.Name, run.Config.Nodes)
	if c.found[key] {
		return nil
	}
	c.found[key] = true
	c.fail("%v", run.Violation)
	return c.show(ctx, e, run)
}

func (c *checker) summary(s *model.Stats, violations int, took time.Duration) {
	if violations == 0 {
		c.pass()
	}
	fmt.Printf("%-34s %d\n", "runs", s.Runs)
	fmt.Printf("%-34s %d (%.0f/s)\n", "steps", s.Steps, float64(s.Steps)/took.Seconds())
	fmt.Printf("%-34s %d\n", "distinct states of a group", s.States())
	fmt.Printf("%-34s %d\n", "promotions", s.Promotions)
	fmt.Printf("%-34s %d, of them %d under synchronous replication\n", "commits acknowledged", s.Acknowledged, s.Safe)
	fmt.Printf("%-34s %d\n", "lost that nobody had promised", s.LostAsync)
	fmt.Printf("faults and operators' calls\n")
	for i, kind := range model.Faults {
		fmt.Printf("    %-28s %8d", kind, s.Kinds[kind])
		if i%2 == 1 || i == len(model.Faults)-1 {
			fmt.Println()
		}
	}
	fmt.Printf("%-34s %d\n", "violations", violations)
}
