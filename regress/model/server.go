package model

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"pgaf/regress/harness"
	"pgaf/sql"
)

//go:embed shadow.sql
var shadows string

// Server is a private Postgres for the checker. It listens on a Unix socket in its
// own folder only, and keeps nothing: neither fsync nor WAL of the monitor's tables.
type Server struct {
	machine    *harness.Machine
	postmaster *harness.Process
	log        string

	mutex  sync.Mutex // a template must have no connections
	copies int
}

// port only names the socket's file.
const port = 7060

// baseDatabase holds the installed objects; every other database is a copy of it.
const baseDatabase = "base"

const serverConf = `
listen_addresses = ''
unix_socket_directories = '%s'
port = %d
max_connections = 20
shared_buffers = 64MB
fsync = off
synchronous_commit = off
full_page_writes = off
wal_level = minimal
max_wal_senders = 0
autovacuum = off
jit = off
max_locks_per_transaction = 256
timezone = UTC
`

// StartServer makes a cluster in the run's folder, starts it and installs the
// extension's objects from package sql. It ends with the run.
func StartServer(ctx context.Context, run *harness.Run) (*Server, error) {
	var err error
	if run.Postgres, err = harness.InstalledPostgres(ctx); err != nil {
		return nil, err
	}
	host, err := harness.Loopback{}.AddHost("model")
	if err != nil {
		return nil, err
	}
	s := &Server{}
	if s.machine, err = run.NewMachine(host, "model"); err != nil {
		return nil, err
	}
	s.log = filepath.Join(s.machine.Dir, "postgres.log")
	if err := s.start(ctx); err != nil {
		return nil, err
	}
	if err := s.install(ctx); err != nil {
		return nil, fmt.Errorf("install the extension's objects: %w", err)
	}
	return s, nil
}

func (s *Server) start(ctx context.Context) error {
	data := filepath.Join(s.machine.Dir, "data")
	if _, err := s.machine.Run(ctx, "initdb", "--pgdata", data, "--username", "postgres", "--auth", "trust",
		"--encoding", "UTF8", "--no-locale", "--no-sync"); err != nil {
		return err
	}
	conf, err := os.OpenFile(filepath.Join(data, "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(conf, serverConf, s.machine.Dir, port)
	if closed := conf.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	if s.postmaster, err = s.machine.Spawn(s.log, "postgres", "-D", data); err != nil {
		return err
	}
	return s.awaitReady(ctx)
}

// awaitReady waits until the server takes connections.
func (s *Server) awaitReady(ctx context.Context) error {
	for {
		conn, err := pgx.Connect(ctx, s.dsn("postgres"))
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-s.postmaster.Done():
			return fmt.Errorf("Postgres did not start:\n%s", harness.Tail(s.log, 15))
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (s *Server) dsn(database string) string {
	return fmt.Sprintf("host=%s port=%d user=postgres database=%s", s.machine.Dir, port, database)
}

// install loads the objects as they are installed everywhere, then the checker's
// environment.
func (s *Server) install(ctx context.Context) error {
	if err := s.exec(ctx, "postgres", "CREATE DATABASE "+baseDatabase); err != nil {
		return err
	}
	return s.exec(ctx, baseDatabase, sql.Script(), shadows)
}

func (s *Server) exec(ctx context.Context, database string, scripts ...string) error {
	conn, err := pgx.Connect(ctx, s.dsn(database))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	for _, script := range scripts {
		if _, err := conn.PgConn().Exec(ctx, script).ReadAll(); err != nil {
			return err
		}
	}
	return nil
}

// NewExplorer makes runs on a database of its own, in which the scripts have been run.
func (s *Server) NewExplorer(ctx context.Context, scripts ...string) (*Explorer, error) {
	name, err := s.copy(ctx, scripts...)
	if err != nil {
		return nil, err
	}
	db, err := openMonitor(ctx, s.dsn(name))
	if err != nil {
		return nil, err
	}
	return &Explorer{db: db, stats: NewStats(), starts: map[string]*beginning{}}, nil
}

// copy makes a database with all objects and runs the scripts in it.
func (s *Server) copy(ctx context.Context, scripts ...string) (string, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.copies++
	name := fmt.Sprintf("copy_%d", s.copies)
	if err := s.exec(ctx, "postgres", "CREATE DATABASE "+name+" TEMPLATE "+baseDatabase); err != nil {
		return "", err
	}
	return name, s.exec(ctx, name, scripts...)
}
