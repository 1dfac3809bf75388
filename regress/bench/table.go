package main

import (
	"fmt"
	"runtime"
	"slices"
	"time"

	"pgaf/regress/harness"
)

// row is one measured fault.
type row struct {
	name               string
	gaps               []time.Duration
	raw, target        time.Duration
	acknowledged, lost int
}

const layout = "%-38s %10s %17s %10s %10s %14s %6s  %s\n"

func printHeader(repeat int) {
	fmt.Printf("Largest gap between two acknowledged writes; median of %d; %d cores\n\n", repeat, runtime.NumCPU())
	fmt.Printf(layout, "fault", "median", "least – most", "raw limit", "target", "acknowledged", "lost", "")
}

func (r row) String() string {
	middle := median(r.gaps)
	text := fmt.Sprintf(layout, r.name, milliseconds(middle),
		fmt.Sprintf("%d – %d", slices.Min(r.gaps).Milliseconds(), slices.Max(r.gaps).Milliseconds()),
		milliseconds(r.raw), "≤ "+milliseconds(r.target), fmt.Sprint(r.acknowledged), fmt.Sprint(r.lost), verdict(middle <= r.target && r.lost == 0))
	return text[:len(text)-1]
}

// printEvents tells where the time of one repetition went.
func printEvents(events []harness.Event, fault time.Time, gap harness.Gap) {
	since := func(t time.Time) string { return fmt.Sprintf("%7.0f ms", float64(t.Sub(fault).Microseconds())/1000) }
	fmt.Printf("  %s – %s: no write acknowledged\n", since(gap.From), since(gap.To))
	for _, e := range events {
		fmt.Printf("  %s  %-8s %-17s → %-17s %s\n", since(e.Time), e.Node, e.Reported, e.Assigned, e.Rule)
	}
}

func verdict(met bool) string {
	if met {
		return "met"
	}
	return "MISSED"
}

func milliseconds(d time.Duration) string { return fmt.Sprintf("%d ms", d.Milliseconds()) }

// median of at least one duration.
func median(all []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(all))
	return sorted[len(sorted)/2]
}
