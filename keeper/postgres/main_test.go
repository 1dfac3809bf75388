package postgres

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sys/unix"
)

// testBin is the installation under test.
var testBin Bin

// TestMain runs everything as the OS user postgres when we are root, because Postgres refuses root.
func TestMain(m *testing.M) {
	if os.Geteuid() == 0 {
		code, err := runAsPostgres()
		if err != nil {
			fmt.Fprintln(os.Stderr, "run the tests as another user than root:", err)
		}
		os.Exit(code)
	}
	var err error
	if testBin, err = FindBin(""); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if job := os.Getenv("PGAF_TEST_HELPER"); job != "" {
		helperProcess(job)
	}
	code := m.Run()
	if dir, err := template(); err == nil {
		os.RemoveAll(dir)
	}
	os.Exit(code)
}

// runAsPostgres runs this program again as postgres. Meanwhile root lends it a small disk.
func runAsPostgres() (code int, err error) {
	postgres, err := user.Lookup("postgres")
	if err != nil {
		return 1, err
	}
	uid, _ := strconv.Atoi(postgres.Uid)
	gid, _ := strconv.Atoi(postgres.Gid)
	disk, err := os.MkdirTemp("/tmp", "pgafdisk")
	if err != nil {
		return 1, err
	}
	defer os.Remove(disk)
	if err := unix.Mount("tmpfs", disk, "tmpfs", 0, fmt.Sprintf("size=192m,mode=0700,uid=%d,gid=%d", uid, gid)); err != nil {
		return 1, fmt.Errorf("mount a small disk: %w", err)
	}
	defer unix.Unmount(disk, unix.MNT_DETACH)
	cmd := exec.Command("/proc/self/exe") // its real path lies in a folder of root
	for _, arg := range os.Args[1:] {
		if !strings.HasPrefix(arg, "-test.testlogfile=") { // so does this file
			cmd.Args = append(cmd.Args, arg)
		}
	}
	cmd.Env = append(os.Environ(), "USER=postgres", "HOME="+postgres.HomeDir, "PGAF_TEST_DISK="+disk)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)},
		Pdeathsig:  syscall.SIGKILL,
	}
	runtime.LockOSThread() // the signal comes when the thread ends that started it
	if err := cmd.Run(); cmd.ProcessState == nil {
		return 1, err
	}
	return cmd.ProcessState.ExitCode(), nil
}

// helperProcess is another keeper, which the test will kill.
func helperProcess(job string) {
	port, _ := strconv.Atoi(os.Getenv("PGAF_TEST_PORT"))
	pgdata, dir := os.Getenv("PGAF_TEST_PGDATA"), os.Getenv("PGAF_TEST_DIR")
	switch job {
	case "start": // and say the pid
		s := NewServer(ServerConfig{Bin: testBin, PGDATA: pgdata, Port: port, ListenAddresses: "localhost", SocketDir: dir})
		if err := s.Start(context.Background()); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		p, _ := s.Postmaster()
		fmt.Println(p.PID)
	case "backup": // slowly
		source := &node{port: port}
		standby := &node{dir: dir, pgdata: pgdata}
		options := standby.backupOptions(source, 1)
		options.MaxRate = "32k"
		fmt.Println("begins")
		fmt.Println(testBin.BaseBackup(context.Background(), options))
	}
	_, _ = io.ReadAll(os.Stdin)
	os.Exit(0)
}

// helper starts a helper process for n, with the port of the server it is about, and returns its first line.
func (n *node) helper(job string, port int) (*exec.Cmd, string) {
	n.t.Helper()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), "PGAF_TEST_HELPER="+job, "PGAF_TEST_PGDATA="+n.pgdata, "PGAF_TEST_DIR="+n.dir, fmt.Sprintf("PGAF_TEST_PORT=%d", port))
	stdin, err := cmd.StdinPipe()
	n.must(err)
	n.t.Cleanup(func() { stdin.Close() })
	stdout, err := cmd.StdoutPipe()
	n.must(err)
	n.must(cmd.Start())
	line, err := bufio.NewReader(stdout).ReadString('\n')
	n.must(err)
	return cmd, strings.TrimSpace(line)
}

var nextPort atomic.Int32

// testPort gives each server its own port in 7200-7299 that nobody listens on: a server of a run that was killed may.
func testPort() int {
	for {
		port := 7200 + int(nextPort.Add(1))%100
		if listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			listener.Close()
			return port
		}
	}
}

// within is the deadline of one step of a test.
func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

// node is a server of a test.
type node struct {
	*Server
	t      *testing.T
	dir    string // parent of PGDATA
	pgdata string
	port   int
}

// testDir is short, because socket paths are limited.
func testDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "pgafpg")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if !t.Failed() || os.Getenv("PGAF_TEST_KEEP") == "" {
			os.RemoveAll(dir)
		}
	})
	return dir
}

