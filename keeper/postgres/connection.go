package postgres

import (
	"context"
	"fmt"
	"os"
	"os/user"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
)

// Bounds of our own SQL: a locked catalog or a stuck backend must not stop the process that could repair it.
const (
	ownLockTimeout      = "2s"
	ownStatementTimeout = "5s"
	ownConnectTimeout   = 3 * time.Second
)

// ownName is the application name of our connections to the local server.
const ownName = "pgaf keeper"

// safePath keeps a superuser's statements from meeting functions that other users put into public.
const safePath = "pg_catalog"

// keptIdle is how many connections are kept: one for the heartbeat, one for an action. They must fit into
// superuser_reserved_connections (3).
const keptIdle = 2

// keptConn is an idle connection to the postmaster pid.
type keptConn struct {
	conn *pgx.Conn
	pid  int
}

// SQL lends fn a kept superuser connection (socket of the running postmaster, synchronous_commit=local, lock
// and statement timeout, default_transaction_read_only=off, search_path=pg_catalog). It is fn's alone until
// fn returns. Two calls at once get two connections.
func (s *Server) SQL(ctx context.Context, fn func(*pgx.Conn) error) error {
	kept, err := s.borrow(ctx)
	if err != nil {
		return fmt.Errorf("connect to Postgres on %s: %w", s.PGDATA(), err)
	}
	err = fn(kept.conn)
	s.giveBack(kept)
	return err
}

// Exec runs one statement over SQL.
func (s *Server) Exec(ctx context.Context, sql string, args ...any) error {
	return s.SQL(ctx, func(conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, sql, args...)
		return err
	})
}

// Database is SQL in another database, on a connection of its own with that database's search_path and
// without statement timeout.
func (s *Server) Database(ctx context.Context, name string, fn func(*pgx.Conn) error) error {
	return s.alone(ctx, name, "", fn)
}

// alone lends fn a connection of its own that only ctx bounds.
func (s *Server) alone(ctx context.Context, name, searchPath string, fn func(*pgx.Conn) error) error {
	conn, _, err := s.connect(ctx, name, map[string]string{"statement_timeout": "0", "search_path": searchPath})
	if err != nil {
		return fmt.Errorf("connect to database %s of Postgres on %s: %w", name, s.PGDATA(), err)
	}
	defer closeConn(conn)
	return fn(conn)
}

// Checkpoint runs CHECKPOINT on a connection of its own; only ctx bounds it.
func (s *Server) Checkpoint(ctx context.Context) error {
	return s.alone(ctx, s.settings().Database, safePath, func(conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, "checkpoint")
		return err
	})
}

// borrow takes an idle connection to the present postmaster or opens one.
func (s *Server) borrow(ctx context.Context) (keptConn, error) {
	for {
		kept, ok := s.takeIdle()
		if !ok {
			break
		}
		// Somebody may have ended the session, which otherwise only fn's first statement would find out.
		if kept.conn.Ping(ctx) == nil {
			return kept, nil
		}
		go closeConn(kept.conn)
	}
	session := map[string]string{"statement_timeout": ownStatementTimeout, "search_path": safePath}
	conn, pid, err := s.connect(ctx, s.settings().Database, session)
	if hasCode(err, "3D000") { // the node's database is not there yet, or was dropped
		conn, pid, err = s.connect(ctx, "postgres", session)
	}
	return keptConn{conn, pid}, err
}

func (s *Server) takeIdle() (kept keptConn, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.observe()
	for len(s.idle) > 0 {
		last := len(s.idle) - 1
		kept = s.idle[last]
		s.idle = s.idle[:last]
		if s.run != nil && kept.pid == s.run.pid {
			return kept, true
		}
		go closeConn(kept.conn)
	}
	return keptConn{}, false
}

func (s *Server) giveBack(kept keptConn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	usable := !kept.conn.IsClosed() && kept.conn.PgConn().TxStatus() == 'I'
	if usable && !s.closed && s.run != nil && s.run.pid == kept.pid && len(s.idle) < keptIdle {
		s.idle = append(s.idle, kept)
		return
	}
	go closeConn(kept.conn)
}

// dropIdle needs mu.
func (s *Server) dropIdle() {
	for _, kept := range s.idle {
		go closeConn(kept.conn)
	}
	s.idle = nil
}

// connect opens a connection to the running postmaster, at the socket and port that it says it has.
func (s *Server) connect(ctx context.Context, database string, session map[string]string) (*pgx.Conn, int, error) {
	p, running := s.Postmaster()
	if !running {
		return nil, 0, ErrNotRunning
	}
	c := s.settings()
	config, err := pgx.ParseConfig(c.localConninfo(p, database))
	if err != nil {
		return nil, 0, err
	}
	config.ConnectTimeout = ownConnectTimeout
	params := config.RuntimeParams
	params["application_name"] = ownName
	params["synchronous_commit"] = "local"
	params["lock_timeout"] = ownLockTimeout
	params["default_transaction_read_only"] = "off"
	params["client_min_messages"] = "warning"
	params["log_statement"] = "none" // a role's password must not get into the log
	if c.Bin.Version.Major >= 14 {
		params["idle_session_timeout"] = "0"
	}
	for name, value := range session {
		if value != "" {
			params[name] = value
		}
	}
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, 0, readable(err)
	}
	return conn, p.PID, nil
}

// localConninfo is complete, so that PGHOST, PGUSER and so on of our environment do not count.
func (c ServerConfig) localConninfo(p Postmaster, database string) string {
	host := p.SocketDir
	if host == "" {
		switch host = p.ListenAddr; host {
		case "", "*", "0.0.0.0":
			host = "127.0.0.1"
		case "::":
			host = "::1"
		}
	}
	name := c.User
	if name == "" {
		if me, err := user.LookupId(strconv.Itoa(os.Geteuid())); err == nil {
			name = me.Username
		}
	}
	info := &conninfo{}
	info.add("host", host)
	info.add("port", strconv.Itoa(p.Port))
	info.add("user", name)
	info.add("dbname", database)
	info.add("sslmode", "disable")
	return info.String()
}
