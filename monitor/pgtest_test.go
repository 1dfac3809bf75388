package monitor

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// The tests run real Postgres servers: initdb once, a copy of its result per
// server, each in a folder below one temporary folder that TestMain removes.

const pgBin = "/usr/lib/postgresql/15/bin"

var (
	testRoot   string
	testServer *server // shared by tests that do not harm it; each uses a database of its own
	nextPort   atomic.Int32
	template   = sync.OnceValues(makeTemplate)
	shared     = sync.OnceValues(func() (*server, error) { return newServer(serverOptions{}) })
)

func TestMain(m *testing.M) {
	os.Exit(func() int {
		var err error
		if testRoot, err = os.MkdirTemp("", "pgaf-monitor-"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(testRoot)
		_ = os.Chmod(testRoot, 0o755)
		nextPort.Store(7100)
		defer func() {
			if testServer != nil {
				testServer.stop(syscall.SIGQUIT)
			}
		}()
		return m.Run()
	}())
}

// asPostgres makes a command run as user postgres when the tests run as root,
// as whom Postgres refuses to.
func asPostgres(cmd *exec.Cmd) *exec.Cmd {
	cmd.Dir = "/"
	if os.Getuid() != 0 {
		return cmd
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return cmd
	}
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
	return cmd
}

func postgresFolder(name string) (string, error) {
	dir := filepath.Join(testRoot, name)
	if err := os.Mkdir(dir, 0o700); err != nil {
		return "", err
	}
	if u, err := user.Lookup("postgres"); err == nil && os.Getuid() == 0 {
		uid, _ := strconv.Atoi(u.Uid)
		gid, _ := strconv.Atoi(u.Gid)
		return dir, os.Chown(dir, uid, gid)
	}
	return dir, nil
}

func makeTemplate() (string, error) {
	dir, err := postgresFolder("template")
	if err != nil {
		return "", err
	}
	out, err := asPostgres(exec.Command(pgBin+"/initdb", "-D", dir, "-U", "postgres", "-A", "trust",
		"--no-sync", "--locale=C", "-E", "UTF8")).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("initdb: %w: %s", err, out)
	}
	return dir, nil
}

type serverOptions struct {
	bin      string // folder of the postgres binary; "" = pgBin
	settings []string
	hba      string // "" keeps initdb's
}

// server is one running Postgres.
type server struct {
	opts serverOptions
	dir  string
	port int

	cmd    *exec.Cmd
	exited chan struct{}
	mu     sync.Mutex
	lines  []string
	grown  chan struct{} // closed and replaced when a log line arrives
}

func newServer(opts serverOptions) (*server, error) {
	from, err := template()
	if err != nil {
		return nil, err
	}
	s := &server{opts: opts, port: freePort()}
	if s.dir, err = postgresFolder(fmt.Sprintf("server-%d", s.port)); err != nil {
		return nil, err
	}
	if out, err := asPostgres(exec.Command("cp", "-a", from+"/.", s.dir)).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("cp: %w: %s", err, out)
	}
	if opts.hba != "" {
		if err := os.WriteFile(s.dir+"/pg_hba.conf", []byte(opts.hba), 0o600); err != nil {
			return nil, err
		}
	}
	return s, s.start()
}

// freePort returns the next port of this package's range that nobody uses.
func freePort() int {
	for {
		port := int(nextPort.Add(1))
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			l.Close()
			return port
		}
	}
}

// startServer is newServer for one test, which stops it at its end.
func startServer(t *testing.T, opts serverOptions) *server {
	t.Helper()
	s, err := newServer(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.stop(syscall.SIGQUIT) })
	return s
}

// sharedServer is a server that tests must not harm.
func sharedServer(t *testing.T) *server {
	t.Helper()
	s, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	testServer = s
	return s
}

// start runs the postmaster and returns when it accepts connections.
func (s *server) start() error { return s.startUntil("database system is ready to accept connections") }

