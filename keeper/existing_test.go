package keeper

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"pgaf/keeper/postgres"
	"pgaf/monitor"
)

// A Postgres that somebody made and runs without pgaf.

func (c *cluster) command(program string, args ...string) {
	c.t.Helper()
	bin, err := postgres.FindFirstBin("")
	if err != nil {
		c.t.Fatal(err)
	}
	if !strings.HasPrefix(program, "pg_") || program == "pg_ctl" {
		program = bin.Path(program)
	}
	cmd := exec.Command(program, args...)
	cmd.Env = c.env
	if output, err := cmd.CombinedOutput(); err != nil {
		c.t.Fatalf("%s %v: %v\n%s", program, args, err, output)
	}
}

// initDB makes a cluster of a user, with settings of their own.
func (n *testNode) initDB(settings string, args ...string) {
	n.c.t.Helper()
	n.c.command("initdb", append([]string{"-A", "trust", "-D", n.pgdata}, args...)...)
	n.configure(fmt.Sprintf("port = %d\nunix_socket_directories = '%s/run'\nshared_buffers = 16MB\n%s\n", n.port, n.c.dir, settings))
}

func (n *testNode) configure(settings string) {
	n.c.t.Helper()
	file, err := os.OpenFile(filepath.Join(n.pgdata, "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		n.c.t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.WriteString(settings); err != nil {
		n.c.t.Fatal(err)
	}
}

func (n *testNode) pgctl(args ...string) {
	n.c.t.Helper()
	n.c.command("pg_ctl", append([]string{"-D", n.pgdata, "-w", "-l", filepath.Join(n.c.dir, "own.log")}, args...)...)
}

// adopt creates the node with nothing said about port and addresses.
func (n *testNode) adopt() program {
	o := n.c.options(n.name, 0)
	o.PGDATA = n.pgdata
	return program{Command: "create", Create: o}
}

// files are all files of the cluster that a user has written, with their content.
func (n *testNode) files(dirs ...string) map[string]string {
	n.c.t.Helper()
	found := map[string]string{}
	for _, dir := range append(dirs, n.pgdata) {
		filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
			content := ""
			switch {
			case err != nil || entry.IsDir() && path != dir && dir == n.pgdata:
				return fs.SkipDir
			case entry.Type()&fs.ModeSymlink != 0:
				content, _ = os.Readlink(path)
			case entry.Type().IsRegular():
				bytes, _ := os.ReadFile(path)
				content = string(bytes)
			}
			found[path] = content
			return nil
		})
	}
	delete(found, filepath.Join(n.pgdata, "postmaster.pid"))
	return found
}

func TestAdoptRunningCluster(t *testing.T) {
	c := newCluster(t)
	c.newMonitor()
	a := c.node("a")
	a.initDB("listen_addresses = '*'\nwal_log_hints = on\nwork_mem = 5MB")
	a.pgctl("start")
	pid := a.postmaster()
	a.ownSQL("create table precious as select 42 as answer")
	a.ownSQL("create role app login")

	c.step("a create that fails leaves it as it was, running", func(t *testing.T) {
		locked := filepath.Join(c.dir, "locked")
		if err := errorsOf(os.Mkdir(locked, 0o700), os.WriteFile(filepath.Join(locked, "hba.conf"), []byte("local all all trust\n"), 0o600), os.Chmod(locked, 0o500)); err != nil {
			t.Fatal(err)
		}
		a.ownSQL("alter system set hba_file = '" + locked + "/hba.conf'")
		a.pgctl("restart")
		pid = a.postmaster()
		before := a.files()
		code, output := c.run("a", a.adopt())
		if code != ExitKeeper || !strings.Contains(output, "undoing the create") {
			t.Errorf("exit %d: %s", code, output)
		}
		if diff := cmp.Diff(before, a.files()); diff != "" {
			t.Errorf("it was changed:\n%s", diff)
		}
		if a.postmaster() != pid || a.ownSQL("show ssl") != "off" {
			t.Error("Postgres is not what it was")
		}
		if _, known := c.states()["a"]; known {
			t.Error("the monitor knows the node")
		}
		a.ownSQL("alter system reset hba_file")
		a.pgctl("restart")
		pid = a.postmaster()
	})
	c.step("adopted", func(t *testing.T) {
		p := a.adopt()
		p.Create.Username = "app"
		code, output := c.run("a", p)
		if a.ownSQL("select rolsuper from pg_roles where rolname = 'app'") != "false" {
			t.Error("the user's role was made a superuser")
		}
		if code != 0 || !strings.Contains(output, "its Postgres runs on") {
			t.Fatalf("exit %d: %s", code, output)
		}
		cfg, err := LoadFile(a.paths().Config)
		if err != nil || cfg.Port != a.port || cfg.ListenAddresses != "*" {
			t.Errorf("%+v, %v", cfg, err)
		}
		a.run()
		c.await(a.is(monitor.StateSingle))
		if a.ownSQL("show ssl") != "on" || a.ownSQL("show work_mem") != "5MB" {
			t.Error("settings are not as wanted")
		}
	})
	c.step("a standby joins", func(t *testing.T) {
		b := c.newNode("b")
		c.await(a.is(monitor.StatePrimary), b.is(monitor.StateSecondary))
		if got := a.ownSQL("select ssl from pg_stat_ssl join pg_stat_replication using (pid)"); got != "true" {
			t.Errorf("the replication is encrypted: %s", got)
		}
	})
	if a.postmaster() != pid || pid == 0 {
		t.Errorf("Postgres is process %d, and was %d", a.postmaster(), pid)
	}
	if got := a.ownSQL("select answer from precious"); got != "42" {
		t.Errorf("the data is %q", got)
	}
	c.step("with a group of its own no running one joins", func(t *testing.T) {
		d := c.node("d")
		d.initDB("listen_addresses = '*'\nwal_log_hints = on")
		d.pgctl("start")
		code, output := c.run("d", d.adopt())
		if code != ExitKeeper || !strings.Contains(output, "2 nodes already") || d.postmaster() == 0 {
			t.Errorf("exit %d: %s", code, output)
		}
	})
}

