package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sys/unix"
)

// receiverGrace is how long the startup process may take to end its walreceiver after the reload. It cannot
// while it waits for a recovery conflict (max_standby_streaming_delay); then the walreceiver is ended
// directly.
const receiverGrace = 100 * time.Millisecond

// startupGrace bounds the look at the startup process, which may be busy replaying for long.
const startupGrace = 200 * time.Millisecond

// StopReceiver disconnects a running standby from its upstream by reload. It returns when no walreceiver is
// left and none can come back, with the last position that was flushed: nothing beyond it will ever be
// acknowledged by this node to that upstream. It does not wait for replay.
func (s *Server) StopReceiver(ctx context.Context) (Position, error) {
	var last Position
	err := s.SQL(ctx, func(conn *pgx.Conn) error {
		m, err := queryMetadata(ctx, conn)
		if err != nil {
			return err
		}
		if !m.InRecovery {
			return errors.New("it is no standby")
		}
		last = m.Position()
		if err := s.applyUpstream(ctx, conn, Upstream{}); err != nil {
			return err
		}
		if err := s.receiverGone(ctx, conn); err != nil {
			return err
		}
		if m, err = queryMetadata(ctx, conn); err != nil {
			return err
		}
		timeline, err := s.replayedTimeline(ctx, m)
		last = Position{max(last.Timeline, timeline), max(last.LSN, m.LSN)}
		return err
	})
	if err != nil {
		return last, fmt.Errorf("disconnect the standby %s: %w", s.PGDATA(), err)
	}
	return last, nil
}

// applyUpstream writes the standby settings, reloads and makes sure that they are the ones in effect.
func (s *Server) applyUpstream(ctx context.Context, conn *pgx.Conn, u Upstream) error {
	if _, err := WriteStandby(s.PGDATA(), u); err != nil {
		return err
	}
	if err := s.reloadSeen(ctx, conn); err != nil {
		return err
	}
	effective, err := s.upstreamInEffect(ctx, conn, u)
	if effective || err != nil {
		return err
	}
	// A folder that was set up by hand has it in postgresql.auto.conf too, which wins.
	for _, name := range []string{"primary_conninfo", "primary_slot_name"} {
		if _, err := alterSystem(ctx, conn, name, nil); err != nil {
			return err
		}
	}
	if err := s.reloadSeen(ctx, conn); err != nil {
		return err
	}
	effective, err = s.upstreamInEffect(ctx, conn, u)
	if err == nil && !effective {
		var where string
		err = conn.QueryRow(ctx, `select string_agg(format('%s at %s:%s', name, coalesce(sourcefile, source), sourceline), ', ')
			from pg_settings where name in ('primary_conninfo', 'primary_slot_name')`).Scan(&where)
		if err == nil {
			err = fmt.Errorf("another setting wins (%s); remove it", where)
		}
	}
	return err
}

func (s *Server) upstreamInEffect(ctx context.Context, conn *pgx.Conn, u Upstream) (effective bool, err error) {
	slot := u.Slot
	if u.Host == "" {
		slot = ""
	}
	err = conn.QueryRow(ctx, "select current_setting('primary_conninfo') = $1 and current_setting('primary_slot_name') = $2",
		u.Conninfo(), slot).Scan(&effective)
	return effective, err
}

// receiverGone returns when there is no walreceiver and the startup process cannot request one with the old
// settings any more.
func (s *Server) receiverGone(ctx context.Context, conn *pgx.Conn) error {
	if err := startupSettled(ctx, conn); err != nil {
		return err
	}
	begun := time.Now()
	return askUntil(ctx, func() (bool, error) {
		var pid int
		err := conn.QueryRow(ctx, "select coalesce((select pid from pg_stat_wal_receiver), 0)").Scan(&pid)
		if err == nil && pid != 0 && time.Since(begun) > receiverGrace {
			_ = unix.Kill(pid, unix.SIGTERM) // it flushes what it has and tells nobody else
		}
		return pid == 0, err
	})
}

