package harness

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// ClusterOptions describe a cluster. The zero value is a monitor, its switch, and no node.
type ClusterOptions struct {
	Network     Network  // default: a new Fabric
	Folder      string   // default: a folder of the run; another one outlives the run
	Pgaf        string   // default: the run's private copy
	Postgres    Postgres // default: the run's private copy
	Ports       []int    // wanted for the monitor and the nodes in order; default: any
	MonitorArgs []string // more options for `create monitor`
	Environment []string // more variables for pgaf on the nodes
}

// Cluster is a monitor, its nodes, and a client's machine.
type Cluster struct {
	Dir     string
	Monitor *Node
	Nodes   []*Node
	Client  *Host // where the harness's own connections start
	Watch   *Watch

	run      *Run
	network  Network
	options  ClusterOptions
	pgaf     string
	postgres Postgres
}

// Node is a machine with one pgaf process and its Postgres.
type Node struct {
	*Machine
	Name   string
	Port   int
	PGDATA string // below the machine's folder
	Disk   *Disk  // when PGDATA has a small file system of its own

	cluster *Cluster
	program string // pgaf, or pg_autoctl
	mu      sync.Mutex
	process *Process // `pgaf run`; nil before the first start
	args    []string // with which it was started
}

// NewCluster creates the monitor with `pgaf create monitor`, runs it with `pgaf run`,
// and begins to watch it.
func (r *Run) NewCluster(ctx context.Context, name string, options ClusterOptions) (_ *Cluster, err error) {
	c := &Cluster{run: r, options: options, network: options.Network, Dir: options.Folder, pgaf: options.Pgaf, postgres: options.Postgres}
	if c.Dir == "" {
		c.Dir = filepath.Join(r.Dir, name)
		if err := r.Account.Mkdir(c.Dir); err != nil {
			return nil, err
		}
	}
	if c.pgaf == "" {
		c.pgaf = r.Pgaf
	}
	if c.postgres == (Postgres{}) {
		c.postgres = r.Postgres
	}
	if c.network == nil {
		if c.network, err = NewFabric(); err != nil {
			return nil, err
		}
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.Close())
		}
	}()
	if c.Monitor, err = c.addMachine("monitor", c.wantedPort(0), 0); err != nil {
		return nil, err
	}
	if c.Client, err = c.network.AddHost("client"); err != nil {
		return nil, err
	}
	args := append([]string{"create", "monitor"}, c.Monitor.createOptions()...)
	if _, err := c.Monitor.Pgaf(ctx, append(args, options.MonitorArgs...)...); err != nil {
		return nil, err
	}
	if err := c.Monitor.Start(); err != nil {
		return nil, err
	}
	c.Watch = NewWatch(c.MonitorURI(), c.Client)
	if err := c.Monitor.while(ctx, func(ctx context.Context) error {
		return c.Watch.Until(ctx, "the monitor", func(States) bool { return true })
	}); err != nil {
		return nil, err
	}
	return c, nil
}

// LoseMonitor kills the monitor and destroys all it had on disk.
func (c *Cluster) LoseMonitor() error {
	if err := c.Monitor.KillAll(); err != nil {
		return err
	}
	var errs []error
	for _, left := range []string{c.Monitor.PGDATA, filepath.Join(c.Monitor.Dir, ".config"), filepath.Join(c.Monitor.Dir, ".local")} {
		errs = append(errs, os.RemoveAll(left))
	}
	return errors.Join(errs...)
}

// RecreateMonitor makes and runs a new monitor at the address of the one that was lost.
func (c *Cluster) RecreateMonitor(ctx context.Context) error {
	args := append([]string{"create", "monitor"}, c.Monitor.createOptions()...)
	if _, err := c.Monitor.Pgaf(ctx, append(args, c.options.MonitorArgs...)...); err != nil {
		return err
	}
	return c.Monitor.Start()
}

// MonitorURI is how nodes and clients reach the monitor.
func (c *Cluster) MonitorURI() string {
	return fmt.Sprintf("postgres://autoctl_node@%s:%d/pg_auto_failover?sslmode=prefer", c.Monitor.Host.Address, c.Monitor.Port)
}

