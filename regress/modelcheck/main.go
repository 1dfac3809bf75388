// Command modelcheck looks for an order of events in which the monitor's rules go wrong. It drives the functions of the
// extension as they are installed, with simulated nodes (package model), and checks the safety claims after each step.
//
//	go run ./regress/modelcheck                   (make test-model)  all that is known, exhaustive short orders, mutations, walks
//	go run ./regress/modelcheck -walk -seconds 60 (make model)       random walks only, for as long as you like
//
// What it finds is printed as a transcript, the shortest that could be found, and written to results/model: as a script
// (regress/model/testdata is full of such) and as a test for pg_regress.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"pgaf/regress/harness"
	"pgaf/regress/model"
)

func main() { os.Exit(harness.Main(harness.ThisMachine, run)) }

func run() int {
	c := checker{found: map[string]bool{}}
	walk := flag.Bool("walk", false, "random walks only")
	script := flag.String("script", "", "print what happens in this script (with -only: with these mutations), and do nothing else")
	mutate := flag.Bool("mutate", false, "mutations only")
	flag.BoolVar(&c.keep, "keep", false, "keep the script of each mutation that a walk finds")
	seconds := flag.Int("seconds", 180, "how long in all")
	flag.Uint64Var(&c.seed, "seed", 1, "of the random walks")
	flag.IntVar(&c.nodes, "nodes", 0, "nodes of a group; 0: one to four")
	flag.IntVar(&c.workers, "workers", 3, "groups side by side; each is busy on one core, here or in Postgres")
	flag.StringVar(&c.only, "only", "", "only mutations whose name contains this")
	flag.Parse()
	c.budget = time.Duration(*seconds) * time.Second
	if flag.NArg() > 0 || c.budget <= 0 || c.nodes < 0 || c.nodes > 4 || c.workers < 1 || c.workers > 16 {
		fmt.Fprintln(os.Stderr, "modelcheck: -seconds is above 0, -nodes 0 to 4, -workers 1 to 16, and there are no arguments")
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// This goroutine is bound to one thread, which would cost each call a change of thread.
	done := make(chan error)
	go func() { done <- c.check(ctx, *walk, *mutate, *script) }()
	if err := <-done; err != nil {
		fmt.Fprintf(os.Stderr, "modelcheck: %v\n", err)
		return 1
	}
	return c.report()
}

// checker is one run of this program.
type checker struct {
	seed    uint64
	nodes   int
	workers int
	only    string
	keep    bool
	budget  time.Duration
	server  *model.Server

	passed, failed int
	found          map[string]bool // violations, by name and group
}

func (c *checker) check(ctx context.Context, walk, mutate bool, script string) error {
	run, err := harness.NewRun()
	if err != nil {
		return err
	}
	defer run.Close()
	if c.server, err = model.StartServer(ctx, run); err != nil {
		return err
	}
	switch {
	case script != "":
		return c.script(ctx, script)
	case walk:
		return c.walks(ctx, c.budget)
	case mutate:
		return c.mutations(ctx, c.budget)
	}
	begun := time.Now()
	if err := c.findings(ctx); err != nil {
		return err
	}
	if err := c.orders(ctx, c.budget/6); err != nil {
		return err
	}
	if err := c.mutations(ctx, 5*c.budget/12); err != nil {
		return err
	}
	return c.walks(ctx, max(c.budget-time.Since(begun), c.budget/6))
}

// pass counts a check that found what it should, or nothing.
func (c *checker) pass() { c.passed++ }

// fail says what is wrong.
func (c *checker) fail(format string, args ...any) {
	c.failed++
	fmt.Printf("FAILED  "+format+"\n", args...)
}

func (c *checker) report() int {
	fmt.Printf("\n%d passed, %d failed\n", c.passed, c.failed)
	if c.failed > 0 {
		return 1
	}
	return 0
}
