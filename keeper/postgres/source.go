package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"golang.org/x/sys/unix"
)

// How our connections to another node find out that it is gone when the network drops everything silently: the
// kernel asks after a second of silence and gives up after two questions without answer; unanswered data counts
// the same. It is the other kernel that answers, so a starved or frozen process there is not taken for gone.
const (
	sourceConnectTimeout    = 2 * time.Second
	sourceKeepAlive         = time.Second
	sourceKeepAliveCount    = 2
	sourceUserTimeoutMillis = 3000
)

// sourceName is the application name of our own connections to other nodes; it must not look like a
// standby's.
const sourceName = "pgaf keeper"

// sourceConfig is the configuration of our own connections to another node.
func sourceConfig(u Upstream) (*pgconn.Config, error) {
	u.ApplicationName = sourceName
	c, err := u.pgconn()
	if err != nil {
		return nil, err
	}
	c.ConnectTimeout = sourceConnectTimeout
	dialer := &net.Dialer{
		KeepAliveConfig: net.KeepAliveConfig{
			Enable: true, Idle: sourceKeepAlive, Interval: sourceKeepAlive, Count: sourceKeepAliveCount,
		},
		Control: func(network, _ string, raw syscall.RawConn) error {
			if network == "unix" {
				return nil
			}
			var failed error
			err := raw.Control(func(fd uintptr) {
				failed = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, sourceUserTimeoutMillis)
			})
			if err != nil {
				return err
			}
			return failed
		},
	}
	c.DialFunc = dialer.DialContext
	return c, nil
}

// querySource lends fn a SQL connection to another node.
func querySource(ctx context.Context, u Upstream, fn func(*pgx.Conn) error) error {
	config, err := sourceConfig(u)
	if err != nil {
		return err
	}
	c, err := pgx.ParseConfig("")
	if err != nil {
		return err
	}
	c.Config = *config
	c.RuntimeParams["search_path"] = "pg_catalog"
	conn, err := pgx.ConnectConfig(ctx, c)
	if err != nil {
		return readable(err)
	}
	defer closeConn(conn)
	return fn(conn)
}

// HasSlot asks the upstream over SQL whether the replication slot exists (u.Database must be set).
func HasSlot(ctx context.Context, u Upstream, slot string) (found bool, err error) {
	err = querySource(ctx, u, func(conn *pgx.Conn) error {
		return conn.QueryRow(ctx, "select exists (select from pg_replication_slots where slot_name = $1)", slot).Scan(&found)
	})
	if err != nil {
		return false, upstreamError("look for slot "+slot+" on", u, err)
	}
	return found, nil
}

func closeConn(conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = conn.Close(ctx)
}

// readable shortens a failed connection attempt, of which pgx reports every address and with and without TLS,
// to what an operator needs: Postgres's own message, or the network's. The whole error stays below it.
func readable(err error) error {
	var pg *pgconn.PgError
	var dns *net.DNSError
	var op *net.OpError
	switch {
	case errors.As(err, &pg):
		return &shortError{fmt.Sprintf("%s: %s (SQLSTATE %s)", pg.Severity, pg.Message, pg.Code), err}
	case errors.As(err, &dns):
		return &shortError{dns.Error(), err}
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return &shortError{"no answer in time", err}
	case errors.As(err, &op):
		return &shortError{op.Err.Error(), err}
	}
	return &shortError{strings.Join(strings.Fields(err.Error()), " "), err}
}

// shortError has another text than the error it wraps.
type shortError struct {
	text string
	err  error
}

func (e *shortError) Error() string { return e.text }
func (e *shortError) Unwrap() error { return e.err }
