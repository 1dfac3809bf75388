package model

import (
	"context"
	_ "embed"
	"fmt"
	"sync"

	"github.com/jackc/pgx/v5"

	"pgaf/regress/harness"
	"pgaf/sql"
)

//go:embed shadow.sql
var shadows string

// Server is a private Postgres for the checker, which keeps nothing: neither fsync nor WAL of the monitor's tables.
type Server struct {
	*harness.Server

	mutex  sync.Mutex // a template must have no connections
	copies int
}

// baseDatabase holds the installed objects; every other database is a copy of it.
const baseDatabase = "base"

const serverConf = `
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

// StartServer starts a cluster and installs the extension's objects from package sql.
func StartServer(ctx context.Context, run *harness.Run) (*Server, error) {
	postgres, err := harness.InstalledPostgres(ctx)
	if err != nil {
		return nil, err
	}
	s := &Server{}
	if s.Server, err = run.StartServer(ctx, "model", postgres, serverConf); err != nil {
		return nil, err
	}
	if err := s.install(ctx); err != nil {
		return nil, fmt.Errorf("install the extension's objects: %w", err)
	}
	return s, nil
}

func (s *Server) dsn(database string) string { return s.DSN("postgres", database) }

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