// addMachine prepares a home folder, a host and a port; with a disk when megabytes > 0. The disk comes
// before the host, whose mounts are those of the moment of its creation.
func (c *Cluster) addMachine(name string, wantedPort, megabytes int) (_ *Node, err error) {
	n := &Node{Name: name, cluster: c, program: c.pgaf}
	if n.Machine, err = c.run.newMachine(nil, filepath.Join(c.Dir, name), c.pgaf, c.postgres); err != nil {
		return nil, err
	}
	data := n.Dir
	if megabytes > 0 {
		// A base backup is renamed over PGDATA, so PGDATA cannot be the mount point itself.
		data = filepath.Join(n.Dir, "disk")
		if n.Disk, err = c.run.NewDisk(data, megabytes); err != nil {
			return nil, err
		}
	}
	n.PGDATA = filepath.Join(data, "pgdata")
	if n.Host, err = c.network.AddHost(name); err != nil {
		return nil, err
	}
	n.Port, err = c.run.ports.lease(wantedPort)
	return n, err
}

// wantedPort is the port asked for in the options, the monitor's first; 0 is any.
func (c *Cluster) wantedPort(i int) int {
	if i < len(c.options.Ports) {
		return c.options.Ports[i]
	}
	return 0
}

// NodeOptions describe one more node.
type NodeOptions struct {
	DiskMegabytes int      // > 0: PGDATA on a tmpfs of that size
	Args          []string // more options for `create postgres`
	Program       Program  // default: the cluster's pgaf
}

// Program runs a node: pgaf, or pg_autoctl of pg_auto_failover, which has the same commands.
type Program struct {
	Path string
	Env  []string // what it needs in its environment besides
}

// AddNode starts `pgaf create postgres --run` on a new machine. It does not wait for any state.
func (c *Cluster) AddNode(options NodeOptions) (*Node, error) {
	name := "node_" + string(rune('a'+len(c.Nodes)))
	n, err := c.addMachine(name, c.wantedPort(1+len(c.Nodes)), options.DiskMegabytes)
	if err != nil {
		return nil, err
	}
	n.Environment = c.options.Environment
	if options.Program.Path != "" {
		n.program, n.Environment = options.Program.Path, append(slices.Clip(n.Environment), options.Program.Env...)
	}
	c.Nodes = append(c.Nodes, n)
	return n, n.Create(options.Args...)
}

// Create starts `pgaf create postgres --run` on a machine that has no node, or none any more.
func (n *Node) Create(options ...string) error {
	args := append([]string{"create", "postgres"}, n.createOptions()...)
	args = append(args, "--pg-hba-lan", "--name", n.Name, "--monitor", n.cluster.MonitorURI(), "--run")
	return n.start(append(args, options...)...)
}

// AddNodes adds nodes one after the other, each settled before the next one starts: the last
// state of the group is one primary, all others secondary.
func (c *Cluster) AddNodes(ctx context.Context, count int) error {
	for range count {
		n, err := c.AddNode(NodeOptions{})
		if err != nil {
			return err
		}
		if err := n.while(ctx, func(ctx context.Context) error { return c.WaitStates(ctx, c.Healthy(c.Nodes[0])) }); err != nil {
			return err
		}
	}
	return nil
}

// Healthy is the state to wait for when all is well and the given node is the primary.
func (c *Cluster) Healthy(primary *Node) Want {
	if len(c.Nodes) == 1 {
		return Want{primary.Name: "single"}
	}
	want := Want{}
	for _, n := range c.Nodes {
		want[n.Name] = "secondary"
	}
	want[primary.Name] = "primary"
	return want
}

// WaitStates waits until every wanted node is settled in its state. The error tells the
// states, the monitor's own explanation and the last events.
func (c *Cluster) WaitStates(ctx context.Context, want Want) error {
	return c.explained(c.Watch.Until(ctx, want.String(), want.Met))
}

// Until waits for any condition on the states; the error explains as WaitStates does.
func (c *Cluster) Until(ctx context.Context, what string, holds func(States) bool) error {
	return c.explained(c.Watch.Until(ctx, what, holds))
}

