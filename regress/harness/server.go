package harness

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"
)

// serverPort only names the sockets' files: each server listens in a folder of its own, and on no address.
const serverPort = 7800

// Server is a private Postgres without any pgaf around it. Its processes work below the run's folder and end with
// the run.
type Server struct {
	*Machine
	Port int

	Postmaster *Process
}

// StartServer makes a cluster of postgres with the further lines of postgresql.conf, starts it, and returns when it
// takes connections of the superuser postgres.
func (r *Run) StartServer(ctx context.Context, name string, postgres Postgres, settings string) (*Server, error) {
	r.Postgres = postgres
	host, err := Loopback{}.AddHost(name)
	if err != nil {
		return nil, err
	}
	s := &Server{Port: serverPort}
	if s.Machine, err = r.NewMachine(host, name); err != nil {
		return nil, err
	}
	data := filepath.Join(s.Dir, "data")
	if _, err := s.Run(ctx, "initdb", "--pgdata", data, "--username", "postgres", "--auth", "trust",
		"--encoding", "UTF8", "--no-locale", "--no-sync"); err != nil {
		return nil, err
	}
	conf, err := os.OpenFile(filepath.Join(data, "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return nil, err
	}
	_, err = fmt.Fprintf(conf, "\nlisten_addresses = ''\nunix_socket_directories = '%s'\nport = %d\n%s\n", s.Dir, s.Port, settings)
	if closed := conf.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return nil, err
	}
	log := filepath.Join(s.Dir, "postgres.log")
	if s.Postmaster, err = s.Spawn(log, "postgres", "-D", data); err != nil {
		return nil, err
	}
	return s, s.awaitReady(ctx, log)
}

func (s *Server) awaitReady(ctx context.Context, log string) error {
	for {
		conn, err := pgx.Connect(ctx, s.DSN("postgres", "postgres"))
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-s.Postmaster.Done():
			return fmt.Errorf("Postgres did not start:\n%s", Tail(log, 15))
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// DSN names a database and a user of the server.
func (s *Server) DSN(user, database string) string {
	return fmt.Sprintf("host=%s port=%d user=%s database=%s", s.Dir, s.Port, user, database)
}
