package model

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"pgaf/sql"
)

//go:embed shadow.sql
var shadows string

// Server is a private Postgres for the checker. It listens on a Unix socket in its
// own folder only, and keeps nothing: neither fsync nor WAL of the monitor's tables.
type Server struct {
	bin, dir string
	owner    *syscall.Credential // nil: this process's own
	postgres *exec.Cmd
	ended    chan struct{} // closed once postgres has ended
	copies   int
}

// baseDatabase holds the installed objects; every other database is a copy of it.
const baseDatabase = "base"

// StartServer makes a cluster below a new folder in /tmp, starts it and installs the
// extension's objects from package sql. Close removes it.
func StartServer(ctx context.Context) (*Server, error) {
	bin, err := postgresBin(ctx)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("/tmp", "pgaf-model-")
	if err != nil {
		return nil, err
	}
	s := &Server{bin: bin, dir: dir}
	if err := s.start(ctx); err != nil {
		s.Close()
		return nil, err
	}
	if err := s.install(ctx); err != nil {
		s.Close()
		return nil, fmt.Errorf("install the extension's objects: %w", err)
	}
	return s, nil
}

// postgresBin is the folder of Postgres's programs: that of $PG_CONFIG, else the
// newest one installed where Debian puts them, else that of pg_config in PATH.
func postgresBin(ctx context.Context) (string, error) {
	program := os.Getenv("PG_CONFIG")
	if program == "" {
		found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
		if len(found) > 0 {
			return filepath.Dir(found[len(found)-1]), nil
		}
		program = "pg_config"
	}
	out, err := exec.CommandContext(ctx, program, "--bindir").Output()
	if err != nil {
		return "", fmt.Errorf("find Postgres's programs (%s --bindir): %w; set PG_CONFIG", program, err)
	}
	return strings.TrimSpace(string(out)), nil
}

const serverConf = `
listen_addresses = ''
unix_socket_directories = '%s'
port = 7060
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

func (s *Server) start(ctx context.Context) error {
	if os.Geteuid() == 0 {
		if err := s.ownByPostgres(); err != nil {
			return err
		}
	}
	data := filepath.Join(s.dir, "data")
	initdb := s.command(ctx, "initdb", "--pgdata", data, "--username", "postgres", "--auth", "trust",
		"--encoding", "UTF8", "--no-locale", "--no-sync")
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	conf, err := os.OpenFile(filepath.Join(data, "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(conf, serverConf, s.dir)
	if err := errors.Join(err, conf.Close()); err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(s.dir, "log"))
	if err != nil {
		return err
	}
	defer log.Close()
	s.postgres = s.command(context.Background(), "postgres", "-D", data)
	s.postgres.Stdout, s.postgres.Stderr = log, log
	// Should this process be killed, nothing stays behind but the folder.
	s.postgres.SysProcAttr.Pdeathsig = syscall.SIGQUIT
	if err := s.postgres.Start(); err != nil {
		return err
	}
	s.ended = make(chan struct{})
	go func() {
		s.postgres.Wait()
		close(s.ended)
	}()
	return s.awaitReady(ctx)
}

// ownByPostgres gives the folder to user postgres, as which Postgres's programs
// then run: they refuse to run as root.
func (s *Server) ownByPostgres() error {
	account, err := user.Lookup("postgres")
	if err != nil {
		return fmt.Errorf("Postgres does not run as root, and there is no user postgres: %w", err)
	}
	uid, err := strconv.Atoi(account.Uid)
	if err != nil {
		return err
	}
	gid, err := strconv.Atoi(account.Gid)
	if err != nil {
		return err
	}
	s.owner = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return os.Chown(s.dir, uid, gid)
}

func (s *Server) command(ctx context.Context, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(s.bin, program), args...)
	cmd.Dir = s.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.owner, Setpgid: true}
	return cmd
}

// awaitReady waits until the server takes connections.
func (s *Server) awaitReady(ctx context.Context) error {
	for {
		conn, err := s.connect(ctx, "postgres")
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-s.ended:
			log, _ := os.ReadFile(filepath.Join(s.dir, "log"))
			return fmt.Errorf("Postgres ended at once:\n%s", log)
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (s *Server) connect(ctx context.Context, database string) (*pgx.Conn, error) {
	return pgx.Connect(ctx, s.dsn(database))
}

func (s *Server) dsn(database string) string {
	return fmt.Sprintf("host=%s port=7060 user=postgres database=%s", s.dir, database)
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
	conn, err := s.connect(ctx, database)
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

// Copy makes a database with all objects and runs the scripts in it. It returns its
// name. Not safe for concurrent use.
func (s *Server) Copy(ctx context.Context, scripts ...string) (string, error) {
	s.copies++
	name := fmt.Sprintf("copy_%d", s.copies)
	if err := s.exec(ctx, "postgres", "CREATE DATABASE "+name+" TEMPLATE "+baseDatabase); err != nil {
		return "", err
	}
	if len(scripts) == 0 {
		return name, nil
	}
	return name, s.exec(ctx, name, scripts...)
}

// Close ends the server and removes its folder.
func (s *Server) Close() error {
	if s.ended != nil {
		s.postgres.Process.Signal(syscall.SIGQUIT)
		<-s.ended
	}
	return os.RemoveAll(s.dir)
}
