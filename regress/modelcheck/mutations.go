package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"pgaf/regress/model"
)

// mutations puts mistakes into copies of the objects, one each, and expects each to be found: by a walk, or at least by
// the script that once found it. The same steps do no harm without the mistake.
func (c *checker) mutations(ctx context.Context, budget time.Duration) error {
	fmt.Printf("\nMistakes put into a copy of the rules, and how they are found\n\n")
	sound, err := c.server.NewExplorer(ctx)
	if err != nil {
		return err
	}
	defer sound.Close(ctx)
	rounds := (len(model.Mutations) + c.workers - 1) / c.workers
	var mutex sync.Mutex
	team, ctx := errgroup.WithContext(ctx)
	team.SetLimit(c.workers)
	for _, m := range model.Mutations {
		if !strings.Contains(m.Name, c.only) {
			continue
		}
		team.Go(func() error {
			run, stats, err := c.hunt(ctx, m, budget/time.Duration(rounds))
			if err != nil {
				return fmt.Errorf("%s: %w", m.Name, err)
			}
			mutex.Lock()
			defer mutex.Unlock()
			how := fmt.Sprintf("by a walk, after %d steps of %d runs", stats.Steps, stats.Runs)
			switch {
			case run.Violation == nil:
				c.fail("%s: not found in %d steps of %d runs, nor by its script", m.Name, stats.Steps, stats.Runs)
				return nil
			case run.Number == 0:
				how = fmt.Sprintf("by a script of %d steps, not by %d of walks", len(run.Steps), stats.Steps)
			}
			broken, _, err := sound.Replay(ctx, run.Config, run.Steps, nil)
			if err != nil {
				return err
			}
			if broken != nil {
				c.fail("%s: what found it is found without it, too: %v", m.Name, broken)
				return c.show(ctx, sound, &model.Run{Config: run.Config, Steps: run.Steps, Violation: broken, Seed: run.Seed, Number: run.Number})
			}
			c.pass()
			fmt.Printf("found   %-50s %s, %s\n", m.Name, run.Violation.Name, how)
			return nil
		})
	}
	return team.Wait()
}

// hunt looks for a mistake.
func (c *checker) hunt(ctx context.Context, m model.Mutation, budget time.Duration) (*model.Run, *model.Stats, error) {
	e, err := c.server.NewExplorer(ctx, m.Script())
	if err != nil {
		return nil, nil, err
	}
	defer e.Close(ctx)
	r := rand.New(rand.NewPCG(c.seed, 0))
	begun := time.Now()
	for number := uint64(1); time.Since(begun) < budget; number++ {
		config := m.Config(rand.New(rand.NewPCG(c.seed, number/100)))
		run, err := e.Hunt(ctx, r, config)
		if err != nil {
			return nil, nil, err
		}
		if run.Violation != nil {
			run.Seed, run.Number = c.seed, number
			return run, e.Stats(), c.keepScript(ctx, e, m, run)
		}
	}
	run, err := c.byScript(ctx, e, m)
	return run, e.Stats(), err
}

// byScript tries the scripts: the mistake's own first, then those of what walks have found before.
func (c *checker) byScript(ctx context.Context, e *model.Explorer, m model.Mutation) (*model.Run, error) {
	files, err := filepath.Glob(filepath.Join(testdata, "*.steps"))
	if err != nil {
		return nil, err
	}
	if own := filepath.Join(testdata, "mutations", m.File()); exists(own) {
		files = append([]string{own}, files...)
	}
	run := &model.Run{}
	for _, file := range files {
		if run.Config, run.Steps, err = model.ReadScript(file); err != nil {
			return nil, err
		}
		if run.Violation, _, err = e.Replay(ctx, run.Config, run.Steps, nil); err != nil || run.Violation != nil {
			return run, err
		}
	}
	return run, nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// keepScript writes the shortest run that shows a mistake to testdata.
func (c *checker) keepScript(ctx context.Context, e *model.Explorer, m model.Mutation, run *model.Run) error {
	if !c.keep {
		return nil
	}
	short, err := e.Shrink(ctx, run, shrinkBudget)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(testdata, "mutations", m.File()), []byte(short.Script()), 0o644)
}