// startUntil runs the postmaster and returns when it has logged text.
func (s *server) startUntil(text string) error {
	bin := s.opts.bin
	if bin == "" {
		bin = pgBin
	}
	args := []string{"-D", s.dir, "-p", strconv.Itoa(s.port), "-k", s.dir, "-c", "listen_addresses=127.0.0.1",
		"-c", "fsync=off", "-c", "max_connections=60", "-c", "autovacuum=off", "-c", "log_line_prefix=%p "}
	for _, setting := range s.opts.settings {
		args = append(args, "-c", setting)
	}
	s.cmd = asPostgres(exec.Command(bin+"/postgres", args...))
	s.exited = make(chan struct{})
	s.mu.Lock()
	s.lines, s.grown = nil, make(chan struct{})
	s.mu.Unlock()
	pipe, err := s.cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := s.cmd.Start(); err != nil {
		return err
	}
	go s.read(bufio.NewScanner(pipe), s.cmd, s.exited)
	return s.waitLog(text)
}

func (s *server) read(log *bufio.Scanner, cmd *exec.Cmd, exited chan struct{}) {
	for log.Scan() {
		s.mu.Lock()
		s.lines = append(s.lines, log.Text())
		close(s.grown)
		s.grown = make(chan struct{})
		s.mu.Unlock()
	}
	_ = cmd.Wait()
	close(exited)
}

// waitLog returns when a line of the server's log contains text.
func (s *server) waitLog(text string) error {
	timeout := time.After(30 * time.Second)
	for seen := 0; ; {
		s.mu.Lock()
		lines, grown := s.lines, s.grown
		s.mu.Unlock()
		for ; seen < len(lines); seen++ {
			if strings.Contains(lines[seen], text) {
				return nil
			}
		}
		select {
		case <-grown:
		case <-s.exited:
			return fmt.Errorf("server on port %d ended before it logged %q:\n%s", s.port, text, strings.Join(lines, "\n"))
		case <-timeout:
			return fmt.Errorf("server on port %d did not log %q:\n%s", s.port, text, strings.Join(lines, "\n"))
		}
	}
}

// stop ends the postmaster: SIGINT fast, SIGQUIT immediate, SIGKILL crash.
func (s *server) stop(signal syscall.Signal) {
	_ = s.cmd.Process.Signal(signal)
	if signal == syscall.SIGKILL { // the orphans hold the log pipe and shared memory for a moment
		_ = s.cmd.Process.Signal(syscall.SIGCONT)
	}
	<-s.exited
}

func (s *server) uri(user, database string) string {
	return fmt.Sprintf("postgres://%s@127.0.0.1:%d/%s?sslmode=prefer&connect_timeout=10", user, s.port, database)
}

// connect opens a superuser connection for the test.
func (s *server) connect(t *testing.T, database string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), s.uri("postgres", database))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

// exec runs statements as superuser.
func (s *server) exec(t *testing.T, database string, statements ...string) {
	t.Helper()
	conn := s.connect(t, database)
	defer conn.Close(context.Background())
	for _, statement := range statements {
		if _, err := conn.Exec(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

var nextDatabase atomic.Int32

// newMonitor makes a database with the monitor's objects on s and returns its
// URI as autoctl_node.
func (s *server) newMonitor(t *testing.T) (uri, database string) {
	t.Helper()
	database = fmt.Sprintf("monitor_%d", nextDatabase.Add(1))
	s.exec(t, "postgres", "CREATE DATABASE "+database)
	conn := s.connect(t, database)
	defer conn.Close(context.Background())
	if err := Install(t.Context(), conn, InstallOptions{NoFiles: true, Logger: slog.New(slog.DiscardHandler)}); err != nil {
		t.Fatal(err)
	}
	return s.uri("autoctl_node", database), database
}

// open connects a client for the test.
func open(t *testing.T, uri string) *Client {
	t.Helper()
	c, err := Connect(t.Context(), uri)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeQuietly(c) })
	return c
}

// chownLike gives a file the owner of another one.
func chownLike(t *testing.T, path string, like os.FileInfo) {
	t.Helper()
	owner := like.Sys().(*syscall.Stat_t)
	if err := os.Chown(path, int(owner.Uid), int(owner.Gid)); err != nil {
		t.Fatal(err)
	}
}