// explained adds what the monitor says to an error, if it can still be asked.
func (c *Cluster) explained(err error) error {
	if err == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	conn, connectErr := c.ConnectMonitor(ctx)
	if connectErr != nil {
		return err
	}
	defer closeConnection(conn)
	var b strings.Builder
	if rows, queryErr := conn.Query(ctx, "select concat_ws(' · ', coalesce(node_name, 'group'), reported_state, assigned_state, rule, doing, waiting_for, ends, action) from pgautofailover.explain('default', 0)"); queryErr == nil {
		if lines, collectErr := pgx.CollectRows(rows, pgx.RowTo[string]); collectErr == nil {
			fmt.Fprintf(&b, "\nexplain:\n  %s", strings.Join(lines, "\n  "))
		}
	}
	if events, readErr := readEvents(ctx, conn, 0); readErr == nil {
		b.WriteString("\nlast events:")
		for _, e := range events[max(0, len(events)-25):] {
			fmt.Fprintf(&b, "\n  %s", e)
		}
	}
	return fmt.Errorf("%w%s", err, b.String())
}

// ConnectMonitor opens a connection to the monitor as autoctl_node.
func (c *Cluster) ConnectMonitor(ctx context.Context) (*pgx.Conn, error) {
	return connect(ctx, c.MonitorURI(), c.Client.Dial, 2*time.Second)
}

// States asks the monitor for the states at this moment; the Watch may be a notification behind.
func (c *Cluster) States(ctx context.Context) (States, error) {
	conn, err := c.ConnectMonitor(ctx)
	if err != nil {
		return nil, err
	}
	defer closeConnection(conn)
	return readStates(ctx, conn)
}

// Events returns what the monitor recorded after the given event.
func (c *Cluster) Events(ctx context.Context, after int64) ([]Event, error) {
	conn, err := c.ConnectMonitor(ctx)
	if err != nil {
		return nil, err
	}
	defer closeConnection(conn)
	return readEvents(ctx, conn, after)
}

// WaitReport waits until the monitor has a report of the node that is younger than the call. It
// asks again and again: a report that changes nothing is not notified.
func (c *Cluster) WaitReport(ctx context.Context, n *Node) error {
	var since time.Time
	for {
		conn, err := c.ConnectMonitor(ctx)
		for err == nil {
			var now, reported time.Time
			err = conn.QueryRow(ctx, "select clock_timestamp(), reporttime from pgautofailover.node where nodename = $1", n.Name).Scan(&now, &reported)
			if since.IsZero() {
				since = now
			}
			if err == nil && reported.After(since) {
				closeConnection(conn)
				return nil
			}
			if err == nil {
				err = pause(ctx, 50*time.Millisecond)
			}
		}
		if conn != nil {
			closeConnection(conn)
		}
		if pause(ctx, 50*time.Millisecond) != nil {
			return c.explained(fmt.Errorf("no report of %s: %w", n.Name, err))
		}
	}
}

// pause waits between two looks at something that nobody notifies.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// LastEvent is the number of the newest event.
func (c *Cluster) LastEvent(ctx context.Context) (int64, error) {
	events, err := c.Events(ctx, 0)
	if err != nil || len(events) == 0 {
		return 0, err
	}
	return events[len(events)-1].ID, nil
}

// Promotions lists, in order, the nodes that the monitor told to promote in these events:
// each failover has exactly one.
func Promotions(events []Event) []string {
	var promoted []string
	goal := map[string]string{}
	for _, e := range events {
		if e.Assigned == "prepare_promotion" && goal[e.Node] != "prepare_promotion" {
			promoted = append(promoted, e.Node)
		}
		goal[e.Node] = e.Assigned
	}
	return promoted
}

// Goals lists the distinct assigned states in these events.
func Goals(events []Event) []string {
	var goals []string
	for _, e := range events {
		if !slices.Contains(goals, e.Assigned) {
			goals = append(goals, e.Assigned)
		}
	}
	slices.Sort(goals)
	return goals
}

// URI asks `pgaf show uri` for the formation's connection string, and names the
// superuser in it, as the client runs as another user.
func (c *Cluster) URI(ctx context.Context) (string, error) {
	out, err := c.Monitor.Pgaf(ctx, "show", "uri", "--formation", "default", "--pgdata", c.Monitor.PGDATA)
	if err != nil {
		return "", err
	}
	return withUser(strings.TrimSpace(out), c.run.Account.Name)
}