// A create that is killed while it adopts a running Postgres is continued; that one runs on.
func TestKilledAdoptionIsContinued(t *testing.T) {
	c := newCluster(t)
	c.newMonitor()
	a := c.node("a")
	a.initDB("listen_addresses = '*'\nwal_log_hints = on")
	a.pgctl("start")
	pid := a.postmaster()
	for _, lasts := range []time.Duration{200, 350, 500, 700, 900} {
		r := c.start("a", a.adopt())
		select {
		case <-r.done:
		case <-time.After(lasts * time.Millisecond):
			r.cmd.Process.Kill()
			<-r.done
		}
	}
	c.mustRun("a", a.adopt())
	if a.postmaster() != pid || a.ownSQL("show ssl") != "on" {
		t.Errorf("process %d, was %d", a.postmaster(), pid)
	}
	c.await(a.is(monitor.StateSingle))
	if nodes := c.states(); len(nodes) != 1 {
		t.Errorf("the monitor knows %d nodes", len(nodes))
	}
}

// What does not do is listed, and nothing touched.
func TestRefuseUnsuitableCluster(t *testing.T) {
	c := newCluster(t)
	c.newMonitor()
	a := c.node("a")
	a.initDB("wal_level = minimal\nmax_wal_senders = 0\nssl = off\nlisten_addresses = ''")
	refused := func(t *testing.T, code int, output string, wants ...string) {
		t.Helper()
		if code != ExitKeeper {
			t.Errorf("exit %d", code)
		}
		for _, want := range wants {
			if !strings.Contains(output, want) {
				t.Errorf("says nothing of %q: %s", want, output)
			}
		}
		if len(c.states()) != 0 {
			t.Error("it was registered")
		}
	}
	whole := []string{"wal_level is minimal, needed: replica or logical", "max_wal_senders is 0, needed: at least 4", "ssl is off, needed: on", "listen_addresses is empty, needed: * or an address of 127.0.0.1"}
	c.step("stopped", func(t *testing.T) {
		before, tree := a.files(), c.tree()
		code, output := c.run("a", a.adopt())
		refused(t, code, output, append(whole, "your own are not overwritten")...)
		if diff := cmp.Diff(before, a.files()) + cmp.Diff(tree, c.tree()); diff != "" {
			t.Errorf("it was changed:\n%s", diff)
		}
	})
	c.step("running", func(t *testing.T) {
		a.pgctl("start")
		before, pid := a.files(), a.postmaster()
		code, output := c.run("a", a.adopt())
		refused(t, code, output, append(whole, "wal_log_hints is off, needed: on (or data checksums) (takes a restart)", "ssl is off, needed: on (takes a reload)", fmt.Sprintf("process %d", pid))...)
		if diff := cmp.Diff(before, a.files()); diff != "" || a.postmaster() != pid {
			t.Errorf("it was changed:\n%s", diff)
		}
		for _, file := range []string{a.paths().Config, a.paths().State, a.paths().Init} {
			if _, err := os.Stat(file); err == nil {
				t.Errorf("%s was written", file)
			}
		}
	})
	c.step("running with another port than wanted", func(t *testing.T) {
		p := a.adopt()
		p.Create.Port = freePort(t)
		code, output := c.run("a", p)
		refused(t, code, output, fmt.Sprintf("port is %d, needed: %d (takes a restart)", a.port, p.Create.Port))
	})
	c.step("running with the settings of initdb, which pgaf brings along when it starts it", func(t *testing.T) {
		a.configure("wal_level = replica\nmax_wal_senders = 10\n")
		content, _ := os.ReadFile(filepath.Join(a.pgdata, "postgresql.conf"))
		content = regexp.MustCompile(`(?m)^(ssl|listen_addresses) = .*$`).ReplaceAll(content, nil)
		if err := os.WriteFile(filepath.Join(a.pgdata, "postgresql.conf"), content, 0o600); err != nil {
			t.Fatal(err)
		}
		a.pgctl("restart")
		code, output := c.run("a", a.adopt())
		refused(t, code, output, "wal_log_hints is off", "or stop it")
		if strings.Contains(output, "ssl is off") {
			t.Error("a reload would take ssl")
		}
		a.pgctl("stop")
		c.mustRun("a", a.adopt())
		a.run()
		c.await(a.is(monitor.StateSingle))
		waitFor(t, "Postgres runs", func() bool { return a.postmaster() != 0 && a.ready() })
		if a.ownSQL("show listen_addresses") != "*" || a.ownSQL("show wal_log_hints") != "on" {
			t.Error("the settings are not as wanted")
		}
	})
}