// startupSettled returns when the startup process has taken the SIGHUP of the reload that our session has
// seen. Until then it may be just about to launch a walreceiver with the old settings. Asleep with no such
// signal pending it has: its handler ran, and its latch is set until it has looked at the new settings. One
// that is busy replaying looks at them before it requests a walreceiver.
func startupSettled(ctx context.Context, conn *pgx.Conn) error {
	var pid int
	err := conn.QueryRow(ctx, "select coalesce((select pid from pg_stat_activity where backend_type = 'startup'), 0)").Scan(&pid)
	if err != nil || pid == 0 {
		return err
	}
	err = askFor(ctx, startupGrace, func() (bool, error) { return asleepWithoutHUP(pid), nil })
	if errors.Is(err, errAskedLong) {
		return nil
	}
	return err
}

// asleepWithoutHUP looks at /proc: sleeping, and SIGHUP not pending.
func asleepWithoutHUP(pid int) bool {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return true // gone
	}
	asleep := false
	for line := range strings.Lines(string(status)) {
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		switch name {
		case "State":
			asleep = strings.HasPrefix(value, "S")
		case "SigPnd", "ShdPnd":
			if mask, err := strconv.ParseUint(value, 16, 64); err != nil || mask&(1<<(unix.SIGHUP-1)) != 0 {
				return false
			}
		}
	}
	return asleep
}

// Repoint makes a running standby follow u by reload and returns when it streams from there. When ctx ends
// first the error carries the server's last log lines; the setting stays and the server keeps trying.
func (s *Server) Repoint(ctx context.Context, u Upstream) error {
	mark := markLogs(s.PGDATA())
	err := s.SQL(ctx, func(conn *pgx.Conn) error {
		var recovery bool
		if err := conn.QueryRow(ctx, "select pg_is_in_recovery()").Scan(&recovery); err != nil {
			return err
		}
		if !recovery {
			return errors.New("it is no standby")
		}
		if err := s.applyUpstream(ctx, conn, u); err != nil {
			return err
		}
		return awaitStreaming(ctx, conn, u)
	})
	if err != nil {
		return fmt.Errorf("make the standby %s follow %s: %w%s", s.PGDATA(), u, err, mark.suffix())
	}
	return nil
}

// WaitStreaming returns when the walreceiver streams (after Start of a standby).
func (s *Server) WaitStreaming(ctx context.Context) error {
	mark := markLogs(s.PGDATA())
	err := s.SQL(ctx, func(conn *pgx.Conn) error { return awaitReceiver(ctx, conn, "true") })
	if err != nil {
		return fmt.Errorf("wait until the standby %s streams: %w%s", s.PGDATA(), err, mark.suffix())
	}
	return nil
}

// suffix is what the server said meanwhile, for an error.
func (m logMark) suffix() string {
	text := m.since(3)
	if text == "" {
		return ""
	}
	return ": " + telling(text)
}

// awaitStreaming looks whom the receiver streams from: one that still streams from the old upstream does not
// count.
func awaitStreaming(ctx context.Context, conn *pgx.Conn, u Upstream) error {
	return awaitReceiver(ctx, conn, "sender_host = $1 and sender_port = $2 and coalesce(slot_name, '') = $3", u.Host, u.Port, u.Slot)
}

// awaitReceiver returns when a walreceiver that meets the condition streams.
func awaitReceiver(ctx context.Context, conn *pgx.Conn, condition string, args ...any) error {
	return askUntil(ctx, func() (streams bool, err error) {
		err = conn.QueryRow(ctx, "select exists (select from pg_stat_wal_receiver where "+receives+" and "+condition+")", args...).Scan(&streams)
		return streams, err
	})
}

// WaitReplay returns when lsn is replayed, or recovery is over.
func (s *Server) WaitReplay(ctx context.Context, lsn LSN) error {
	err := s.SQL(ctx, func(conn *pgx.Conn) error {
		return askUntil(ctx, func() (done bool, err error) {
			err = conn.QueryRow(ctx, "select not pg_is_in_recovery() or coalesce(pg_last_wal_replay_lsn() >= $1::text::pg_lsn, false)",
				lsn.String()).Scan(&done)
			return done, err
		})
	})
	if err != nil {
		return fmt.Errorf("wait until the standby %s has replayed %s: %w", s.PGDATA(), lsn, err)
	}
	return nil
}
