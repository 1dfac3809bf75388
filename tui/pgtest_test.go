package tui

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"

	"pgaf/monitor"
)

const pgBin = "/usr/lib/postgresql/15/bin"

// server is a Postgres that runs a monitor, below a temporary folder.
type server struct {
	dir  string
	port int
}

// startMonitor makes a monitor that ends with the test.
func startMonitor(t *testing.T) *server {
	t.Helper()
	dir, err := os.MkdirTemp("", "pgaf-tui-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if who := postgresUser(); who != nil {
		if err := os.Chown(dir, int(who.Uid), int(who.Gid)); err != nil {
			t.Fatal(err)
		}
	}
	s := &server{dir: dir, port: freePort(t)}
	s.run(t, "initdb", "-D", dir+"/data", "-U", "postgres", "-A", "trust", "--no-sync")
	s.start(t)
	t.Cleanup(func() { _ = s.command("pg_ctl", "-D", dir+"/data", "-m", "immediate", "stop").Run() })

	conn := s.connect(t, "postgres")
	if _, err := conn.Exec(t.Context(), "CREATE DATABASE pg_auto_failover"); err != nil {
		t.Fatal(err)
	}
	if err := monitor.Install(t.Context(), s.connect(t, "pg_auto_failover"), monitor.InstallOptions{NoFiles: true}); err != nil {
		t.Fatal(err)
	}
	return s
}

// start returns when the server accepts connections.
func (s *server) start(t *testing.T) {
	t.Helper()
	options := fmt.Sprintf("-p %d -k %s -c listen_addresses=127.0.0.1 -c fsync=off", s.port, s.dir)
	s.run(t, "pg_ctl", "-D", s.dir+"/data", "-l", s.dir+"/log", "-o", options, "-w", "start")
}

func (s *server) stop(t *testing.T) {
	t.Helper()
	s.run(t, "pg_ctl", "-D", s.dir+"/data", "-m", "fast", "-w", "stop")
}

func (s *server) uri(role, database string) string {
	return fmt.Sprintf("postgres://%s@127.0.0.1:%d/%s", role, s.port, database)
}

func (s *server) connect(t *testing.T, database string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), s.uri("postgres", database))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

func (s *server) run(t *testing.T, program string, args ...string) {
	t.Helper()
	if out, err := s.command(program, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", program, err, out)
	}
}

// command runs as user postgres: Postgres refuses to run as root.
func (s *server) command(program string, args ...string) *exec.Cmd {
	cmd := exec.Command(pgBin+"/"+program, args...)
	cmd.Dir = s.dir
	if who := postgresUser(); who != nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: who}
	}
	return cmd
}

// postgresUser is whom Postgres runs as when the tests run as root, else nil.
func postgresUser() *syscall.Credential {
	u, err := user.Lookup("postgres")
	if err != nil || os.Getuid() != 0 {
		return nil
	}
	uid, _ := strconv.ParseUint(u.Uid, 10, 32)
	gid, _ := strconv.ParseUint(u.Gid, 10, 32)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

// freePort is a port of this package's range that nobody uses.
func freePort(t *testing.T) int {
	t.Helper()
	for port := 7500; port < 7600; port++ {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			l.Close()
			return port
		}
	}
	t.Fatal("no free port from 7500 to 7599")
	return 0
}