// A tablespace, WAL elsewhere and checksums go along, to a standby and through a failover.
func TestAdoptClusterWithOutsideFolders(t *testing.T) {
	c := newCluster(t)
	c.newMonitor()
	a := c.node("a")
	wal, space := filepath.Join(c.dir, "wal_a"), filepath.Join(c.dir, "space")
	if err := os.Mkdir(space, 0o700); err != nil {
		t.Fatal(err)
	}
	a.initDB("listen_addresses = '*'", "--data-checksums", "--waldir", wal)
	a.pgctl("start")
	a.ownSQL("create tablespace elsewhere location '" + space + "'")
	a.ownSQL("create table precious tablespace elsewhere as select generate_series(1, 1000) as n")
	pid := a.postmaster()
	c.mustRun("a", a.adopt()) // wal_log_hints is off, and not needed beside checksums
	a.run()
	b := c.newNode("b")
	c.await(a.is(monitor.StatePrimary), b.is(monitor.StateSecondary))
	if a.postmaster() != pid {
		t.Error("Postgres was restarted")
	}
	count := func(n *testNode) string {
		return n.ownSQL("select count(*) || ' ' || current_setting('data_checksums') from precious")
	}
	if got := count(b); got != "1000 on" {
		t.Errorf("the standby has %s", got)
	}
	c.failover()
	c.await(b.is(monitor.StatePrimary), a.is(monitor.StateSecondary))
	if target, err := os.Readlink(filepath.Join(a.pgdata, "pg_wal")); err != nil || target != wal {
		t.Errorf("pg_wal leads to %q, %v", target, err)
	}
	b.ownSQL("insert into precious values (1001)")
	waitFor(t, "the old primary follows", func() bool { return count(a) == "1001 on" })

	// Destroyed, it leaves nothing behind of what lay elsewhere, and takes nothing away from the other node.
	destroyed := func(n *testNode, outside ...string) {
		t.Helper()
		if listed := postgres.OutsideFolders(n.pgdata); !slices.Equal(listed, outside) {
			t.Errorf("outside of PGDATA: %v, and not %v", listed, outside)
		}
		c.mustRun("drop", program{Command: "drop", Drop: DropNodeOptions{PGDATA: n.pgdata, Destroy: true}})
		for _, dir := range append(outside, n.pgdata) {
			if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s is still there (%v)", dir, err)
			}
		}
	}
	versions, _ := filepath.Glob(space + "/PG_*")
	copied, err := os.Readlink(only(t, filepath.Join(b.pgdata, "pg_tblspc", "*")))
	if err != nil || len(versions) != 1 {
		t.Fatalf("%v, %v", versions, err)
	}
	destroyed(a, versions[0], wal)
	if got := count(b); got != "1001 on" {
		t.Errorf("the other node has %s", got)
	}
	c.await(b.is(monitor.StateSingle))
	destroyed(b, copied)
	if left, err := os.ReadDir(space); err != nil || len(left) > 0 {
		t.Errorf("the tablespace's own folder: %v, %v", left, err)
	}
}

