package keeper

import (
	"context"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"pgaf/keeper/postgres"
	"pgaf/monitor"
)

// tree lists everything of the cluster but logs and what running servers change.
func (c *cluster) tree() map[string]bool {
	files := map[string]bool{}
	filepath.WalkDir(c.dir, func(path string, entry fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(c.dir, path)
		switch {
		case err != nil || strings.HasSuffix(rel, ".log") || strings.HasSuffix(rel, ".new") || strings.HasPrefix(rel, "run"):
			return nil
		case c.monitor != nil && path == c.monitor.pgdata:
			return fs.SkipDir
		}
		for _, n := range c.nodes {
			if path == n.pgdata && n.service != nil {
				return fs.SkipDir
			}
		}
		files[rel] = true
		return nil
	})
	return files
}

// installation is a copy of the Postgres programs in which one of them fails.
func (c *cluster) installation(broken, script string) (pgctl string) {
	c.t.Helper()
	bin, err := postgres.FindFirstBin("")
	if err != nil {
		c.t.Fatal(err)
	}
	dir, err := os.MkdirTemp(c.dir, "programs-")
	if err != nil {
		c.t.Fatal(err)
	}
	for _, name := range []string{"pg_ctl", "postgres", "initdb", "pg_controldata", "pg_basebackup", "pg_rewind", "pg_config"} {
		content := fmt.Sprintf("#!/bin/sh\nexec %s \"$@\"\n", bin.Path(name))
		if name == broken {
			content = fmt.Sprintf("#!/bin/sh\ncase \"$*\" in --version|-V) exec %s \"$@\";; esac\n%s\n", bin.Path(name), script)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o755); err != nil {
			c.t.Fatal(err)
		}
	}
	return filepath.Join(dir, "pg_ctl")
}

