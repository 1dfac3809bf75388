// Command benchmonitor measures what the monitor's SQL costs: heartbeats that change nothing, whole failovers, the
// way of a notification, health rounds and ticks. Beside it stands the C extension of pg_auto_failover 2.0 as Debian
// packages it, measured in the same run with the same calls, so that the figures of a busy machine still
// compare.
//
//	go run ./regress/benchmonitor          (make bench-monitor)
//	go run ./regress/benchmonitor -quick   (QUICK=1 make bench-monitor)
//
// Each monitor is a server of its own below the run's folder, reached by Unix socket, with Postgres's default
// settings but for max_connections (the listeners). So fsync is on. Simulated keepers call as keepers do:
// as role autoctl_node, on a kept connection, and say the truth about a group that exists nowhere.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"pgaf/regress/harness"
)

func main() { os.Exit(harness.Main(harness.ThisMachine, run)) }

// plan says what is measured how long.
type plan struct {
	nodes, clients []int         // of the heartbeat cells
	cell           time.Duration // per cell and monitor
	turns          int           // of each size, where sizes are compared
	listeners      []int
	events         int // notified commits per number of listeners, at most
	stories        int // failovers of each kind: groups, each failing over that often
	rounds         int // health rounds and ticks
	compare        bool
	only           string
}

var (
	full = plan{
		nodes: []int{2, 20, 200, 2000}, clients: []int{1, 2, 8, 32}, cell: 5 * time.Second, turns: 8,
		listeners: []int{1, 100, 1000}, events: 200, stories: 4, rounds: 20,
	}
	quick = plan{
		nodes: []int{2, 2000}, clients: []int{1, 8}, cell: 2 * time.Second, turns: 4,
		listeners: []int{1, 100}, events: 100, stories: 3, rounds: 10,
	}
)

func run() int {
	short := flag.Bool("quick", os.Getenv("QUICK") == "1", "fewer cells: under two minutes")
	only := flag.String("only", "", "only sections whose name contains this: heartbeats, by size, failovers, notifications, service")
	alone := flag.Bool("alone", false, "without pg_auto_failover 2.0")
	flag.Parse()
	p := full
	if *short {
		p = quick
	}
	p.compare, p.only = !*alone, *only
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// This goroutine is bound to one thread, which would cost each call a change of thread.
	done := make(chan error)
	go func() { done <- bench(ctx, p) }()
	if err := <-done; err != nil {
		fmt.Fprintf(os.Stderr, "bench-monitor: %v\n", err)
		return 1
	}
	return 0
}

// bench measures and prints section by section. A missed target is not an error.
func bench(ctx context.Context, p plan) error {
	run, err := harness.NewRun()
	if err != nil {
		return err
	}
	defer run.Close()
	ours, err := startPgaf(ctx, run)
	if err != nil {
		return err
	}
	subjects := []*subject{ours}
	var absent error
	if p.compare {
		var theirs *subject
		if theirs, absent = startPackaged(ctx, run); absent == nil {
			subjects = append(subjects, theirs)
		}
	}
	printTitle(ctx, subjects, absent)
	var v verdicts
	for _, section := range []struct {
		name    string
		measure func(context.Context, plan, []*subject, *verdicts) error
	}{
		{"heartbeats", heartbeats}, {"failovers", failovers}, {"notifications", notifications}, {"service", serviceRounds},
		{"heartbeats by size", sizes}, // last: its databases stay, and autovacuum would look after them meanwhile
	} {
		if !strings.Contains(section.name, p.only) {
			continue
		}
		if err := section.measure(ctx, p, subjects, &v); err != nil {
			return err
		}
	}
	v.print()
	return nil
}
