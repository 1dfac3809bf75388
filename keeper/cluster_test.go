package keeper

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sys/unix"

	"pgaf/monitor"
)

// A cluster of real Postgres nodes, each with its keeper as a process of its own.
// Tests wait for states by listening to the monitor.

// firstPort: tests of this package use ports 7300 to 7399.
const firstPort = 7300

var (
	portMu   sync.Mutex
	nextPort = firstPort
)

// freePort returns a port that nobody listens on. It stays reserved for the test, also
// while its server is down: another run of these tests may go on at the same time.
func freePort(t *testing.T) int {
	t.Helper()
	portMu.Lock()
	defer portMu.Unlock()
	for range 100 {
		port := nextPort
		nextPort = firstPort + (nextPort-firstPort+1)%100
		lock, err := os.OpenFile(fmt.Sprintf("/tmp/pgaf-test-port-%d-%d", os.Geteuid(), port), os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			continue
		}
		whole := wholeFile()
		if err := unix.FcntlFlock(lock.Fd(), unix.F_OFD_SETLK, &whole); err != nil {
			lock.Close()
			continue
		}
		l, err := net.Listen("tcp", ":"+strconv.Itoa(port))
		if err != nil {
			lock.Close()
			continue
		}
		l.Close()
		t.Cleanup(func() {
			os.Remove(lock.Name())
			lock.Close()
		})
		return port
	}
	t.Fatal("no free port")
	return 0
}

// cluster is a monitor and its nodes, below one folder.
type cluster struct {
	t       *testing.T
	dir     string
	env     []string
	monitor *testNode
	nodes   map[string]*testNode
	uri     string
}

// testNode is a node or a monitor: its folder and its running keeper.
type testNode struct {
	c       *cluster
	name    string
	pgdata  string
	port    int
	service *process
}

// process is a running command of this package.
type process struct {
	cmd  *exec.Cmd
	done chan struct{}
	code int
	log  string // path
}

// needsPostgres skips what takes real servers under -short. Such tests mostly wait, so
// they run beside each other.
func needsPostgres(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("needs PostgreSQL servers")
	}
	t.Parallel()
}

func newCluster(t *testing.T) *cluster {
	t.Helper()
	needsPostgres(t)
	dir, err := os.MkdirTemp("", "pgaf-")
	if err != nil {
		t.Fatal(err)
	}
	run := filepath.Join(dir, "run")
	if err := os.Mkdir(run, 0o700); err != nil {
		t.Fatal(err)
	}
	c := &cluster{t: t, dir: dir, nodes: map[string]*testNode{}}
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "XDG_") && !strings.HasPrefix(kv, "HOME=") && !strings.HasPrefix(kv, "PG") {
			c.env = append(c.env, kv)
		}
	}
	c.env = append(c.env, "HOME="+dir, "XDG_RUNTIME_DIR="+run, "PG_AUTOCTL_DEBUG=1", "PG_REGRESS_SOCK_DIR="+run)
	t.Cleanup(c.cleanUp)
	return c
}

// step is a subtest on the same cluster; what follows a failed one is skipped.
func (c *cluster) step(name string, f func(t *testing.T)) {
	whole := c.t
	whole.Run(name, func(t *testing.T) {
		if whole.Failed() {
			t.Skip("a step before has failed")
		}
		c.t = t
		f(t)
	})
	c.t = whole
}

func (c *cluster) cleanUp() {
	for _, n := range c.nodes {
		n.destroy()
	}
	if c.monitor != nil {
		c.monitor.destroy()
	}
	logs, _ := filepath.Glob(filepath.Join(c.dir, "*.log"))
	for _, path := range logs {
		content, _ := os.ReadFile(path)
		for _, bad := range []string{"DATA RACE", "panic:", "fatal error:"} {
			if strings.Contains(string(content), bad) {
				c.t.Errorf("%s in %s", bad, filepath.Base(path))
			}
		}
	}
	if c.t.Failed() {
		c.t.Logf("files are kept in %s", c.dir)
		for _, path := range logs {
			content, _ := os.ReadFile(path)
			c.t.Logf("---- %s\n%s", filepath.Base(path), tail(string(content), 60))
		}
		return
	}
	os.RemoveAll(c.dir)
}

