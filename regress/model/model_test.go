package model

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"
)

func env(name string, otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return n
	}
	return otherwise
}

func TestWalk(t *testing.T) {
	ctx := context.Background()
	s, err := StartServer(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	name, err := s.Copy(ctx)
	if err != nil {
		t.Fatal(err)
	}
	db, err := s.OpenMonitor(ctx, name)
	if err != nil {
		t.Fatal(err)
	}
	e := NewExplorer(db)
	stats := e.stats
	begun := time.Now()
	seed := uint64(env("SEED", 1))
	found := map[string]int{}
	for n := uint64(env("FIRST", 1)); time.Since(begun) < time.Duration(env("SECONDS", 10))*time.Second; n++ {
		run, err := e.Walk(ctx, seed, n, env("NODES", 2))
		if err != nil {
			t.Fatalf("run %d: %v", n, err)
		}
		if run.Violation != nil {
			found[run.Violation.Name]++
			if found[run.Violation.Name] > env("EACH", 1) {
				continue
			}
			t.Logf("run %d: %v (%d steps)", n, run.Violation, len(run.Steps))
			short, err := e.shrink(ctx, run, time.Duration(env("SHRINK", 20))*time.Second)
			if err != nil {
				t.Fatal(err)
			}
			text, err := e.transcript(ctx, short)
			if err != nil {
				t.Fatal(err)
			}
			name := fmt.Sprintf("/tmp/model/out/%s-%d-%d.txt", run.Violation.Name, seed, n)
			os.WriteFile(name, []byte(text), 0o644)
			t.Logf("run %d: %d steps: %v %s", n, len(short.Steps), short.Violation, name)
		}
	}
	took := time.Since(begun).Seconds()
	t.Logf("%d runs, %d steps (%.0f/s), %d calls (%.0f/s), %d acks, violations %v", stats.runs, stats.steps, float64(stats.steps)/took, db.calls, float64(db.calls)/took, stats.acknowledged, found)
	t.Log(stats.faults)
	t.Logf("safe %d late %d lost async %d promotions %d", stats.safe, stats.late, stats.lostAsync, stats.promotions)
}
