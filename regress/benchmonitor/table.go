package main

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"
)

// Targets.
const (
	targetPerSecond    = 5000                   // with 8 clients on 2 cores
	targetCPU          = 400 * time.Microsecond // per unchanged heartbeat
	targetSpread       = 0.10                   // of that, from the smallest to the largest monitor, side by side
	targetNotification = 2 * time.Millisecond   // median with 100 listeners
	targetFailover     = 15 * time.Millisecond  // sum of all calls
)

func printTitle(ctx context.Context, subjects []*subject, absent error) {
	version, _ := value[string](ctx, subjects[0].server, "SELECT current_setting('server_version')")
	fmt.Printf("Cost of the monitor: PostgreSQL %s with default settings (fsync on), %d cores\n", version, runtime.NumCPU())
	switch {
	case len(subjects) > 1:
		fmt.Printf("beside it pg_auto_failover 2.0 (%s); ratios are pgaf to 2.0\n", subjects[1].version)
	case absent != nil:
		fmt.Printf("pg_auto_failover 2.0 is not compared: %v\n", absent)
	}
	fmt.Println()
}

// columns prints one line of right-aligned columns; the first one is left-aligned.
func columns(first string, width int, rest ...string) {
	fmt.Printf("%-*s", width, first)
	for _, text := range rest {
		fmt.Printf(" %10s", text)
	}
	fmt.Println()
}

// beside repeats column names for each monitor, and names the ratios.
func beside(subjects []*subject, names []string, ratios ...string) []string {
	var all []string
	for i, b := range subjects {
		for _, name := range names {
			if i > 0 {
				name = b.name + " " + name
			}
			all = append(all, name)
		}
	}
	if len(subjects) > 1 {
		all = append(all, ratios...)
	}
	return all
}

func printHeartbeatHeader(subjects []*subject) {
	columns("nodes clients", 14, append(beside(subjects, []string{"calls/s", "CPU/call"}, "× calls", "× CPU"), "others")...)
}

func printHeartbeats(row []cell) {
	var texts []string
	for _, c := range row {
		texts = append(texts, fmt.Sprintf("%.0f", c.perSecond), microseconds(c.cpu))
	}
	if len(row) > 1 {
		texts = append(texts, ratio(row[0].perSecond, row[1].perSecond), ratio(row[0].cpu, row[1].cpu))
	}
	texts = append(texts, fmt.Sprintf("%.0f %%", 100*median(pick(row, func(c cell) float64 { return c.others }))))
	columns(fmt.Sprintf("%5d %8d", row[0].nodes, row[0].clients), 14, texts...)
}

// printOthers explains the last column.
func printOthers() {
	fmt.Printf("\nothers: CPU time of this machine that went to processes that have nothing to do with this\n\n")
}

// printTraces tells what a heartbeat leaves behind, in the largest cells.
func printTraces(subjects []*subject, cells [][]cell) {
	const width = 42
	columns("per call, median of the cells", width, pick(subjects, func(b *subject) string { return b.name })...)
	line := func(name, format string, field func(cell) float64) {
		columns(name, width, pick(cells, func(c []cell) string { return fmt.Sprintf(format, median(pick(c, field))) })...)
	}
	line("WAL, bytes", "%.0f", func(c cell) float64 { return c.walBytes })
	line("row versions of table node", "%.2f", func(c cell) float64 { return c.versions })
	line("  of these HOT, per cent", "%.1f", func(c cell) float64 { return 100 * c.inPlace })
	line("dead rows that wait for vacuum", "%.3f", func(c cell) float64 { return c.dead })
	columns("CPU to open a session with one call", width, pick(subjects, func(b *subject) string { return milliseconds(b.opening) })...)
	fmt.Println()
}

func printFailoverHeader(subjects []*subject) {
	columns("", 22, beside(subjects, []string{"calls", "time", "writable", "CPU"}, "× time", "× CPU")...)
}

