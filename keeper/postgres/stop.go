package postgres

import (
	"context"
	"fmt"
	"strings"
	"syscall"
	"time"
)

// StopMode is how Postgres is stopped.
type StopMode int

const (
	Fast      StopMode = iota // SIGINT: sessions are ended, a shutdown checkpoint is written, standbys receive all
	Immediate                 // SIGQUIT: crash recovery at the next start
	Smart                     // SIGTERM: waits for clients
	Kill                      // SIGKILL to every process, the last resort of a fence: crash recovery at the next start
)

func (m StopMode) String() string {
	switch m {
	case Immediate:
		return "immediate"
	case Smart:
		return "smart"
	case Kill:
		return "kill"
	}
	return "fast"
}

func (m StopMode) signal() syscall.Signal {
	switch m {
	case Immediate:
		return syscall.SIGQUIT
	case Smart:
		return syscall.SIGTERM
	case Kill:
		return syscall.SIGKILL
	}
	return syscall.SIGINT
}

// Stop stops Postgres and returns when no process of it is left, orphans of a killed postmaster included:
// when it returns nil, nothing can be acknowledged any more. nil when already stopped. When ctx ends first
// the shutdown goes on; call again with Immediate to force it (also while another Stop waits).
func (s *Server) Stop(ctx context.Context, mode StopMode) error {
	begun := time.Now()
	r, err := s.requestStop(ctx, mode)
	if err != nil {
		return err
	}
	if r != nil {
		select {
		case <-r.exited:
		case <-ctx.Done():
			return fmt.Errorf("stop Postgres (%s) on %s: still shutting down after %s: %w: %s", mode, s.PGDATA(),
				time.Since(begun).Round(time.Millisecond), context.Cause(ctx), strings.ReplaceAll(s.LogTail(3), "\n", " | "))
		}
	}
	grace := orphanGrace
	if mode == Kill {
		grace = 0
	}
	if err := endProcesses(ctx, grace, orphan(s.PGDATA())); err != nil {
		return fmt.Errorf("stop Postgres (%s) on %s: %w", mode, s.PGDATA(), err)
	}
	if r != nil {
		s.settings().Logger.Info("Postgres stopped", "pgdata", s.PGDATA(), "pid", r.pid, "mode", mode.String(),
			"took", time.Since(begun).Round(time.Millisecond))
	}
	return nil
}

// requestStop signals the running postmaster, if there is one. A start that is being decided is let through
// first and then stopped; one that tries again gives up.
func (s *Server) requestStop(ctx context.Context, mode StopMode) (*run, error) {
	s.mu.Lock()
	s.stops++
	s.attach()
	s.mu.Unlock()
	select {
	case s.spawn <- struct{}{}:
		defer func() { <-s.spawn }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.observe()
	r := s.run
	if r == nil {
		return nil, nil
	}
	r.requested = true
	_ = r.proc.signal(mode.signal()) // an error means that it is gone: its exit is on the way
	if mode != Kill {
		_ = r.proc.signal(syscall.SIGCONT) // one that was frozen must be able to obey
	}
	return r, nil
}

// Reload makes the postmaster read its configuration files again.
func (s *Server) Reload() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.observe()
	if s.run == nil {
		return fmt.Errorf("reload %s: %w", s.config.PGDATA, ErrNotRunning)
	}
	return s.run.proc.signal(syscall.SIGHUP)
}
