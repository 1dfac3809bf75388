package main

import (
	"context"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5"

	"pgaf/regress/harness"
)

// maxConnections leaves room for a thousand listeners.
const maxConnections = 1100

// The monitor's database, and the role as which keepers and its service call.
const (
	database = "pg_auto_failover"
	role     = "autoctl_node"
)

// server is one private Postgres with one database.
type server struct {
	*harness.Server
	admin *pgx.Conn // superuser, does what is not measured
}

// startServer starts a cluster with an empty database.
func startServer(ctx context.Context, run *harness.Run, name string, postgres harness.Postgres, settings string) (*server, error) {
	private, err := run.StartServer(ctx, name, postgres, fmt.Sprintf("max_connections = %d\n%s", maxConnections, settings))
	if err != nil {
		return nil, err
	}
	s := &server{Server: private}
	conn, err := pgx.Connect(ctx, s.DSN("postgres", "postgres"))
	if err != nil {
		return nil, err
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, "CREATE DATABASE "+database); err != nil {
		return nil, err
	}
	s.admin, err = s.connect(ctx, "postgres")
	return s, err
}

func (s *server) connect(ctx context.Context, user string) (*pgx.Conn, error) {
	return pgx.Connect(ctx, s.DSN(user, database))
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
		"--no-vacuum", "--protocol", "prepared", "--host", s.Dir, "--port", strconv.Itoa(s.Port), "--username", role,
		"--client", strconv.Itoa(clients), "--jobs", strconv.Itoa(min(clients, 2)), "--file", script,
		"--define", "round=0", "--define", "clients=" + strconv.Itoa(clients), "--define", "nodes=" + strconv.Itoa(nodes),
	}
	return s.Run(ctx, "pgbench", append(append(args, limit...), database)...)
}