// only is the one path that a pattern matches.
func only(t *testing.T, pattern string) string {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) != 1 {
		t.Fatalf("%s: %v, %v", pattern, paths, err)
	}
	return paths[0]
}

// Debian's layout: the configuration is in /etc, and moves along.
func TestAdoptDebianCluster(t *testing.T) {
	if _, err := exec.LookPath("pg_createcluster"); err != nil {
		t.Skip("needs postgresql-common")
	}
	c := newCluster(t)
	c.newMonitor()
	root := filepath.Join(c.dir, "etc")
	c.env = append(c.env, "PG_CLUSTER_CONF_ROOT="+root)
	bin, err := postgres.FindFirstBin("")
	if err != nil {
		t.Fatal(err)
	}
	major := fmt.Sprint(bin.Version.Major)
	a := c.node("a")
	etc := filepath.Join(root, major, "pgaf_test")
	c.command("pg_createcluster", major, "pgaf_test", "-d", a.pgdata, "-s", c.dir+"/run", "-l", filepath.Join(c.dir, "debian.log"), "-p", fmt.Sprint(a.port), "--", "--data-checksums")
	if err := errorsOf(
		os.WriteFile(filepath.Join(etc, "conf.d", "own.conf"), []byte("work_mem = 7MB\nlisten_addresses = '*'\n"), 0o644),
	); err != nil {
		t.Fatal(err)
	}
	create := program{Command: "create", Create: CreateOptions{PGDATA: a.pgdata, Name: "a", Hostname: "127.0.0.1", Monitor: c.uri, ReplicationPassword: "secret"}}
	c.command("pg_ctlcluster", major, "pgaf_test", "start")
	pid := a.postmaster()
	a.ownSQL("create table precious as select 42 as answer")
	before := a.files(etc)

	c.step("refused: nothing has moved", func(t *testing.T) {
		unfit := create
		unfit.Create.Port = freePort(t)
		code, output := c.run("a", unfit)
		if code != ExitKeeper || !strings.Contains(output, "port is") || !strings.Contains(output, etc) {
			t.Errorf("exit %d: %s", code, output)
		}
		if diff := cmp.Diff(before, a.files(etc)); diff != "" {
			t.Errorf("it was changed:\n%s", diff)
		}
	})
	c.step("refused: what cannot move", func(t *testing.T) {
		main := filepath.Join(etc, "postgresql.conf")
		content, _ := os.ReadFile(main)
		for _, test := range []struct {
			change, restore func() error
			says            string
		}{
			{func() error { return os.Chmod(etc, 0o500) }, func() error { return os.Chmod(etc, 0o755) }, "chown"},
			{func() error { return os.WriteFile(main, append(content, "include_if_exists 'more.conf'\n"...), 0o644) }, func() error { return os.WriteFile(main, content, 0o644) }, "includes more.conf by a relative name"},
			{func() error { return os.Rename(main, main+".away") }, func() error { return os.Rename(main+".away", main) }, "has no postgresql.conf"},
		} {
			if err := test.change(); err != nil {
				t.Fatal(err)
			}
			code, output := c.run("a", create)
			if code != ExitKeeper || !strings.Contains(output, test.says) {
				t.Errorf("exit %d, want something about %q: %s", code, test.says, output)
			}
			if err := test.restore(); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff(before, a.files(etc)); diff != "" {
			t.Errorf("it was changed:\n%s", diff)
		}
	})
	c.step("failed: everything is back", func(t *testing.T) {
		broken := create
		broken.Create.Username = strings.Repeat("x", 64) // too long: a role of another name is made, and not found
		broken.Create.Database = "no\x00name"
		code, output := c.run("a", broken)
		if code == 0 || !strings.Contains(output, "undoing the create") {
			t.Errorf("exit %d: %s", code, output)
		}
		if diff := cmp.Diff(before, a.files(etc)); diff != "" {
			t.Errorf("it was changed:\n%s", diff)
		}
		if a.postmaster() != pid {
			t.Error("Postgres was stopped")
		}
	})
	c.step("adopted while it runs", func(t *testing.T) {
		c.mustRun("a", create)
		a.run()
		c.await(a.is(monitor.StateSingle))
		if a.postmaster() != pid || a.ownSQL("show work_mem") != "7MB" {
			t.Errorf("process %d, was %d; work_mem %s", a.postmaster(), pid, a.ownSQL("show work_mem"))
		}
		content, err := os.ReadFile(filepath.Join(etc, startConf))
		if err != nil || !slices.Contains(strings.Split(string(content), "\n"), "disabled") {
			t.Errorf("start.conf: %q, %v", content, err)
		}
		for _, name := range configurationFiles {
			if target, err := os.Readlink(filepath.Join(etc, name)); err != nil || target != filepath.Join(a.pgdata, name) {
				t.Errorf("%s leads to %q, %v", name, target, err)
			}
		}
	})
	c.step("its configuration takes it through a restart, and to a standby", func(t *testing.T) {
		b := c.node("b")
		join := create
		join.Create.PGDATA, join.Create.Name, join.Create.Port = b.pgdata, "b", b.port
		c.mustRun("b", join)
		b.run()
		c.await(a.is(monitor.StatePrimary), b.is(monitor.StateSecondary))
		a.service.kill(syscall.SIGTERM)
		a.run()
		c.await(b.is(monitor.StatePrimary), a.is(monitor.StateSecondary))
		if a.postmaster() == pid || a.ownSQL("show work_mem") != "7MB" || b.ownSQL("show work_mem") != "7MB" {
			t.Error("the settings of conf.d are lost")
		}
		if got := b.ownSQL("select answer from precious"); got != "42" {
			t.Errorf("the data is %q", got)
		}
	})
}

func TestMonitorOnDebianCluster(t *testing.T) {
	if _, err := exec.LookPath("pg_createcluster"); err != nil {
		t.Skip("needs postgresql-common")
	}
	c := newCluster(t)
	root := filepath.Join(c.dir, "etc")
	c.env = append(c.env, "PG_CLUSTER_CONF_ROOT="+root)
	bin, err := postgres.FindFirstBin("")
	if err != nil {
		t.Fatal(err)
	}
	m := &testNode{c: c, name: "monitor", pgdata: filepath.Join(c.dir, "monitor"), port: freePort(t)}
	etc := filepath.Join(root, fmt.Sprint(bin.Version.Major), "pgaf_monitor")
	c.command("pg_createcluster", fmt.Sprint(bin.Version.Major), "pgaf_monitor", "-d", m.pgdata, "-s", c.dir+"/run", "-l", filepath.Join(c.dir, "debian.log"), "-p", fmt.Sprint(m.port))
	before := m.files(etc)
	o := CreateMonitorOptions{PGDATA: m.pgdata, Port: m.port, Hostname: "127.0.0.1", Formations: []string{"east"}}
	broken := o
	broken.PgCtl = c.installation("postgres", `case "$*" in *--check*|*-C*) exec /usr/lib/postgresql/15/bin/postgres "$@";; esac; echo 'FATAL: out of luck' >&2; exit 1`)
	if code, output := c.run("monitor", program{Command: "create-monitor", Monitor: broken}); code == 0 {
		t.Errorf("exit 0: %s", output)
	}
	if diff := cmp.Diff(before, m.files(etc)); diff != "" {
		t.Errorf("a create that failed changed it:\n%s", diff)
	}
	c.mustRun("monitor", program{Command: "create-monitor", Monitor: o})
	c.monitor = m
	cfg, err := LoadFile(m.paths().Config)
	if err != nil {
		t.Fatal(err)
	}
	c.uri = cfg.MonitorURI()
	m.run()
	client := c.client()
	defer client.Close(context.Background())
	if formations, err := client.Formations(context.Background()); err != nil || len(formations) != 2 {
		t.Errorf("%v, %v", formations, err)
	}
}

func TestEditedConfiguration(t *testing.T) {
	const content = "data_directory = '/d'\t# there\n#hba_file = 'x'\nhba_file = '/e/pg_hba.conf'\nport = 1\ninclude_dir = 'conf.d'\n"
	want := strings.NewReplacer("data_directory", editMarker+"data_directory", "\nhba_file", "\n"+editMarker+"hba_file").Replace(content)
	if got := edited(content, true); got != want {
		t.Error(got)
	}
	if got := edited(content, false); !strings.Contains(got, "\n"+editMarker+"include_dir") {
		t.Error(got)
	}
	if got := relativeInclude("include_dir 'conf.d'\n#include 'no.conf'\ninclude_if_exists = 'more.conf'\n"); got != "more.conf" {
		t.Errorf("%q", got)
	}
}
