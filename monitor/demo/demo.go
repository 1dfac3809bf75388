// Package demo is an application as users have them: clients that connect anew for each
// write, over the connection string of a formation, while the group fails over. It counts
// what was acknowledged, and how long a client had to try.
//
// Its tables are in the schema demo of the application's database:
//
//	demo.client    one row per client of the last run
//	demo.tracking  one row per acknowledged write of the last run
package demo

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"pgaf/monitor"
)

// Options of one run.
type Options struct {
	Monitor       string // connection string of the monitor
	Formation     string
	Group         int
	URI           string // of the application
	Clients       int
	Duration      time.Duration
	FirstFailover time.Duration // after the start; 0 with FailoverEvery 0: none
	FailoverEvery time.Duration // after the one before
	Logger        *slog.Logger
}

// URI is the connection string of a formation for an application that logs in as
// username; "" for the user of the operating system.
func URI(ctx context.Context, client *monitor.Client, formation, username string, o monitor.URIOptions) (string, error) {
	uri, err := client.FormationURI(ctx, formation, o)
	if err != nil || uri == "" || username == "" {
		return uri, err
	}
	// net/url refuses several hosts with ports.
	return "postgres://" + url.User(username).String() + "@" + uri[len("postgres://"):], nil
}

// Ping opens one connection for writes and says to whom.
func Ping(ctx context.Context, uri string) (server string, took time.Duration, err error) {
	begun := time.Now()
	conn, err := open(ctx, uri)
	if err != nil {
		return "", 0, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	// The configuration of a connection names the first host of the string.
	return conn.PgConn().Conn().RemoteAddr().String(), time.Since(begun), nil
}

// attemptLimit bounds one attempt to connect, and one write.
const attemptLimit = 2 * time.Second

// open connects once.
func open(ctx context.Context, uri string) (*pgx.Conn, error) {
	config, err := pgx.ParseConfig(uri)
	if err != nil {
		return nil, err
	}
	config.ConnectTimeout = attemptLimit
	config.RuntimeParams["application_name"] = "pgaf demo"
	return pgx.ConnectConfig(ctx, config)
}

// Run writes with all clients for the duration of the run, and fails the group over
// meanwhile. It returns how many writes were acknowledged.
func Run(ctx context.Context, o Options) (acknowledged int64, err error) {
	if err := prepare(ctx, o); err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, o.Duration)
	defer cancel()
	writers := make([]*writer, o.Clients)
	var working sync.WaitGroup
	for i := range writers {
		writers[i] = newWriter(i+1, o)
		working.Go(func() { writers[i].run(ctx) })
	}
	if o.FirstFailover > 0 || o.FailoverEvery > 0 {
		working.Go(func() { failovers(ctx, o) })
	}
	working.Wait()
	for _, w := range writers {
		acknowledged += w.acknowledged
	}
	return acknowledged, nil
}

// prepare makes the tables, or empties those of an earlier run. Tables of that name that
// are somebody else's lack a column, and stay.
func prepare(ctx context.Context, o Options) error {
	conn, err := open(ctx, o.URI)
	if err != nil {
		return fmt.Errorf("connect to the formation: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	for _, statement := range []string{
		`create schema if not exists demo`,
		`create table if not exists demo.client (client int primary key, pid int, retry_sleep_ms int, retry_cap_ms int, failover_count int)`,
		`create table if not exists demo.tracking (ts timestamptz default clock_timestamp(), client int, loop int, retries int, us bigint, recovery bool)`,
		`select ts, client, loop, retries, us, recovery from demo.tracking limit 0`,
		`select client, pid, retry_sleep_ms, retry_cap_ms, failover_count from demo.client limit 0`,
		`truncate demo.client, demo.tracking`,
	} {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return fmt.Errorf("prepare the tables of schema demo: %w", err)
		}
	}
	return nil
}
