// Command bench measures what a fault costs a client: the largest gap between two acknowledged writes, of
// one writer with a pause of 5 ms and a multi-host URI, on a group of two nodes with default settings. Beside
// each stands the raw limit, measured in the same run: what the same fault costs with two plain servers and somebody
// who knows at once what to do.
//
//	go run ./regress/bench                 (make bench)
//	go run ./regress/bench -n 1 -rows cut  (make bench BENCH='-n 1 -rows cut')
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"pgaf/regress/harness"
)

func main() { os.Exit(harness.Main(harness.Namespaces, run)) }

// options of the command line.
type options struct {
	repeat int
	rows   string
	idle   time.Duration
	starve time.Duration
	freeze time.Duration
	events bool
}

func run() int {
	var o options
	flag.IntVar(&o.repeat, "n", 5, "how often each fault is repeated; the median counts")
	flag.StringVar(&o.rows, "rows", "", "only rows whose name contains this")
	flag.DurationVar(&o.idle, "idle", time.Minute, "how long the idle cluster is measured; 0 for not at all")
	flag.DurationVar(&o.starve, "starve", 0, "how long every core is kept busy with competing processes (the target is 10m); 0 for not at all")
	flag.DurationVar(&o.freeze, "freeze", time.Minute, "how long the primary is frozen")
	flag.BoolVar(&o.events, "events", false, "print what the monitor did, with the time since the fault")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := bench(ctx, o); err != nil {
		fmt.Fprintf(os.Stderr, "bench: %v\n", err)
		return 1
	}
	return 0
}

// bench measures and prints row by row. A missed target is not an error; a lost write is.
func bench(ctx context.Context, o options) error {
	run, err := harness.NewRun()
	if err != nil {
		return err
	}
	defer run.Close()
	if err := run.Prepare(ctx); err != nil {
		return err
	}
	starting, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	pair, err := run.NewPlainPair(starting, "plain")
	if err != nil {
		return err
	}
	defer pair.Close()
	cluster, err := run.NewCluster(starting, "bench", harness.ClusterOptions{})
	if err != nil {
		return err
	}
	defer cluster.Close()
	if err := cluster.AddNodes(starting, 2); err != nil {
		return err
	}
	m := &meter{Run: run, Cluster: cluster, pair: pair, primary: cluster.Nodes[0], standby: cluster.Nodes[1], options: o}
	lost := 0
	for i, f := range selected(o.rows) {
		if i == 0 {
			printHeader(o.repeat)
		}
		row, err := m.measure(ctx, f)
		if err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
		fmt.Println(row)
		lost += row.lost
	}
	if o.idle > 0 && strings.Contains("idle", o.rows) {
		if err := m.idle(ctx); err != nil {
			return fmt.Errorf("idle: %w", err)
		}
	}
	if o.starve > 0 {
		if err := m.starve(ctx); err != nil {
			return fmt.Errorf("starvation: %w", err)
		}
	}
	if lost > 0 {
		return fmt.Errorf("%d acknowledged writes lost", lost)
	}
	return nil
}

// selected are the faults whose name contains the given text.
func selected(text string) []fault {
	return slices.DeleteFunc(slices.Clone(faults), func(f fault) bool { return !strings.Contains(f.name, text) })
}