// Bad input is refused before anything is changed: right code, a remedy, no traces.
func TestCreateRefuses(t *testing.T) {
	c := newCluster(t)
	c.newMonitor()
	c.await(c.newNode("a").is(monitor.StateSingle))
	c.createFormation(monitor.Formation{ID: "sharded", Kind: "citus", Database: "citus", OptSecondary: true})
	listener, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	busy := listener.Addr().(*net.TCPAddr).Port
	foreign := filepath.Join(c.dir, "foreign")
	if err := errorsOf(os.Mkdir(foreign, 0o700), os.WriteFile(filepath.Join(foreign, "letter.txt"), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	closed := freePort(t)
	for _, test := range []struct {
		name   string
		change func(*CreateOptions)
		code   int
		says   string
	}{
		{"no PGDATA", func(o *CreateOptions) { o.PGDATA = "" }, ExitBadArgs, "--pgdata"},
		{"no monitor", func(o *CreateOptions) { o.Monitor = "" }, ExitBadArgs, "--monitor"},
		{"no password to derive one from", func(o *CreateOptions) { o.Auth = "" }, ExitBadArgs, "--replication-password"},
		{"authentication by certificates of nobody", func(o *CreateOptions) { o.Auth = "cert" }, ExitBadArgs, "--ssl-ca-file"},
		{"node id of a node with a monitor", func(o *CreateOptions) { o.NodeID = 3 }, ExitBadArgs, "--disable-monitor"},
		{"no node id", func(o *CreateOptions) { o.Monitor, o.DisableMonitor = "", true }, ExitBadArgs, "--node-id"},
		{"a monitor and none", func(o *CreateOptions) { o.NodeID, o.DisableMonitor = 3, true }, ExitBadArgs, "--disable-monitor"},
		{"two authentications", func(o *CreateOptions) { o.SkipHBA = true }, ExitBadArgs, "--skip-pg-hba"},
		{"sslmode without a certificate", func(o *CreateOptions) { o.SSL = SSLOptions{Mode: "require"} }, ExitBadArgs, "--ssl-self-signed"},
		{"two choices of TLS", func(o *CreateOptions) { o.SSL.None = true }, ExitBadArgs, "contradict"},
		{"sslmode that needs an authority", func(o *CreateOptions) { o.SSL.Mode = "verify-full" }, ExitBadArgs, "authority"},
		{"certificate without key", func(o *CreateOptions) { o.SSL = SSLOptions{CertFile: "/x"} }, ExitBadArgs, "--server-key"},
		{"priority out of range", func(o *CreateOptions) { n := 101; o.CandidatePriority = &n }, ExitBadArgs, "0 to 100"},
		{"formation of another kind", func(o *CreateOptions) { o.NodeKind = "worker" }, ExitMonitor, "--kind citus"},
		{"coordinator without Citus", func(o *CreateOptions) { o.NodeKind, o.Formation = "coordinator", "sharded" }, ExitCoordinator, "install Citus"},
		{"host name with port", func(o *CreateOptions) { o.Hostname = "h:1" }, ExitBadArgs, "port"},
		{"no such pg_ctl", func(o *CreateOptions) { o.PgCtl = "/nowhere/pg_ctl" }, ExitBadArgs, "/nowhere/pg_ctl"},
		{"PGDATA with foreign files", func(o *CreateOptions) { o.PGDATA = foreign }, ExitKeeper, "letter.txt"},
		{"PGDATA that is a file", func(o *CreateOptions) { o.PGDATA = filepath.Join(foreign, "letter.txt") }, ExitKeeper, "not a folder"},
		{"PGDATA that cannot be made", func(o *CreateOptions) { o.PGDATA = "/proc/pg" }, ExitKeeper, "/proc"},
		{"PGDATA of the monitor", func(o *CreateOptions) { o.PGDATA = c.monitor.pgdata }, ExitBadState, "running"},
		{"PGDATA of a running node", func(o *CreateOptions) { o.PGDATA = c.nodes["a"].pgdata }, ExitBadState, "pgaf stop"},
		{"port in use", func(o *CreateOptions) { o.Port = busy }, ExitKeeper, "--pgport"},
		{"monitor that does not answer", func(o *CreateOptions) { o.Monitor = fmt.Sprintf("postgres://autoctl_node@127.0.0.1:%d/x", closed) }, ExitMonitor, "connection refused"},
		{"monitor without extension", func(o *CreateOptions) { o.Monitor = strings.Replace(c.uri, "/pg_auto_failover", "/postgres", 1) }, ExitExtension, "pgaf create monitor"},
		{"unknown formation", func(o *CreateOptions) { o.Formation = "moon" }, ExitMonitor, "moon"},
		{"name that is taken", func(o *CreateOptions) { o.Name = "a" }, ExitMonitor, "already has a node named"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c.t = t
			before := c.tree()
			o := c.options("new", freePort(t))
			test.change(&o)
			code, output := c.run("refused", program{Command: "create", Create: o})
			if code != test.code || !strings.Contains(output, test.says) {
				t.Errorf("exit %d, want %d; says %q, want something about %q", code, test.code, output, test.says)
			}
			if diff := cmp.Diff(before, c.tree()); diff != "" {
				t.Errorf("traces are left:\n%s", diff)
			}
		})
	}
	c.t = t
	if nodes := c.states(); len(nodes) != 1 {
		t.Errorf("the monitor knows %d nodes", len(nodes))
	}
	t.Run("create of what is there", func(t *testing.T) {
		c.t = t
		c.nodes["a"].service.kill(syscall.SIGTERM)
		code, output := c.run("again", program{Command: "create", Create: c.options("a", c.nodes["a"].port)})
		if code != 0 || !strings.Contains(output, "pgaf run") {
			t.Errorf("exit %d: %s", code, output)
		}
	})
	c.t = t
}

// Where Citus is installed its nodes register as what they are, in a formation of their
// kind; what has to be said to Citus itself is refused, and the create undone.
func TestCreateCitusNodes(t *testing.T) {
	c := newCluster(t)
	c.newMonitor()
	c.createFormation(monitor.Formation{ID: "sharded", Kind: "citus", Database: "citus", OptSecondary: true})
	pgctl := c.installation("none", "")
	control := filepath.Join(filepath.Dir(pgctl), "../share/extension/citus.control")
	if err := errorsOf(os.MkdirAll(filepath.Dir(control), 0o700), os.WriteFile(control, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	before := c.tree()
	three := 3
	for _, test := range []struct {
		kind, says string
		group      *int
	}{
		{"coordinator", "node=coord0a node_id=1 group=0", nil},
		{"worker", "node=worker1a node_id=2 group=1", nil},
		{"worker", "node=worker3a node_id=3 group=3", &three},
	} {
		o := c.options("citus", freePort(t))
		o.Name, o.NodeKind, o.Formation, o.Group, o.PgCtl = "", test.kind, "sharded", test.group, pgctl
		code, output := c.run("citus", program{Command: "create", Create: o})
		if code != ExitCoordinator || !strings.Contains(output, test.says) || !strings.Contains(output, "does not speak to Citus yet") {
			t.Errorf("exit %d: %s", code, output)
		}
		if diff := cmp.Diff(before, c.tree()); diff != "" {
			t.Errorf("traces are left:\n%s", diff)
		}
		client := c.client()
		nodes, err := client.CurrentState(context.Background(), "sharded", nil)
		client.Close(context.Background())
		if err != nil || len(nodes) != 0 {
			t.Errorf("%v, %v", nodes, err)
		}
	}
}

func (c *cluster) createFormation(f monitor.Formation) {
	c.t.Helper()
	client := c.client()
	defer client.Close(context.Background())
	if _, err := client.CreateFormation(context.Background(), f); err != nil {
		c.t.Fatal(err)
	}
}

// A create that fails or is interrupted leaves nothing, and can be repeated.
func TestFailedCreateIsUndone(t *testing.T) {
	c := newCluster(t)
	c.newMonitor()
	a := c.node("a")
	empty := c.tree()
	undone := func(t *testing.T) {
		t.Helper()
		after := c.tree()
		for path := range after {
			if strings.HasPrefix(path, "programs-") {
				delete(after, path)
			}
		}
		if diff := cmp.Diff(empty, after); diff != "" {
			t.Errorf("traces are left:\n%s", diff)
		}
		if _, found := c.states()["a"]; found {
			t.Error("the monitor still knows the node")
		}
	}
	c.step("initdb fails", func(t *testing.T) {
		o := c.options("a", a.port)
		o.PgCtl = c.installation("initdb", `echo 'initdb: error: could not write: No space left on device' >&2; exit 1`)
		code, output := c.run("a", program{Command: "create", Create: o})
		if code != ExitKeeper || !strings.Contains(output, "No space left on device") {
			t.Errorf("exit %d: %s", code, output)
		}
		undone(t)
	})
	c.step("Postgres does not start", func(t *testing.T) {
		o := c.options("a", a.port)
		o.PgCtl = c.installation("postgres", `case "$*" in *--boot*|*--single*|*--check*) exec /usr/lib/postgresql/15/bin/postgres "$@";; esac; echo 'FATAL: out of luck' >&2; exit 1`)
		code, output := c.run("a", program{Command: "create", Create: o})
		if code == 0 || !strings.Contains(output, "undoing the create") {
			t.Errorf("exit %d: %s", code, output)
		}
		undone(t)
	})
	c.step("an empty folder stays an empty folder", func(t *testing.T) {
		if err := os.Mkdir(a.pgdata, 0o700); err != nil {
			t.Fatal(err)
		}
		o := c.options("a", a.port)
		o.PgCtl = c.installation("initdb", `exit 1`)
		c.run("a", program{Command: "create", Create: o})
		if err := os.Remove(a.pgdata); err != nil {
			t.Error(err)
		}
		undone(t)
	})
	c.step("repeated, it succeeds", func(t *testing.T) {
		c.mustRun("a", program{Command: "create", Create: c.options("a", a.port)})
	})
	b := c.node("b")
	empty = c.tree()
	c.step("interrupted while it waits for the primary", func(t *testing.T) {
		r := c.start("b", program{Command: "create", Create: c.options("b", b.port)})
		c.await(b.is(monitor.StateWaitStandby))
		r.kill(syscall.SIGINT)
		if r.code != ExitKeeper {
			t.Errorf("exit %d", r.code)
		}
		c.await(b.isGone())
		if diff := cmp.Diff(empty, c.tree()); diff != "" {
			t.Errorf("traces are left:\n%s", diff)
		}
	})
	c.step("the copy fails for want of space", func(t *testing.T) {
		a.run()
		c.await(a.is(monitor.StateSingle))
		o := c.options("b", b.port)
		o.PgCtl = c.installation("pg_basebackup", `echo 'pg_basebackup: error: could not write to file: No space left on device' >&2; exit 1`)
		code, output := c.run("b", program{Command: "create", Create: o})
		if code != ExitKeeper || !strings.Contains(output, "No space left on device") {
			t.Errorf("exit %d: %s", code, output)
		}
		c.await(b.isGone(), a.is(monitor.StateSingle))
	})
	c.step("repeated, it joins", func(t *testing.T) {
		c.mustRun("b", program{Command: "create", Create: c.options("b", b.port)})
		b.run()
		c.await(a.is(monitor.StatePrimary), b.is(monitor.StateSecondary))
	})
}

// A create that is killed at any moment is continued by the next one.
func TestKilledCreateIsContinued(t *testing.T) {
	c := newCluster(t)
	c.newMonitor()
	for i, name := range []string{"a", "b"} {
		n := c.node(name)
		for attempt := range 5 {
			r := c.start(name, program{Command: "create", Create: c.options(name, n.port)})
			select {
			case <-r.done:
			case <-time.After(time.Duration(30+attempt*(250+150*i)) * time.Millisecond):
				r.cmd.Process.Kill()
				<-r.done
			}
		}
		c.mustRun(name, program{Command: "create", Create: c.options(name, n.port)})
		if _, err := os.Stat(n.paths().Init); err == nil {
			t.Errorf("%s: the init file is left", name)
		}
		n.run()
	}
	c.await(c.nodes["a"].is(monitor.StatePrimary), c.nodes["b"].is(monitor.StateSecondary))
	if nodes := c.states(); len(nodes) != 2 {
		t.Errorf("the monitor knows %d nodes", len(nodes))
	}
}

// A stopped cluster is adopted with its data; a create that fails leaves it as it was.
func TestAdoptExistingCluster(t *testing.T) {
	c := newCluster(t)
	c.newMonitor()
	a := c.node("a")
	bin, err := postgres.FindFirstBin("")
	if err != nil {
		t.Fatal(err)
	}
	pgctl := func(args ...string) {
		t.Helper()
		options := fmt.Sprintf("-p %d -k %s/run", a.port, c.dir)
		all := append([]string{"-D", a.pgdata, "-w", "-l", filepath.Join(c.dir, "own.log"), "-o", options}, args...)
		if output, err := exec.Command(bin.Path("pg_ctl"), all...).CombinedOutput(); err != nil {
			t.Fatalf("pg_ctl %v: %v\n%s", args, err, output)
		}
	}
	if output, err := exec.Command(bin.Path("initdb"), "-A", "trust", "-D", a.pgdata).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	pgctl("start")
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, fmt.Sprintf("postgres://127.0.0.1:%d/postgres?user=%s", a.port, osUser()))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(ctx, "create table precious as select 42 as answer"); err != nil {
		t.Fatal(err)
	}
	conn.Close(ctx)

	pgctl("stop")

	before := contents(t, a.pgdata)
	o := c.options("a", a.port)
	o.PgCtl = c.installation("postgres", `case "$*" in *--boot*|*--single*|*--check*) exec /usr/lib/postgresql/15/bin/postgres "$@";; esac; echo 'FATAL: out of luck' >&2; exit 1`)
	if code, output := c.run("a", program{Command: "create", Create: o}); code == 0 {
		t.Errorf("exit 0: %s", output)
	}
	if diff := cmp.Diff(before, contents(t, a.pgdata)); diff != "" {
		t.Errorf("a failed create changed the adopted cluster:\n%s", diff)
	}

	c.mustRun("a", program{Command: "create", Create: c.options("a", a.port)})
	a.run()
	c.await(a.is(monitor.StateSingle))
	waitFor(t, "Postgres runs", func() bool { return a.postmaster() != 0 && a.ready() })
	if got := a.mustSQL("select answer from precious"); got != "42" {
		t.Errorf("the data is %q", got)
	}
}

func (n *testNode) ready() bool {
	_, err := n.sql("select 1")
	return err == nil
}

// contents are the configuration files in a data folder.
func contents(t *testing.T, pgdata string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(pgdata)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, entry := range entries {
		if entry.Type().IsRegular() && entry.Name() != "postmaster.opts" {
			content, err := os.ReadFile(filepath.Join(pgdata, entry.Name()))
			if err != nil {
				t.Fatal(err)
			}
			found[entry.Name()] = string(content)
		}
	}
	return found
}

// The monitor's create: undone when it fails, repeatable, and dropped without traces.
func TestCreateMonitor(t *testing.T) {
	c := newCluster(t)
	m := &testNode{c: c, name: "monitor", pgdata: filepath.Join(c.dir, "monitor"), port: freePort(t)}
	o := CreateMonitorOptions{PGDATA: m.pgdata, Port: m.port, Hostname: "127.0.0.1", Auth: "trust", SSL: SSLOptions{SelfSigned: true}, Formations: []string{"east"}}
	before := c.tree()
	c.step("initdb fails", func(t *testing.T) {
		broken := o
		broken.PgCtl = c.installation("initdb", `exit 1`)
		code, output := c.run("monitor", program{Command: "create-monitor", Monitor: broken})
		if code != ExitPostgres {
			t.Errorf("exit %d: %s", code, output)
		}
		os.RemoveAll(filepath.Dir(broken.PgCtl))
		if diff := cmp.Diff(before, c.tree()); diff != "" {
			t.Errorf("traces are left:\n%s", diff)
		}
	})
	c.step("repeated", func(t *testing.T) {
		for range 2 {
			c.mustRun("monitor", program{Command: "create-monitor", Monitor: o})
			if pid := m.postmaster(); pid != 0 {
				t.Errorf("Postgres is left running (process %d)", pid)
			}
		}
	})
	c.step("runs, and restarts its Postgres", func(t *testing.T) {
		c.monitor, c.uri = m, fmt.Sprintf("postgres://autoctl_node@127.0.0.1:%d/pg_auto_failover?sslmode=require", m.port)
		m.run()
		client := c.client()
		formations, err := client.Formations(context.Background())
		if err != nil || len(formations) != 2 {
			t.Errorf("%v, %v", formations, err)
		}
		client.Close(context.Background())
		syscall.Kill(m.postmaster(), syscall.SIGKILL)
		client = c.client()
		if err := client.CheckVersion(context.Background()); err != nil {
			t.Error(err)
		}
		client.Close(context.Background())
	})
	c.step("dropped", func(t *testing.T) {
		c.mustRun("drop", program{Command: "drop-monitor", DropMon: DropMonitorOptions{PGDATA: m.pgdata, Destroy: true}})
		c.monitor = nil
		if diff := cmp.Diff(before, c.tree()); diff != "" {
			t.Errorf("traces are left:\n%s", diff)
		}
	})
}
