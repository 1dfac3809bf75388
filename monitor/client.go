package monitor

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Client is one connection to the monitor with a method for each function of
// its SQL API. It is not safe for concurrent use: its owner makes one call at
// a time. A wait for notifications counts as a call, but is interrupted by
// ending its context, after which the connection can be used as before. Any
// other call whose context ends closes the connection.
type Client struct {
	conn   *pgx.Conn
	inside bool // a transaction is open that will be rolled back: nothing may commit it
}

// Option changes how Connect connects.
type Option func(*pgx.ConnConfig)

// WithApplicationName sets the application_name, which the monitor keeps with
// the events that an operator's call causes. Default "pgaf".
func WithApplicationName(name string) Option {
	return func(config *pgx.ConnConfig) { config.RuntimeParams["application_name"] = name }
}

// WithConnectTimeout limits the time one host gets to accept the connection.
// Default: connect_timeout of the URI, PGCONNECT_TIMEOUT, 2 s.
func WithConnectTimeout(d time.Duration) Option {
	return func(config *pgx.ConnConfig) { config.ConnectTimeout = d }
}

// WithNotices passes NOTICE and WARNING messages, which several operator calls
// raise, to handle.
func WithNotices(handle func(severity, message, detail, hint string)) Option {
	return func(config *pgx.ConnConfig) {
		config.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) {
			handle(n.Severity, n.Message, n.Detail, n.Hint)
		}
	}
}

// Connect opens one connection to the monitor. The hosts of a multi-host URI
// are tried in turn; keepalives notice a vanished monitor within 11 s. The
// error is a *ConnectError.
func Connect(ctx context.Context, uri string, opts ...Option) (*Client, error) {
	config, err := ParseURI(uri)
	if err != nil {
		return nil, err
	}
	for _, opt := range opts {
		opt(config)
	}
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, newConnectError(ctx, &config.Config, err)
	}
	return &Client{conn: conn}, nil
}

// Close ends the session.
func (c *Client) Close(ctx context.Context) error { return c.conn.Close(ctx) }

// Conn is the connection itself, for what the API does not cover.
func (c *Client) Conn() *pgx.Conn { return c.conn }

// Closed reports whether the connection is known to be unusable.
func (c *Client) Closed() bool { return c.conn.IsClosed() }

// exec runs a statement without result.
func (c *Client) exec(ctx context.Context, doing, sql string, args ...any) error {
	_, err := c.conn.Exec(ctx, sql, args...)
	return wrap(doing, err)
}

// value runs a query with one row of one column.
func value[T any](ctx context.Context, c *Client, doing, sql string, args ...any) (T, error) {
	var result T
	err := c.conn.QueryRow(ctx, sql, args...).Scan(&result)
	return result, wrap(doing, err)
}

// rows runs a query and reads each row with scan.
func rows[T any](ctx context.Context, c *Client, doing string, scan pgx.RowToFunc[T], sql string, args ...any) ([]T, error) {
	result, err := c.conn.Query(ctx, sql, args...)
	if err != nil {
		return nil, wrap(doing, err)
	}
	list, err := pgx.CollectRows(result, scan)
	return list, wrap(doing, err)
}

// inTx runs f in a transaction; an error of f rolls back and is returned as it is.
func (c *Client) inTx(ctx context.Context, doing string, f func() error) error {
	if c.inside {
		return f()
	}
	tx, err := c.conn.Begin(ctx)
	if err != nil {
		return wrap(doing, err)
	}
	if err := f(); err != nil {
		if rollback := tx.Rollback(ctx); rollback != nil && !c.conn.IsClosed() {
			_ = c.conn.Close(ctx) // never hand back a connection with an open transaction
		}
		return err
	}
	return wrap(doing, tx.Commit(ctx))
}
