package postgres

import (
	"context"
	"errors"
	"sync"
	"syscall"
	"testing"
	"time"
)

func TestProgress(t *testing.T) {
	primary := newPrimary(t)
	p, err := OpenProgress(within(t, time.Minute), primary.upstream(1))
	primary.must(err)
	defer p.Close()
	broken := make(chan error, 1)
	go func() { broken <- p.Watch(context.Background()) }()
	var group sync.WaitGroup
	for range 4 { // questions while it watches
		group.Go(func() {
			for range 25 {
				s, err := p.Identify(within(t, time.Minute))
				if err != nil || s.ID == 0 || s.Timeline != 1 || s.LSN == 0 {
					t.Errorf("identify: %+v, %v", s, err)
				}
			}
		})
	}
	group.Wait()
	m := primary.metadata()
	if s, h, err := Identify(within(t, time.Minute), primary.upstream(1)); err != nil || s.ID != m.SystemIdentifier || len(h) != 0 {
		t.Fatalf("identify: %+v, %+v, %v", s, h, err)
	}
	took(t, "identify", func() { _, err = p.Identify(within(t, time.Minute)); primary.must(err) })
	primary.must(askUntil(within(t, time.Minute), func() (bool, error) { // the other one leaves in its own time
		return primary.text("select count(*) from pg_stat_replication") == "1", nil
	}))
	if m := primary.metadata(); m.Standbys != 0 || m.SyncState != "" {
		t.Fatalf("the witness counts as a standby: %+v", m)
	}
	postmaster, _ := primary.Postmaster()
	begun := time.Now()
	primary.must(syscall.Kill(postmaster.PID, syscall.SIGKILL))
	err = <-broken
	t.Logf("break noticed after %.1f ms: %v", float64(time.Since(begun).Microseconds())/1000, err)
	if FailureOf(err) != FailureUnreachable {
		t.Fatalf("broken: %v", err)
	}
	if _, err := p.Identify(within(t, time.Minute)); FailureOf(err) != FailureUnreachable {
		t.Fatalf("identify after the break: %v", err)
	}

	primary.start()
	p, err = OpenProgress(within(t, time.Minute), primary.upstream(1))
	primary.must(err)
	ctx, cancel := context.WithCancel(context.Background())
	go func() { broken <- p.Watch(ctx) }()
	cancel()
	if err := <-broken; !errors.Is(err, context.Canceled) {
		t.Fatalf("canceled watch: %v", err)
	}
	_, err = p.Identify(within(t, time.Minute)) // still usable
	primary.must(err)
	go func() { broken <- p.Watch(context.Background()) }()
	p.Close()
	if err := <-broken; !errors.Is(err, ErrClosed) {
		t.Fatalf("closed watch: %v", err)
	}
}

func TestTimelineHistoryOverTheWire(t *testing.T) {
	promoted, old := diverged(t)
	end := old.metadata().Position()
	old.stop(Fast)
	control, err := testBin.ControlData(within(t, time.Minute), old.pgdata)
	old.must(err)
	s, h, err := Identify(within(t, time.Minute), promoted.upstream(2))
	promoted.must(err)
	if s.Timeline != 2 || len(h) != 1 {
		t.Fatalf("%+v %+v", s, h)
	}
	switched, ok := h.SwitchPoint(1)
	if !ok || switched >= end.LSN {
		t.Fatalf("switched at %s, old primary at %s", switched, end)
	}
	for _, c := range []struct {
		local Position
		start bool
		want  Relation
	}{
		{end, false, RelationDiverged},
		{Position{control.Timeline, control.CheckpointLSN}, true, RelationDiverged},
		{Position{1, switched}, false, RelationAncestor},
		{Position{1, switched}, true, RelationDiverged},
		{s.Position(), false, RelationSame},
	} {
		if got := Compare(c.local, c.start, nil, s, h); got != c.want {
			t.Errorf("%s (start %t): %s instead of %s", c.local, c.start, got, c.want)
		}
	}
}

func TestHasSlot(t *testing.T) {
	primary := newPrimary(t)
	_, err := primary.EnsureSlots(within(t, time.Minute), []SlotWanted{{Name: SlotName(7)}}, false)
	primary.must(err)
	for slot, want := range map[string]bool{SlotName(7): true, SlotName(8): false} {
		if has, err := HasSlot(within(t, time.Minute), primary.upstream(7), slot); err != nil || has != want {
			t.Errorf("slot %s: %t, %v", slot, has, err)
		}
	}
}
