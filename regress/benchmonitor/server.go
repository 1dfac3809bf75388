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

// role is the one as which keepers and the monitor's service call.
const role = "autoctl_node"

// server is one database of a private Postgres.
type server struct {
	*harness.Server
	database string
	admin    *pgx.Conn // superuser, does what is not measured
}

// startServer starts a cluster with an empty database, named as a monitor's.
func startServer(ctx context.Context, run *harness.Run, name string, postgres harness.Postgres, settings string) (*server, error) {
	private, err := run.StartServer(ctx, name, postgres, fmt.Sprintf("max_connections = %d\n%s", maxConnections, settings))
	if err != nil {
		return nil, err
	}
	return createDatabase(ctx, private, "pg_auto_failover")
}

// createDatabase adds an empty database to a cluster.
func createDatabase(ctx context.Context, private *harness.Server, name string) (*server, error) {
	conn, err := pgx.Connect(ctx, private.DSN("postgres", "postgres"))
	if err != nil {
		return nil, err
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, "CREATE DATABASE "+name); err != nil {
		return nil, err
	}
	s := &server{Server: private, database: name}
	s.admin, err = s.connect(ctx, "postgres")
	return s, err
}

func (s *server) connect(ctx context.Context, user string) (*pgx.Conn, error) {
	return pgx.Connect(ctx, s.DSN(user, s.database))
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
	return s.Run(ctx, "pgbench", append(append(args, limit...), s.database)...)
}