// withUser adds a user name to a URI that has none.
func withUser(uri, user string) (string, error) {
	rest, ok := strings.CutPrefix(uri, "postgres://")
	if !ok {
		return "", fmt.Errorf("%q is not a postgres:// URI", uri)
	}
	hosts, _, _ := strings.Cut(rest, "/")
	if strings.Contains(hosts, "@") {
		return uri, nil
	}
	return "postgres://" + user + "@" + rest, nil
}

// StartWriter starts the usual client: all hosts of the formation, only a writable one will do.
func (c *Cluster) StartWriter(ctx context.Context, options WriterOptions) (*Writer, error) {
	if options.URI == "" {
		uri, err := c.URI(ctx)
		if err != nil {
			return nil, err
		}
		options.URI = uri
	}
	if options.Dial == nil {
		options.Dial = c.Client.Dial
	}
	return StartWriter(ctx, options)
}

// Close ends the watch and kills the cluster's processes. The folder goes with the run.
func (c *Cluster) Close() error {
	if c.Watch != nil {
		c.Watch.Close()
	}
	err := KillBelow(c.Dir)
	c.network.Close()
	return err
}

// Detach ends the watch and leaves the cluster running.
func (c *Cluster) Detach() {
	if c.Watch != nil {
		c.Watch.Close()
	}
}

// SaveLogs copies what explains a failure to folder: the logs of pgaf and of Postgres, the
// trail of states, and the events.
func (c *Cluster) SaveLogs(ctx context.Context, folder string) error {
	if err := os.RemoveAll(folder); err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	var errs []error
	if c.Watch != nil {
		errs = append(errs, os.WriteFile(filepath.Join(folder, "states.txt"), []byte(c.Watch.Trail()+"\n"), 0o644))
	}
	if events, err := c.Events(ctx, 0); err == nil {
		var b strings.Builder
		for _, e := range events {
			fmt.Fprintln(&b, e)
		}
		errs = append(errs, os.WriteFile(filepath.Join(folder, "events.txt"), []byte(b.String()), 0o644))
	}
	for _, n := range append([]*Node{c.Monitor}, c.Nodes...) {
		if n == nil {
			continue
		}
		logs, _ := filepath.Glob(filepath.Join(n.PGDATA, "log", "*"))
		logs = append(logs, n.LogFile(), filepath.Join(n.PGDATA, "startup.log"))
		for _, log := range logs {
			if _, err := os.Stat(log); err == nil {
				errs = append(errs, CopyFile(log, filepath.Join(folder, n.Name+"-"+filepath.Base(log)), 0o644))
			}
		}
	}
	return errors.Join(errs...)
}

// createOptions are common to `create monitor` and `create postgres`.
func (n *Node) createOptions() []string {
	return []string{"--pgdata", n.PGDATA, "--pgctl", filepath.Join(n.cluster.postgres.BinDir, "pg_ctl"), "--pgport", fmt.Sprint(n.Port), "--hostname", n.Host.Address, "--auth", "trust", "--ssl-self-signed"}
}

// LogFile is where the node's pgaf logs.
func (n *Node) LogFile() string { return filepath.Join(n.Dir, "pgaf.log") }

// Pgaf runs one command of the node's program to its end and returns its stdout.
func (n *Node) Pgaf(ctx context.Context, args ...string) (string, error) {
	return n.Run(ctx, n.program, args...)
}

// Start runs `pgaf run` on the node.
func (n *Node) Start() error { return n.start("run", "--pgdata", n.PGDATA) }

func (n *Node) start(args ...string) error { return n.StartProgram(n.program, args...) }

// StartProgram runs a program in the place of the node's pgaf.
func (n *Node) StartProgram(program string, args ...string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.process != nil && n.process.Running() {
		return fmt.Errorf("pgaf already runs on %s (pid %d)", n.Name, n.process.PID)
	}
	process, err := n.Spawn(n.LogFile(), program, args...)
	n.process, n.args = process, args
	return err
}

