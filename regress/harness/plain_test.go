package harness

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// newRun needs a pgaf binary only to copy it.
func newRun(t *testing.T) *Run {
	t.Helper()
	t.Setenv("PGAF_BIN", "/bin/true")
	run, err := NewRun()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := run.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := run.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	return run
}

func TestTheWriterCountsAcrossAPromotionByHand(t *testing.T) {
	run := newRun(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	pair, err := run.NewPlainPair(ctx, "plain")
	if err != nil {
		t.Fatal(err)
	}
	defer pair.Close()
	writer, err := pair.StartWriter(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, fault := range []struct {
		name   string
		happen func() error
	}{
		{"switchover", func() error { return pair.Switch(ctx) }},
		{"killed", func() error {
			if err := pair.Kill(); err != nil {
				return err
			}
			return pair.Promote(ctx)
		}},
		{"cut", func() error {
			if err := pair.Cut(); err != nil {
				return err
			}
			return pair.Promote(ctx)
		}},
		{"frozen", func() error {
			if err := pair.Freeze(); err != nil {
				return err
			}
			return pair.Promote(ctx)
		}},
	} {
		before := time.Now()
		if err := fault.happen(); err != nil {
			t.Fatalf("%s: %v", fault.name, err)
		}
		if err := writer.WaitAcknowledged(ctx); err != nil {
			t.Fatalf("%s: %v", fault.name, err)
		}
		t.Logf("%s: gap %s", fault.name, writer.LargestGap(before))
		if err := pair.Swap(ctx); err != nil {
			t.Fatalf("%s: %v", fault.name, err)
		}
	}
	before := time.Now()
	if err := pair.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := pair.Restart(ctx); err != nil {
		t.Fatal(err)
	}
	if err := writer.WaitAcknowledged(ctx); err != nil {
		t.Fatal(err)
	}
	t.Logf("restart: gap %s", writer.LargestGap(before))
	tally, err := writer.Verify(ctx, "")
	if err != nil {
		t.Fatal(err)
	}
	if tally.Acknowledged == 0 || tally.Err() != nil {
		t.Errorf("%v: %v", tally, tally.Err())
	}
	t.Log(tally)
}

func TestTheWriterNoticesALostWrite(t *testing.T) {
	run := newRun(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	pair, err := run.NewPlainPair(ctx, "plain")
	if err != nil {
		t.Fatal(err)
	}
	defer pair.Close()
	writer, err := pair.StartWriter(ctx)
	if err != nil {
		t.Fatal(err)
	}
	writer.Stop()
	if err := pair.sql(ctx, pair.primary, "delete from acknowledged_writes where id = 1"); err != nil {
		t.Fatal(err)
	}
	tally, err := writer.Verify(ctx, "")
	if err != nil {
		t.Fatal(err)
	}
	if len(tally.Lost) != 1 || tally.Lost[0] != 1 || tally.Err() == nil {
		t.Errorf("after the loss of write 1: %v, lost %v", tally, tally.Lost)
	}
}

// TestAKilledRunLeavesNothing kills this program's copy in the middle of a run.
func TestAKilledRunLeavesNothing(t *testing.T) {
	if dir := os.Getenv("PGAF_REGRESS_VICTIM"); dir != "" {
		run := newRun(t)
		pair, err := run.NewPlainPair(t.Context(), "plain")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := run.NewDisk(filepath.Join(run.Dir, "disk"), 10); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(dir+"/ready", []byte(pair.dir), 0o600); err != nil {
			t.Fatal(err)
		}
		select {}
	}
	signals := t.TempDir()
	victim := exec.Command(os.Args[0], "-test.run=^TestAKilledRunLeavesNothing$")
	// The victim is killed itself, not its guardian: this very process is guarded.
	victim.Env = append(os.Environ(), "PGAF_REGRESS_VICTIM="+signals)
	victim.Stderr = os.Stderr
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- victim.Wait() }()
	var dir string
	eventually(t, time.Minute, "the victim's servers", func() bool {
		select {
		case err := <-ended:
			t.Fatalf("the victim ended by itself: %v", err)
		default:
		}
		content, err := os.ReadFile(filepath.Join(signals, "ready"))
		dir = filepath.Dir(string(content))
		return err == nil
	})
	if len(processesBelow(dir)) == 0 {
		t.Fatal("no process to clean up")
	}
	if err := victim.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-ended
	eventually(t, 20*time.Second, "the clean-up by the watchdog", func() bool {
		_, err := os.Stat(dir)
		return os.IsNotExist(err)
	})
	if left := processesBelow(dir); len(left) > 0 {
		t.Errorf("processes left: %v", left)
	}
}

// eventually looks again and again where nothing tells when to look.
func eventually(t *testing.T, within time.Duration, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(within); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited %s for %s", within, what)
		}
	}
}