func printFailover(s story, first, later []toll) {
	for i, tolls := range [][]toll{first, later} {
		var texts []string
		for _, t := range tolls {
			texts = append(texts, fmt.Sprint(t.calls), milliseconds(t.wall), milliseconds(t.writable), milliseconds(t.cpu))
		}
		if len(tolls) > 1 {
			texts = append(texts, ratio(tolls[0].wall, tolls[1].wall), ratio(tolls[0].cpu, tolls[1].cpu))
		}
		columns(fmt.Sprintf("%s, %d, %s", s.name, s.members, []string{"first", "later"}[i]), 22, texts...)
	}
}

func printNotificationHeader(subjects []*subject) {
	columns("listeners commits", 18, beside(subjects, []string{"p50", "p99"}, "× p50", "× p99")...)
}

func printNotifications(listeners, commits int, row []waits) {
	var texts []string
	for _, w := range row {
		texts = append(texts, milliseconds(w.p50), milliseconds(w.p99))
	}
	if len(row) > 1 {
		texts = append(texts, ratio(row[0].p50, row[1].p50), ratio(row[0].p99, row[1].p99))
	}
	columns(fmt.Sprintf("%9d %7d", listeners, commits), 18, texts...)
}

func printRoundHeader() { columns("", 36, "time", "CPU", "WAL bytes") }

func printRound(name string, wall, cpu time.Duration, wal int64) {
	columns(name, 36, milliseconds(wall), milliseconds(cpu), fmt.Sprint(wal))
}

// verdicts compare with the targets.
type verdicts []string

func (v *verdicts) add(met bool, format string, args ...any) {
	word := "met   "
	if !met {
		word = "MISSED"
	}
	*v = append(*v, word+"  "+fmt.Sprintf(format, args...))
}

func (v *verdicts) heartbeats(cells []cell) {
	var eight []float64
	for _, c := range cells {
		// each node has a session of its own
		if c.clients == 8 && c.nodes >= c.clients {
			eight = append(eight, c.perSecond)
		}
	}
	v.add(slices.Min(eight) >= targetPerSecond, "unchanged heartbeats with 8 clients, least of the cells with as many nodes: %.0f/s (≥ %d)", slices.Min(eight), targetPerSecond)
	all := pick(cells, func(c cell) time.Duration { return c.cpu })
	v.add(slices.Max(all) <= targetCPU, "backend CPU per heartbeat, worst cell: %s (≤ %s)", microseconds(slices.Max(all)), microseconds(targetCPU))
}

func (v *verdicts) sizes(nodes []int, perCall []float64) {
	v.add(spread(perCall) <= targetSpread, "CPU per heartbeat from %d to %d nodes, 1 client, side by side: within %.0f %% (≤ %.0f %%)",
		nodes[0], nodes[len(nodes)-1], 100*spread(perCall), 100*targetSpread)
}

func (v *verdicts) failover(s story, first, later toll) {
	for i, t := range []toll{first, later} {
		v.add(t.wall <= targetFailover, "SQL of a failover, %s, %d nodes, %s: %s (≤ %s)",
			s.name, s.members, []string{"first", "later"}[i], milliseconds(t.wall), milliseconds(targetFailover))
	}
}

func (v *verdicts) notifications(listeners int, w waits) {
	if listeners == 100 {
		v.add(w.p50 <= targetNotification, "notification with %d listeners, median: %s (≤ %s)", listeners, milliseconds(w.p50), milliseconds(targetNotification))
	}
}

func (v verdicts) print() { fmt.Printf("Targets\n\n%s\n", strings.Join(v, "\n")) }

func microseconds(d time.Duration) string { return fmt.Sprintf("%d µs", d.Microseconds()) }
func milliseconds(d time.Duration) string { return fmt.Sprintf("%.2f ms", d.Seconds()*1000) }

func ratio[N int64 | float64 | time.Duration](a, b N) string {
	return fmt.Sprintf("%.2f", float64(a)/float64(b))
}

// median of at least one value.
func median[T cmp.Ordered](all []T) T {
	sorted := slices.Sorted(slices.Values(all))
	return sorted[len(sorted)/2]
}
