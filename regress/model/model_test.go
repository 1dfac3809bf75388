//go:build model

package model

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

func env(name string, otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return n
	}
	return otherwise
}

func explorer(t *testing.T) *Explorer {
	t.Helper()
	ctx := context.Background()
	s, err := StartServer(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	name, err := s.Copy(ctx)
	if err != nil {
		t.Fatal(err)
	}
	db, err := s.OpenMonitor(ctx, name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close(ctx) })
	return NewExplorer(db)
}

func TestScripts(t *testing.T) {
	ctx := context.Background()
	files, err := filepath.Glob("testdata/*.steps")
	if err != nil || len(files) == 0 {
		t.Fatal("no scripts", err)
	}
	e := explorer(t)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".steps"), func(t *testing.T) {
			c, steps, err := ReadScript(file)
			if err != nil {
				t.Fatal(err)
			}
			broken, used, err := e.replay(ctx, c, steps, nil)
			if err != nil {
				t.Fatal(err)
			}
			if broken == nil && !testing.Verbose() {
				return
			}
			text, err := e.transcript(ctx, &Run{Config: c, Steps: steps[:used], Violation: broken})
			if err != nil {
				t.Fatal(err)
			}
			t.Log(text)
			if broken != nil {
				t.Error(broken)
			}
		})
	}
}

func TestWalk(t *testing.T) {
	ctx := context.Background()
	e := explorer(t)
	begun := time.Now()
	seed := uint64(env("SEED", 1))
	r := rand.New(rand.NewPCG(seed, 0))
	found := map[string]int{}
	for n := 0; time.Since(begun) < time.Duration(env("SECONDS", 10))*time.Second; n++ {
		c := randomConfig(rand.New(rand.NewPCG(seed, uint64(n/200))), env("NODES", 2))
		c.LateReports = env("LATE", 1) == 1
		run, err := e.Hunt(ctx, r, c)
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
			name := fmt.Sprintf("/tmp/model/out/%s-%d-%d", run.Violation.Name, seed, n)
			os.WriteFile(name+".txt", []byte(text), 0o644)
			os.WriteFile(name+".steps", []byte(short.Script()), 0o644)
			t.Logf("run %d: %d steps: %v %s", n, len(short.Steps), short.Violation, name)
		}
	}
	took := time.Since(begun).Seconds()
	stats := e.stats
	t.Logf("%d runs, %d steps (%.0f/s), %d calls (%.0f/s), %d states, %d acks, violations %v", stats.runs, stats.steps, float64(stats.steps)/took, e.db.calls, float64(e.db.calls)/took, len(stats.states), stats.acknowledged, found)
	t.Log(stats.faults)
	t.Logf("safe %d late %d lost async %d promotions %d", stats.safe, stats.late, stats.lostAsync, stats.promotions)
}

func TestMutations(t *testing.T) {
	ctx := context.Background()
	s, err := StartServer(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	only := os.Getenv("ONLY")
	for _, m := range Mutations {
		if !strings.Contains(m.Name, only) {
			continue
		}
		name, err := s.Copy(ctx, m.Script())
		if err != nil {
			t.Errorf("%s: %v", m.Name, err)
			continue
		}
		db, err := s.OpenMonitor(ctx, name)
		if err != nil {
			t.Fatal(err)
		}
		e := NewExplorer(db)
		begun := time.Now()
		seed := uint64(env("SEED", 1))
		r := rand.New(rand.NewPCG(seed, 0))
		var run *Run
		for n := 0; time.Since(begun) < time.Duration(env("SECONDS", 30))*time.Second; n++ {
			c := randomConfig(rand.New(rand.NewPCG(seed, uint64(n/200))), m.Nodes)
			c.LateReports = true
			run, err = e.Hunt(ctx, r, c)
			if err != nil {
				t.Fatal(err)
			}
			if run.Violation != nil {
				break
			}
		}
		db.Close(ctx)
		if run.Violation == nil {
			t.Errorf("%s: not found in %d runs, %d steps", m.Name, e.stats.runs, e.stats.steps)
			continue
		}
		t.Logf("%s: %v after %d runs, %d steps, %.1f s, %d states", m.Name, run.Violation, e.stats.runs, e.stats.steps, time.Since(begun).Seconds(), len(e.stats.states))
	}
}

func TestParseStep(t *testing.T) {
	for _, kind := range kinds {
		for _, s := range []Step{{Kind: kind, Node: 2, Other: 3, Value: 5}, {Kind: kind, Node: 2}} {
			text := s.String()
			parsed, err := ParseStep(text)
			if err != nil || parsed.String() != text || parsed.Kind != kind {
				t.Errorf("%q: got %v, %v", text, parsed, err)
			}
		}
	}
}

func TestExhaust(t *testing.T) {
	ctx := context.Background()
	e := explorer(t)
	c := Config{Nodes: env("NODES", 2), Priority: []int{50, 50, 50}, Quorum: []bool{true, true, true}}
	x, err := e.Exhaust(ctx, c, time.Now().Add(time.Duration(env("SECONDS", 30))*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("depth %d, %d states, %d steps", x.Depth, x.States, x.Steps)
	if x.Failed != nil {
		text, _ := e.transcript(ctx, x.Failed)
		t.Log(text)
	}
}

func TestReplaySQL(t *testing.T) {
	ctx := context.Background()
	e := explorer(t)
	files, _ := filepath.Glob("testdata/*.steps")
	for _, file := range files {
		c, steps, err := ReadScript(file)
		if err != nil {
			t.Fatal(err)
		}
		text, err := e.replaySQL(ctx, &Run{Config: c, Steps: steps})
		if err != nil {
			t.Fatal(err)
		}
		os.WriteFile("/tmp/model/out/"+filepath.Base(file)+".sql", []byte(text), 0o644)
	}
}
