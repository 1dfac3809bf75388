package main

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"pgaf/regress/harness"
	"pgaf/sql"
)

//go:embed setup.sql
var setup string

//go:embed heartbeat.sql
var heartbeatScript string

// subject is one of the monitors under measurement.
type subject struct {
	*server
	name      string
	version   string
	service   bool          // has health rounds, ticks, sessions and timelines by SQL
	groups    int           // built so far
	heartbeat string        // path of pgbench's script
	opening   time.Duration // CPU of a session with a single call
}

// startPgaf starts a server with our objects, from their source.
func startPgaf(ctx context.Context, run *harness.Run) (*subject, error) {
	postgres, err := run.NewPostgres(ctx, "postgres", false)
	if err != nil {
		return nil, err
	}
	s, err := startServer(ctx, run, "pgaf", postgres, "")
	if err != nil {
		return nil, err
	}
	return s.installPgaf(ctx)
}

func (s *server) installPgaf(ctx context.Context) (*subject, error) {
	return s.install(ctx, "pgaf", sql.Script())
}

// install makes the server's database a monitor.
func (s *server) install(ctx context.Context, name, script string) (*subject, error) {
	b := &subject{server: s, name: name, service: name == "pgaf", heartbeat: filepath.Join(s.Dir, "heartbeat.sql")}
	if err := os.WriteFile(b.heartbeat, []byte(heartbeatScript), 0o644); err != nil {
		return nil, err
	}
	if err := s.exec(ctx, script); err != nil {
		return nil, fmt.Errorf("install %s: %w", name, err)
	}
	if err := s.exec(ctx, setup); err != nil {
		return nil, fmt.Errorf("prepare %s: %w", name, err)
	}
	return b, nil
}

// build adds groups and returns the number of the first one. No commit waits for the disk.
func (b *subject) build(ctx context.Context, count, members int) (first int, err error) {
	first = b.groups
	b.groups += count
	if err := b.exec(ctx, "SET synchronous_commit TO off"); err != nil {
		return first, err
	}
	// alone: a procedure may commit only when it is a whole statement
	return first, b.exec(ctx, fmt.Sprintf("CALL bench.build(%d, %d, %d)", first, b.groups-1, members))
}

// buildPairs adds groups of two until there are that many nodes in such groups, and leaves the tables as autovacuum would.
// The groups of the heartbeats come first, because their nodes are known by number.
func (b *subject) buildPairs(ctx context.Context, nodes int) error {
	if missing := nodes/2 - b.groups; missing > 0 {
		if _, err := b.build(ctx, missing, 2); err != nil {
			return fmt.Errorf("%s: build %d groups: %w", b.name, missing, err)
		}
	}
	return b.exec(ctx, "VACUUM ANALYZE")
}

// buildPairs does that for all monitors at once.
func buildPairs(ctx context.Context, subjects []*subject, nodes int) error {
	team, ctx := errgroup.WithContext(ctx)
	for _, b := range subjects {
		team.Go(func() error { return b.buildPairs(ctx, nodes) })
	}
	return team.Wait()
}

// refresh makes all nodes look as if they had just reported.
func (b *subject) refresh(ctx context.Context) error { return b.exec(ctx, "CALL bench.refresh()") }

// undisturbed fails when a group did not stay what it was: then heartbeats were not unchanged ones.
func (b *subject) undisturbed(ctx context.Context, events int64) error {
	now, err := b.events(ctx)
	if err != nil {
		return err
	}
	what, err := value[*string](ctx, b.server, "SELECT bench.disturbed()")
	switch {
	case err != nil:
		return err
	case what != nil:
		return fmt.Errorf("%s: %s", b.name, *what)
	case now != events:
		return fmt.Errorf("%s: %d events where nothing changed", b.name, now-events)
	}
	return nil
}

// events is how many there are.
func (b *subject) events(ctx context.Context) (int64, error) {
	return value[int64](ctx, b.server, "SELECT count(*) FROM pgautofailover.event")
}
