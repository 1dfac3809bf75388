package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// Promote ends recovery and returns when the server accepts writes; nil when it already does. It removes no
// standby files and forces no checkpoint: the caller does both afterwards.
//
// The order is the one of pg_ctl: a file named promote, then SIGUSR1. The end is an event: the startup
// process writes pg_control when recovery is over, the postmaster writes postmaster.pid again right after.
func (s *Server) Promote(ctx context.Context) error {
	mark := markLogs(s.PGDATA())
	begun := time.Now()
	promoted := false
	err := s.SQL(ctx, func(conn *pgx.Conn) error {
		over := func() (bool, error) {
			var over bool
			err := conn.QueryRow(ctx, "select not pg_is_in_recovery()").Scan(&over)
			return over, err
		}
		if done, err := over(); done || err != nil {
			return err
		}
		promoted = true
		release := s.watchControl()
		defer release()
		r, err := s.signalPromote()
		if err != nil {
			return err
		}
		var failed error
		err = s.await(ctx, func() bool {
			done, err := over()
			if failed = err; !done && err == nil && hasExited(r) {
				failed = ErrNotRunning // our session may outlive a killed postmaster by a moment, and nothing changes after that
			}
			return done || failed != nil
		})
		return errors.Join(err, failed)
	})
	if err != nil {
		return fmt.Errorf("promote %s: %w%s", s.PGDATA(), err, mark.suffix())
	}
	if promoted {
		s.settings().Logger.Info("Postgres promoted", "pgdata", s.PGDATA(), "took", time.Since(begun).Round(time.Millisecond))
	}
	return nil
}

// signalPromote does what pg_ctl promote does, and returns the postmaster that it told.
func (s *Server) signalPromote() (*run, error) {
	trigger := filepath.Join(s.PGDATA(), "promote")
	if err := os.WriteFile(trigger, nil, 0o600); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.observe()
	err := ErrNotRunning
	if s.run != nil {
		err = s.run.proc.signal(syscall.SIGUSR1)
	}
	if err != nil {
		_ = os.Remove(trigger)
	}
	return s.run, err
}