// Use makes another program the one that Pgaf and Start run.
func (n *Node) Use(program string) { n.program = program }

// running is the node's pgaf, as it was started last.
func (n *Node) running() *Process {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.process
}

// PID is the process id of the node's pgaf.
func (n *Node) PID() int { return n.running().PID }

// while runs f, and ends it early with a clear error when the node's pgaf dies.
func (n *Node) while(ctx context.Context, f func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	process := n.running()
	go func() {
		select {
		case <-process.Done():
			cancel(process.ended())
		case <-ctx.Done():
		}
	}()
	err := f(ctx)
	if cause := context.Cause(ctx); err != nil && cause != nil && !errors.Is(cause, context.Canceled) && !errors.Is(cause, context.DeadlineExceeded) {
		return fmt.Errorf("%w\n%w", err, cause)
	}
	return err
}

// Stop ends pgaf with SIGTERM and waits for its end.
func (n *Node) Stop(within time.Duration) error {
	if err := n.running().Signal(syscall.SIGTERM); err != nil {
		return err
	}
	return n.WaitEnd(within)
}

// WaitEnd waits until pgaf, told to stop by whomever, has ended.
func (n *Node) WaitEnd(within time.Duration) error {
	select {
	case <-n.running().Done():
		return nil
	case <-time.After(within):
		return fmt.Errorf("pgaf on %s (pid %d) did not end within %s; last lines of its log:\n%s", n.Name, n.running().PID, within, Tail(n.LogFile(), 10))
	}
}

// Ended waits for the end of the node's pgaf and returns its exit code, -1 when a signal killed it.
func (n *Node) Ended(ctx context.Context) (code int, err error) {
	select {
	case <-n.process.Done():
		return n.process.exitCode(), nil
	case <-ctx.Done():
		return 0, fmt.Errorf("pgaf on %s (pid %d) has not ended; last lines of its log:\n%s", n.Name, n.process.PID, Tail(n.LogFile(), 10))
	}
}

// SignalKeeper sends a signal to pgaf alone.
func (n *Node) SignalKeeper(signal syscall.Signal) error { return n.running().Signal(signal) }

// KillKeeper sends SIGKILL to pgaf alone; Postgres goes on.
func (n *Node) KillKeeper() error {
	if err := n.running().Signal(syscall.SIGKILL); err != nil {
		return err
	}
	<-n.running().Done()
	return nil
}

// PostmasterPID is the pid of the node's running Postgres, or 0.
func (n *Node) PostmasterPID() int { return postmasterPID(n.PGDATA) }

// KillPostgres sends SIGKILL to the postmaster alone, as the kernel's out-of-memory
// killer would; its children notice and end.
func (n *Node) KillPostgres() error {
	pid := n.PostmasterPID()
	if pid == 0 {
		return fmt.Errorf("no Postgres runs on %s", n.Name)
	}
	return killAll([]int{pid})
}

// KillAll sends SIGKILL to every process of the node, pgaf first, so that it restarts nothing.
func (n *Node) KillAll() error {
	if err := n.running().Signal(syscall.SIGKILL); err != nil {
		return err
	}
	if err := KillBelow(n.Dir); err != nil {
		return err
	}
	<-n.running().Done()
	return nil
}

// URI is a direct connection string to the node's Postgres.
func (n *Node) URI() string {
	return fmt.Sprintf("postgres://%s@%s:%d/postgres?sslmode=prefer", n.cluster.run.Account.Name, n.Host.Address, n.Port)
}

// Connect opens a direct connection to the node's Postgres.
func (n *Node) Connect(ctx context.Context) (*pgx.Conn, error) {
	return connect(ctx, n.URI(), n.cluster.Client.Dial, 5*time.Second)
}

// ControlData is what pg_controldata says about the node, running or not.
func (n *Node) ControlData(ctx context.Context) (map[string]string, error) {
	out, err := n.Run(ctx, "pg_controldata", n.PGDATA)
	if err != nil {
		return nil, err
	}
	data := map[string]string{}
	for line := range strings.Lines(out) {
		if key, value, ok := strings.Cut(line, ":"); ok {
			data[key] = strings.TrimSpace(value)
		}
	}
	return data, nil
}