// newNode is a server without data.
func newNode(t *testing.T, dir string) *node {
	t.Helper()
	n := &node{t: t, dir: dir, pgdata: filepath.Join(dir, fmt.Sprintf("node%d", nextPort.Load())), port: testPort()}
	logger := slog.New(slog.NewTextHandler(testWriter{t}, nil))
	n.Server = NewServer(ServerConfig{
		Bin: testBin, PGDATA: n.pgdata, Port: n.port, ListenAddresses: "localhost", SocketDir: dir, Logger: logger,
	})
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := n.Stop(ctx, Kill); err != nil {
			t.Errorf("clean up: %v", err)
		}
		n.Close()
	})
	return n
}

type testWriter struct{ t *testing.T }

func (w testWriter) Write(p []byte) (int, error) {
	w.t.Log(string(p[:len(p)-1]))
	return len(p), nil
}

// newPrimary is a running server with the role and the rules for standbys.
func newPrimary(t *testing.T) *node {
	t.Helper()
	n := newNode(t, testDir(t))
	n.initdb()
	n.writeSettings()
	n.start()
	_, err := n.EnsureRole(within(t, time.Minute), Role{Name: "pgautofailover_replicator", Superuser: true, Replication: true})
	n.must(err)
	return n
}

// quick makes small clusters in a short time.
var quick = InitDBOptions{ExtraArgs: []string{"--no-sync", "--wal-segsize=1"}}

// template is a cluster that the tests copy, each with the same system identifier.
var template = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("/tmp", "pgafpg")
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return dir, testBin.InitDB(ctx, dir, quick)
})

func (n *node) initdb() {
	n.t.Helper()
	from, err := template()
	n.must(err)
	n.must(os.CopyFS(n.pgdata, os.DirFS(from)))
	n.must(os.Chmod(n.pgdata, 0o700))
}

func (n *node) writeSettings() {
	n.t.Helper()
	_, err := WriteSettings(n.pgdata, NodeSettings{Kind: KindStandalone, ListenAddresses: "localhost", Port: n.port, Tuning: TestTuning()})
	n.must(err)
}

func (n *node) must(err error) {
	n.t.Helper()
	if err != nil {
		n.t.Fatal(err)
	}
}

func (n *node) start() {
	n.t.Helper()
	n.must(n.Start(within(n.t, time.Minute)))
}

func (n *node) stop(mode StopMode) {
	n.t.Helper()
	n.must(n.Stop(within(n.t, time.Minute), mode))
}

func (n *node) exec(sql string) {
	n.t.Helper()
	n.must(n.Exec(within(n.t, time.Minute), sql))
}

func (n *node) text(sql string) (value string) {
	n.t.Helper()
	ctx := within(n.t, time.Minute)
	n.must(n.SQL(ctx, func(conn *pgx.Conn) error { return conn.QueryRow(ctx, "select ("+sql+")::text").Scan(&value) }))
	return value
}

func (n *node) metadata() Metadata {
	n.t.Helper()
	m, err := n.Metadata(within(n.t, time.Minute))
	n.must(err)
	return m
}

// upstream is how node id follows n.
func (n *node) upstream(id int64) Upstream {
	return Upstream{
		Host: "localhost", Port: n.port, User: "pgautofailover_replicator", Database: "postgres",
		ApplicationName: SlotName(id), Slot: SlotName(id), SSLMode: "prefer",
	}
}

// backup makes a standby of n from a base backup, not yet started.
func (n *node) backup(id int64) *node {
	n.t.Helper()
	ctx := within(n.t, time.Minute)
	_, err := n.EnsureSlots(ctx, []SlotWanted{{Name: SlotName(id)}}, false)
	n.must(err)
	standby := newNode(n.t, n.dir)
	n.must(testBin.BaseBackup(ctx, standby.backupOptions(n, id)))
	standby.writeSettings()
	return standby
}

func (n *node) backupOptions(primary *node, id int64) BaseBackupOptions {
	return BaseBackupOptions{
		PGDATA: n.pgdata, Dir: filepath.Join(n.dir, "backup", filepath.Base(n.pgdata)),
		Source: primary.upstream(id), ApplicationName: BackupName(id), Standby: primary.upstream(id),
	}
}

// standby is a running, streaming standby of n.
func (n *node) standby(id int64) *node {
	n.t.Helper()
	standby := n.backup(id)
	standby.start()
	n.must(standby.WaitStreaming(within(n.t, time.Minute)))
	return standby
}

// caughtUp waits until n has replayed everything of primary.
func (n *node) caughtUp(primary *node) {
	n.t.Helper()
	n.must(n.WaitReplay(within(n.t, time.Minute), primary.metadata().LSN))
}

// took runs step and logs how long it took.
func took(t *testing.T, what string, step func()) time.Duration {
	t.Helper()
	begun := time.Now()
	step()
	d := time.Since(begun)
	t.Logf("%s: %.1f ms", what, float64(d.Microseconds())/1000)
	return d
}
