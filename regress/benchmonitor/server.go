package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"pgaf/regress/harness"
)

// port only names the socket's file: the servers listen in their own folders.
const port = 7800

// maxConnections leaves room for a thousand listeners.
const maxConnections = 1100

// server is one private Postgres with one database.
type server struct {
	*harness.Machine
	postmaster *harness.Process
	admin      *pgx.Conn // superuser, does what is not measured
}

// startServer makes a cluster and starts it. Its processes work below the run's folder and end with the run.
func startServer(ctx context.Context, run *harness.Run, name string, postgres harness.Postgres, settings string) (*server, error) {
	run.Postgres = postgres
	host, err := harness.Loopback{}.AddHost(name)
	if err != nil {
		return nil, err
	}
	s := &server{}
	if s.Machine, err = run.NewMachine(host, name); err != nil {
		return nil, err
	}
	data := filepath.Join(s.Dir, "data")
	if _, err := s.Run(ctx, "initdb", "--pgdata", data, "--username", "postgres", "--auth", "trust", "--no-sync"); err != nil {
		return nil, err
	}
	conf, err := os.OpenFile(filepath.Join(data, "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return nil, err
	}
	_, err = fmt.Fprintf(conf, "\nlisten_addresses = ''\nunix_socket_directories = '%s'\nport = %d\nmax_connections = %d\n%s\n",
		s.Dir, port, maxConnections, settings)
	if closed := conf.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return nil, err
	}
	log := filepath.Join(s.Dir, "postgres.log")
	if s.postmaster, err = s.Spawn(log, "postgres", "-D", data); err != nil {
		return nil, err
	}
	if err := s.createDatabase(ctx, log); err != nil {
		return nil, err
	}
	s.admin, err = s.connect(ctx, "postgres")
	return s, err
}

// The monitor's database, and the role as which keepers and its service call.
const (
	database = "pg_auto_failover"
	role     = "autoctl_node"
)

// createDatabase waits until the server takes connections, and creates the database.
func (s *server) createDatabase(ctx context.Context, log string) error {
	for {
		conn, err := pgx.Connect(ctx, s.uri("postgres", "postgres"))
		if err == nil {
			defer conn.Close(ctx)
			_, err = conn.Exec(ctx, "CREATE DATABASE "+database)
			return err
		}
		select {
		case <-s.postmaster.Done():
			return fmt.Errorf("Postgres did not start:\n%s", harness.Tail(log, 15))
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (s *server) uri(user, database string) string {
	return fmt.Sprintf("host=%s port=%d user=%s database=%s", s.Dir, port, user, database)
}

func (s *server) connect(ctx context.Context, user string) (*pgx.Conn, error) {
	return pgx.Connect(ctx, s.uri(user, database))
}

// value asks for one value as the superuser.
func value[T any](ctx context.Context, s *server, query string, args ...any) (v T, err error) {
	err = s.admin.QueryRow(ctx, query, args...).Scan(&v)
	return v, err
}

// exec runs statements as the superuser.
func (s *server) exec(ctx context.Context, script string) error {
	_, err := s.admin.PgConn().Exec(ctx, script).ReadAll()
	return err
}

// pgbench runs a script with the usual variables.
func (s *server) pgbench(ctx context.Context, script string, nodes, clients int, limit ...string) (string, error) {
	args := []string{
		"--no-vacuum", "--protocol", "prepared", "--host", s.Dir, "--port", strconv.Itoa(port), "--username", role,
		"--client", strconv.Itoa(clients), "--jobs", strconv.Itoa(min(clients, 2)), "--file", script,
		"--define", "round=0", "--define", "clients=" + strconv.Itoa(clients), "--define", "nodes=" + strconv.Itoa(nodes),
	}
	return s.Run(ctx, "pgbench", append(append(args, limit...), database)...)
}
