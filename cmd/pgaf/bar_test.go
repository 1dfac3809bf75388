package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"pgaf/keeper"
)

func TestDrawBar(t *testing.T) {
	p := keeper.Progress{Doing: "copying", Percent: 42, Done: 420 << 20, Total: 1000 << 20}
	for _, test := range []struct {
		elapsed time.Duration
		want    string
	}{
		{time.Second, "copying ██████████░░░░░░░░░░░░░░  42 %  420 of 1000 MB"},
		{10 * time.Second, "copying ██████████░░░░░░░░░░░░░░  42 %  420 of 1000 MB, 14s left"},
	} {
		if got := drawBar(p, test.elapsed); got != test.want {
			t.Errorf("after %s: %q, want %q", test.elapsed, got, test.want)
		}
	}
	p.Percent = 103 // pg_basebackup estimates
	if got := drawBar(p, time.Second); !strings.Contains(got, "████████████████████████ 103 %") {
		t.Errorf("%q", got)
	}
}

// What is logged meanwhile is on lines of its own, and nothing is left of the bar.
func TestBarAndLog(t *testing.T) {
	var out bytes.Buffer
	b := &bar{w: &out}
	b.Write([]byte("before\n"))
	b.show(keeper.Progress{Doing: "copying", Percent: 50, Done: 1 << 20, Total: 2 << 20})
	b.Write([]byte("meanwhile\n"))
	b.show(keeper.Progress{Doing: "copying", Ended: true})
	b.Write([]byte("after\n"))
	line := drawBar(keeper.Progress{Doing: "copying", Percent: 50, Done: 1 << 20, Total: 2 << 20}, 0)
	want := "before\n" + eraseLine + line + eraseLine + "meanwhile\n" + line + eraseLine + "after\n"
	if out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
}