func tail(text string, lines int) string {
	all := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

// destroy ends the keeper and the Postgres of a node, whatever state they are in.
func (n *testNode) destroy() {
	if n.service != nil {
		n.service.kill(syscall.SIGQUIT)
	}
	if pid := n.postmaster(); pid != 0 {
		syscall.Kill(pid, syscall.SIGCONT)
		syscall.Kill(pid, syscall.SIGQUIT)
		for range 200 {
			if syscall.Kill(pid, 0) != nil {
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
}

// postmaster is the process id in postmaster.pid; 0 when there is none that lives.
func (n *testNode) postmaster() int {
	content, err := os.ReadFile(filepath.Join(n.pgdata, "postmaster.pid"))
	if err != nil {
		return 0
	}
	first, _, _ := strings.Cut(string(content), "\n")
	pid, err := strconv.Atoi(first)
	if err != nil || syscall.Kill(pid, 0) != nil {
		return 0
	}
	return pid
}

// paths of the node, as its own environment gives them.
func (n *testNode) paths() Paths {
	config := func(kind, file string) string { return filepath.Join(n.c.dir, kind, "pgaf", n.pgdata, file) }
	return Paths{PGDATA: n.pgdata, Config: config(".config", configFileName), State: config(".local/share", stateFileName),
		Init: config(".local/share", initFileName), Pid: config("run", pidFileName), Lease: config("run", leaseFileName),
		Lock: config(".local/share", lockFileName), Exec: config("run", execFileName), Nodes: config(".local/share", nodesFileName), Goal: config(".local/share", goalFileName)}
}

// start starts a command.
func (c *cluster) start(name string, p program) *process {
	c.t.Helper()
	command, err := json.Marshal(p)
	if err != nil {
		c.t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		c.t.Fatal(err)
	}
	path := filepath.Join(c.dir, name+".log")
	log, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		c.t.Fatal(err)
	}
	defer log.Close()
	r := &process{cmd: exec.Command(self), done: make(chan struct{}), log: path}
	r.cmd.Env = append(c.env[:len(c.env):len(c.env)], programEnv+"="+string(command))
	r.cmd.Stdout, r.cmd.Stderr = log, log
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := r.cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	go func() {
		defer close(r.done)
		var exit *exec.ExitError
		if err := r.cmd.Wait(); errors.As(err, &exit) {
			r.code = exit.ExitCode()
		}
	}()
	return r
}

// wait returns the exit code.
func (p *process) wait(t *testing.T) int {
	t.Helper()
	select {
	case <-p.done:
		return p.code
	case <-time.After(time.Minute):
		content, _ := os.ReadFile(p.log)
		t.Fatalf("the command does not end:\n%s", tail(string(content), 30))
		return -1
	}
}

// kill sends a signal and waits for the end.
func (p *process) kill(sig syscall.Signal) {
	p.cmd.Process.Signal(sig)
	p.cmd.Process.Signal(syscall.SIGCONT)
	select {
	case <-p.done:
	case <-time.After(20 * time.Second):
		p.cmd.Process.Kill()
		<-p.done
	}
}

// run runs a command to its end and returns its exit code and output.
func (c *cluster) run(name string, p program) (code int, output string) {
	c.t.Helper()
	before, _ := os.ReadFile(filepath.Join(c.dir, name+".log"))
	r := c.start(name, p)
	code = r.wait(c.t)
	content, _ := os.ReadFile(r.log)
	return code, string(content[len(before):])
}

func (c *cluster) mustRun(name string, p program) {
	c.t.Helper()
	if code, output := c.run(name, p); code != 0 {
		c.t.Fatalf("%s %s: exit %d\n%s", p.Command, name, code, output)
	}
}

// newMonitor makes and starts the monitor.
func (c *cluster) newMonitor() {
	c.t.Helper()
	m := &testNode{c: c, name: "monitor", pgdata: filepath.Join(c.dir, "monitor"), port: freePort(c.t)}
	c.monitor = m
	c.uri = fmt.Sprintf("postgres://autoctl_node@127.0.0.1:%d/pg_auto_failover?sslmode=require", m.port)
	c.mustRun("monitor", program{Command: "create-monitor", Monitor: CreateMonitorOptions{
		PGDATA: m.pgdata, Port: m.port, Hostname: "127.0.0.1", Auth: "trust", SSL: SSLOptions{SelfSigned: true}}})
	m.run()
	c.client().Close(context.Background())
}

// client connects to the monitor, as soon as it can be reached.
func (c *cluster) client() *monitor.Client {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	for {
		client, err := monitor.Connect(ctx, c.uri)
		if err == nil {
			return client
		}
		if ctx.Err() != nil {
			c.t.Fatal(err)
		}
		time.Sleep(20 * time.Millisecond) // nothing announces a server
	}
}

// options of a create with this cluster's monitor.
func (c *cluster) options(name string, port int) CreateOptions {
	return CreateOptions{
		PGDATA: filepath.Join(c.dir, name), Port: port, Name: name, Hostname: "127.0.0.1", Monitor: c.uri,
		Auth: "trust", SSL: SSLOptions{SelfSigned: true},
	}
}

// node registers a node of the test without making it.
func (c *cluster) node(name string) *testNode {
	n := &testNode{c: c, name: name, pgdata: filepath.Join(c.dir, name), port: freePort(c.t)}
	c.nodes[name] = n
	return n
}

// newNode makes a node and starts its keeper.
func (c *cluster) newNode(name string) *testNode {
	c.t.Helper()
	n := c.node(name)
	c.mustRun(name, program{Command: "create", Create: c.options(name, n.port)})
	n.run()
	return n
}

// run starts the keeper.
func (n *testNode) run() {
	n.c.t.Helper()
	n.service = n.c.start(n.name, program{Command: "run", Run: RunOptions{PGDATA: n.pgdata}})
}

// pair is a cluster of two nodes in the steady state.
func newPair(t *testing.T) (c *cluster, a, b *testNode) {
	t.Helper()
	c = newCluster(t)
	c.newMonitor()
	a, b = c.newNode("a"), c.newNode("b")
	c.await(a.is(monitor.StatePrimary), b.is(monitor.StateSecondary))
	return c, a, b
}

// condition is something that becomes true about the nodes of the group.
type condition struct {
	words string
	holds func(map[string]monitor.Node) bool
}

// is: reported and assigned.
func (n *testNode) is(s monitor.State) condition {
	return condition{n.name + " is " + string(s), func(nodes map[string]monitor.Node) bool {
		node, found := nodes[n.name]
		return found && node.Reported == s && node.Assigned == s
	}}
}

// reports: reported, whatever is assigned.
func (n *testNode) reports(s monitor.State) condition {
	return condition{n.name + " reports " + string(s), func(nodes map[string]monitor.Node) bool {
		node, found := nodes[n.name]
		return found && node.Reported == s
	}}
}

func (n *testNode) isGone() condition {
	return condition{n.name + " is gone", func(nodes map[string]monitor.Node) bool {
		_, found := nodes[n.name]
		return !found
	}}
}

// patience of await: generous, the machine may be busy with other tests.
const patience = 60 * time.Second

// await returns when all conditions hold at once.
func (c *cluster) await(conditions ...condition) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	client := c.client()
	defer func() { client.Close(context.Background()) }()
	err := client.Listen(ctx, monitor.ChannelState, monitor.ChannelLog)
	for {
		var nodes []monitor.Node
		if err == nil {
			nodes, err = client.CurrentState(ctx, "default", nil)
		}
		if err == nil && holdAll(conditions, nodes) {
			return
		}
		if ctx.Err() != nil {
			c.t.Fatalf("in vain: %s\nthe nodes are: %s", wordsOf(conditions), describeNodes(nodes))
		}
		if err != nil { // the monitor is being restarted
			client.Close(ctx)
			client = c.client()
			err = client.Listen(ctx, monitor.ChannelState, monitor.ChannelLog)
			continue
		}
		waiting, cancel := context.WithTimeout(ctx, time.Second)
		client.WaitForNotification(waiting)
		cancel()
	}
}

func holdAll(conditions []condition, list []monitor.Node) bool {
	nodes := map[string]monitor.Node{}
	for _, node := range list {
		nodes[node.Name] = node
	}
	for _, condition := range conditions {
		if !condition.holds(nodes) {
			return false
		}
	}
	return true
}

func wordsOf(conditions []condition) string {
	var words []string
	for _, condition := range conditions {
		words = append(words, condition.words)
	}
	return strings.Join(words, ", ")
}

func describeNodes(nodes []monitor.Node) string {
	var words []string
	for _, node := range nodes {
		words = append(words, fmt.Sprintf("%s %s ➜ %s (%d/%s)", node.Name, node.Reported, node.Assigned, node.TLI, node.LSN))
	}
	return strings.Join(words, ", ")
}

// states lists the nodes by name.
func (c *cluster) states() map[string]monitor.Node {
	c.t.Helper()
	client := c.client()
	defer client.Close(context.Background())
	list, err := client.CurrentState(context.Background(), "default", nil)
	if err != nil {
		c.t.Fatal(err)
	}
	nodes := map[string]monitor.Node{}
	for _, node := range list {
		nodes[node.Name] = node
	}
	return nodes
}

func (c *cluster) failover() {
	c.t.Helper()
	client := c.client()
	defer client.Close(context.Background())
	if err := client.PerformFailover(context.Background(), "default", 0, monitor.FailoverOptions{}); err != nil {
		c.t.Fatal(err)
	}
}

// sql runs one statement on a node and returns the first column of the first row.
func (n *testNode) sql(query string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, fmt.Sprintf("postgres://127.0.0.1:%d/postgres?user=%s&sslmode=require", n.port, osUser()))
	if err != nil {
		return "", err
	}
	defer conn.Close(ctx)
	rows, err := conn.Query(ctx, query)
	if err != nil {
		return "", err
	}
	value := ""
	for rows.Next() {
		values, err := rows.Values()
		if err != nil {
			return "", err
		}
		if len(values) > 0 {
			value = fmt.Sprint(values[0])
		}
	}
	return value, rows.Err()
}

func (n *testNode) mustSQL(query string) string {
	n.c.t.Helper()
	value, err := n.sql(query)
	if err != nil {
		n.c.t.Fatalf("%s on %s: %v", query, n.name, err)
	}
	return value
}

// ---- a client that writes

// writer inserts a row every 5 ms into whichever node accepts writes, and counts what
// was acknowledged.
type writer struct {
	c      *cluster
	uri    string
	cancel context.CancelFunc
	done   chan struct{}
	acked  []int
	worst  time.Duration
	count  atomic.Int64 // of acked
}

// written returns once some more writes are acknowledged.
func (w *writer) written() {
	w.c.t.Helper()
	target := w.count.Load() + 10
	waitFor(w.c.t, "writes are acknowledged", func() bool { return w.count.Load() >= target })
}

func (c *cluster) startWriter() *writer {
	c.t.Helper()
	var hosts []string
	for _, n := range c.nodes {
		hosts = append(hosts, fmt.Sprintf("127.0.0.1:%d", n.port))
	}
	w := &writer{c: c, done: make(chan struct{}),
		uri: fmt.Sprintf("postgres://%s/postgres?user=%s&sslmode=require&target_session_attrs=read-write&connect_timeout=1", strings.Join(hosts, ","), osUser())}
	ctx, cancel := context.WithCancel(context.Background())
	w.cancel = cancel
	conn, err := pgx.Connect(ctx, w.uri)
	if err != nil {
		c.t.Fatal(err)
	}
	if _, err := conn.Exec(ctx, "create table if not exists written (n int)"); err != nil {
		c.t.Fatal(err)
	}
	go w.write(ctx, conn)
	w.written()
	return w
}

func (w *writer) write(ctx context.Context, conn *pgx.Conn) {
	defer close(w.done)
	last := time.Now()
	for n := 0; ctx.Err() == nil; n++ {
		if conn == nil {
			var err error
			if conn, err = pgx.Connect(ctx, w.uri); err != nil {
				conn = nil
				sleep(ctx, 5*time.Millisecond)
				continue
			}
		}
		one, cancel := context.WithTimeout(ctx, 2*time.Second)
		_, err := conn.Exec(one, "insert into written values ($1)", n)
		cancel()
		if err != nil {
			conn.Close(context.Background())
			conn = nil
			continue
		}
		now := time.Now()
		w.worst = max(w.worst, now.Sub(last))
		last = now
		w.acked = append(w.acked, n)
		w.count.Add(1)
		sleep(ctx, 5*time.Millisecond)
	}
	if conn != nil {
		conn.Close(context.Background())
	}
}

// stop ends the writer; it fails the test for each write that was acknowledged and is
// not there, and returns the largest gap between two acknowledged writes.
func (w *writer) stop(on *testNode) time.Duration {
	w.c.t.Helper()
	w.written()
	w.cancel()
	<-w.done
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, fmt.Sprintf("postgres://127.0.0.1:%d/postgres?user=%s&sslmode=require", on.port, osUser()))
	if err != nil {
		w.c.t.Fatal(err)
	}
	defer conn.Close(ctx)
	rows, err := conn.Query(ctx, "select n from written")
	if err != nil {
		w.c.t.Fatal(err)
	}
	there, err := pgx.CollectRows(rows, pgx.RowTo[int])
	if err != nil {
		w.c.t.Fatal(err)
	}
	found := map[int]bool{}
	for _, n := range there {
		found[n] = true
	}
	lost := 0
	for _, n := range w.acked {
		if !found[n] {
			lost++
		}
	}
	if lost > 0 {
		w.c.t.Errorf("%d of %d acknowledged writes are lost", lost, len(w.acked))
	}
	return w.worst
}
