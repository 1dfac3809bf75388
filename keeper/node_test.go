package keeper

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"pgaf/monitor"
)

// The whole life of a group of two: create, join, switchover, loss of Postgres, loss
// of keeper and Postgres, return by rewind, removal.
func TestLifeOfAPair(t *testing.T) {
	c, a, b := newPair(t)
	primary, standby := a, b
	swap := func() { primary, standby = standby, primary }
	settled := func() { c.await(primary.is(monitor.StatePrimary), standby.is(monitor.StateSecondary)) }

	c.step("switchover", func(t *testing.T) {
		w := c.startWriter()
		c.failover()
		swap()
		settled()
		log, _ := os.ReadFile(filepath.Join(c.dir, standby.name+".log"))
		if !strings.Contains(string(log), "relation=ancestor") || strings.Contains(string(log), "rewinding") {
			t.Error("the old primary did not rejoin without a rewind")
		}
		t.Logf("largest gap %s", w.stop(primary))
	})
	c.step("SIGKILL of the postmaster", func(t *testing.T) {
		before := c.states()[primary.name].TLI
		w := c.startWriter()
		syscall.Kill(primary.postmaster(), syscall.SIGKILL)
		waitFor(t, "Postgres is restarted", func() bool { _, err := primary.sql("select 1"); return err == nil })
		settled()
		t.Logf("largest gap %s", w.stop(primary))
		if after := c.states()[primary.name].TLI; after != before {
			t.Errorf("a failover took place: timeline %d, then %d", before, after)
		}
	})
	c.step("SIGKILL of keeper and postmaster", func(t *testing.T) {
		w := c.startWriter()
		pid := primary.postmaster()
		primary.service.cmd.Process.Kill()
		syscall.Kill(pid, syscall.SIGKILL)
		swap()
		c.await(primary.is(monitor.StateWaitPrimary))
		standby.run()
		settled()
		t.Logf("largest gap %s", w.stop(primary))
	})
	c.step("a restarted keeper adopts Postgres", func(t *testing.T) {
		for _, n := range []*testNode{primary, standby} {
			pid := n.postmaster()
			n.service.cmd.Process.Kill()
			<-n.service.done
			n.run()
			waitFor(t, "its service runs", func() bool { _, err := ReadPidFile(n.paths().Pid); return err == nil })
			settled()
			if now := n.postmaster(); now != pid {
				t.Errorf("%s: Postgres was process %d and is now %d", n.name, pid, now)
			}
		}
	})
	c.step("a second keeper is refused", func(t *testing.T) {
		code, output := c.run("second", program{Command: "run", Run: RunOptions{PGDATA: primary.pgdata}})
		if code != ExitInternal || !strings.Contains(output, "already running") {
			t.Errorf("exit %d: %s", code, output)
		}
	})
	c.step("a monitor that is restarted is no event", func(t *testing.T) {
		timeline := c.states()[primary.name].TLI
		w := c.startWriter()
		c.monitor.service.kill(syscall.SIGTERM)
		c.monitor.run()
		settled()
		if gap := w.stop(primary); gap > 2*time.Second {
			t.Errorf("writes were interrupted for %s", gap)
		}
		if now := c.states()[primary.name].TLI; now != timeline {
			t.Errorf("timeline %d, then %d", timeline, now)
		}
	})
	c.step("stopped in good order", func(t *testing.T) {
		standby.service.kill(syscall.SIGTERM)
		if standby.service.code != 0 || standby.postmaster() != 0 {
			t.Errorf("exit %d, postmaster %d", standby.service.code, standby.postmaster())
		}
		c.await(primary.is(monitor.StateWaitPrimary), standby.reports(monitor.StateSecondary))
		if c.states()[standby.name].PgIsRunning {
			t.Error("the monitor was not told that Postgres is stopped")
		}
		standby.run()
		settled()
	})
	c.step("dropped with its data kept, it joins again without a copy", func(t *testing.T) {
		c.mustRun("drop", program{Command: "drop", Drop: DropNodeOptions{PGDATA: standby.pgdata}})
		c.await(standby.isGone(), primary.is(monitor.StateSingle))
		standby.service.wait(t)
		code, output := c.run(standby.name, program{Command: "create", Create: c.options(standby.name, standby.port)})
		if code != 0 || strings.Contains(output, "copying") {
			t.Errorf("exit %d: %s", code, output)
		}
		standby.run()
		settled()
	})
	c.step("drop", func(t *testing.T) {
		c.mustRun("drop", program{Command: "drop", Drop: DropNodeOptions{PGDATA: standby.pgdata, Destroy: true}})
		c.await(standby.isGone(), primary.is(monitor.StateSingle))
		if code := standby.service.wait(t); code != 0 {
			t.Errorf("the service of the dropped node ended with %d", code)
		}
		for _, path := range []string{standby.pgdata, standby.paths().Config, standby.paths().State} {
			if _, err := os.Stat(path); err == nil {
				t.Errorf("%s is left", path)
			}
		}
	})
}

// waitFor polls what nobody announces.
func waitFor(t *testing.T, words string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if holds() {
			return
		}
	}
	t.Fatalf("in vain: %s", words)
}

// Passwords everywhere, a host name instead of an address, no superuser but our own.
func TestPairWithPasswords(t *testing.T) {
	c := newCluster(t)
	m := &testNode{c: c, name: "monitor", pgdata: filepath.Join(c.dir, "monitor"), port: freePort(t)}
	c.monitor = m
	c.uri = fmt.Sprintf("postgres://autoctl_node:m%%40nitor@localhost:%d/pg_auto_failover?sslmode=require", m.port)
	c.mustRun("monitor", program{Command: "create-monitor", Monitor: CreateMonitorOptions{PGDATA: m.pgdata, Port: m.port, Hostname: "localhost",
		Auth: "scram-sha-256", AutoctlNodePassword: "m@nitor", SSL: SSLOptions{SelfSigned: true}}})
	m.onlyOurRules()
	m.run()
	c.client().Close(context.Background())
	for _, name := range []string{"a", "b"} {
		n := c.node(name)
		o := c.options(name, n.port)
		o.Hostname, o.Auth, o.ReplicationPassword, o.Database, o.Username, o.HBALan = "localhost", "scram-sha-256", `it's a "secret\`, "app", "appuser", true
		c.mustRun(name, program{Command: "create", Create: o})
		n.onlyOurRules()
		n.run()
	}
	a, b := c.nodes["a"], c.nodes["b"]
	c.await(a.is(monitor.StatePrimary), b.is(monitor.StateSecondary))
	c.failover()
	c.await(b.is(monitor.StatePrimary), a.is(monitor.StateSecondary))
	pid := b.postmaster()
	b.service.cmd.Process.Kill()
	syscall.Kill(pid, syscall.SIGKILL)
	c.await(a.is(monitor.StateWaitPrimary))
	b.run()
	c.await(a.is(monitor.StatePrimary), b.is(monitor.StateSecondary))
	for _, n := range []*testNode{a, b, m} {
		log, _ := os.ReadFile(filepath.Join(c.dir, n.name+".log"))
		for _, secret := range []string{"secret", "m@nitor", "m%40nitor"} {
			if strings.Contains(string(log), secret) {
				t.Errorf("%s.log has a password", n.name)
			}
		}
	}
}

// A node that the operator prefers but that lacks WAL fetches it from another standby
// before it is promoted.
func TestPreferredNodeFetchesWhatItLacks(t *testing.T) {
	c, a, b := newPair(t)
	preferred := c.newNode("preferred")
	c.await(a.is(monitor.StatePrimary), b.is(monitor.StateSecondary), preferred.is(monitor.StateSecondary))
	c.monitorSQL("alter database pg_auto_failover set pgautofailover.election_patience = '20s'")
	client := c.client()
	if _, err := client.SetNodeCandidatePriority(context.Background(), "default", "preferred", 90); err != nil {
		t.Fatal(err)
	}
	client.Close(context.Background())
	c.await(a.is(monitor.StatePrimary), b.is(monitor.StateSecondary), preferred.is(monitor.StateSecondary))

	// Its walreceiver is frozen, so that only the other standby gets what follows,
	// and killed when the primary is gone, with whatever it has not read.
	receiver, err := strconv.Atoi(preferred.mustSQL("select pid from pg_stat_wal_receiver"))
	if err != nil {
		t.Fatal(err)
	}
	syscall.Kill(receiver, syscall.SIGSTOP)
	w := c.startWriter()
	w.written()
	a.crash()
	syscall.Kill(receiver, syscall.SIGKILL)
	c.await(preferred.isOneOf(monitor.StateWaitPrimary, monitor.StatePrimary), b.is(monitor.StateSecondary))
	if preferred.logged("to=fast_forward") != 1 || preferred.logged("has the WAL that it lacked") != 1 {
		t.Error("it was promoted without having fetched anything")
	}
	a.run()
	c.await(a.is(monitor.StateSecondary), b.is(monitor.StateSecondary), preferred.is(monitor.StatePrimary))
	w.stop(preferred)
}

// monitorSQL runs a statement on the monitor as its superuser.
func (c *cluster) monitorSQL(statement string) {
	c.t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, fmt.Sprintf("postgres:///pg_auto_failover?host=%s/run&port=%d&user=%s", c.dir, c.monitor.port, osUser()))
	if err != nil {
		c.t.Fatal(err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, statement); err != nil {
		c.t.Fatal(err)
	}
}

// onlyOurRules removes what initdb put into pg_hba.conf for connections over TCP: it
// lets everybody in.
func (n *testNode) onlyOurRules() {
	n.c.t.Helper()
	path := filepath.Join(n.pgdata, "pg_hba.conf")
	content, err := os.ReadFile(path)
	if err != nil {
		n.c.t.Fatal(err)
	}
	var kept strings.Builder
	for line := range strings.Lines(string(content)) {
		if !strings.HasPrefix(line, "host") || strings.Contains(line, "Auto-generated") {
			kept.WriteString(line)
		}
	}
	if err := os.WriteFile(path, []byte(kept.String()), 0o600); err != nil {
		n.c.t.Fatal(err)
	}
}

// Every goal that the monitor's rules assign can be reached by a keeper.
func TestMonitorAssignsOnlyReachableGoals(t *testing.T) {
	c := newCluster(t)
	c.newMonitor()
	var edges []monitor.FSMEdge
	for _, e := range Edges() {
		for _, from := range monitor.States {
			if e.From == from || e.From == Any {
				edges = append(edges, monitor.FSMEdge{Current: from, Assigned: e.To})
			}
		}
	}
	client := c.client()
	defer client.Close(context.Background())
	unreachable, err := client.CheckFSMReachability(context.Background(), edges)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range unreachable {
		t.Errorf("rule %d (%s) assigns %s to a node in %s, which no keeper can walk", e.Pos, e.Comment, e.Assigned, e.Current)
	}
}

// LeaseFence: a primary that can reach neither the monitor nor a standby stops, and
// resumes when the monitor is back and has promoted nobody.
func TestCutOffPrimaryStopsItself(t *testing.T) {
	c, a, b := newPair(t)
	setTimeout(t, a, 4*time.Second)
	b.service.kill(syscall.SIGTERM)
	c.await(a.is(monitor.StateWaitPrimary))
	// Alone and acknowledged as such, it serves without the monitor.
	c.monitor.service.kill(syscall.SIGQUIT)
	time.Sleep(6 * time.Second) // the absence of an event has to be waited for
	a.mustSQL("select 1")
	c.monitor.run()
	b.run()
	c.await(a.is(monitor.StatePrimary), b.is(monitor.StateSecondary))

	// With a standby that follows it, it does too.
	c.monitor.service.kill(syscall.SIGQUIT)
	time.Sleep(6 * time.Second)
	a.mustSQL("create table lease ()")

	// Without both it stops.
	cut := time.Now()
	b.service.kill(syscall.SIGTERM)
	waitFor(t, "the primary stops", func() bool { return a.postmaster() == 0 })
	t.Logf("stopped %s after the standby was lost", time.Since(cut).Round(time.Millisecond))
	waitFor(t, "its state is demote_timeout", func() bool {
		s, err := ReadState(a.paths().State)
		return err == nil && s.Current == monitor.StateDemoteTimeout
	})

	// A keeper that is restarted meanwhile does not start it.
	a.service.cmd.Process.Kill()
	<-a.service.done
	a.run()
	time.Sleep(time.Second)
	if pid := a.postmaster(); pid != 0 {
		t.Errorf("Postgres was started without the monitor (process %d)", pid)
	}
	c.monitor.run()
	b.run()
	c.await(a.is(monitor.StatePrimary), b.is(monitor.StateSecondary))
}

// setTimeout sets the partition timeout of a running keeper.
func setTimeout(t *testing.T, n *testNode, d time.Duration) {
	t.Helper()
	path := n.paths().Config
	cfg, err := LoadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := cfg.Set("timeout.network_partition_timeout", fmt.Sprint(int(d.Seconds()))); err != nil {
		t.Fatal(err)
	}
	if err := cfg.SaveFile(path); err != nil {
		t.Fatal(err)
	}
	n.service.cmd.Process.Signal(syscall.SIGHUP)
	waitFor(t, "the configuration is taken", func() bool {
		log, _ := os.ReadFile(n.service.log)
		return strings.Contains(string(log), "configuration reloaded")
	})
}

// A keeper that is killed at any moment of a transition continues it: here both
// keepers, again and again, while the group hands over.
func TestKeepersKilledDuringSwitchover(t *testing.T) {
	c, a, b := newPair(t)
	w := c.startWriter()
	primary, standby := a, b
	for i := range 5 {
		c.failover()
		for _, n := range []*testNode{a, b} {
			time.Sleep(time.Duration(10+37*i) * time.Millisecond) // another moment each time
			n.service.cmd.Process.Kill()
			<-n.service.done
			n.run()
		}
		c.await(a.isOneOf(monitor.StatePrimary, monitor.StateSecondary), b.isOneOf(monitor.StatePrimary, monitor.StateSecondary), c.onePrimary())
		if c.states()[standby.name].Reported == monitor.StatePrimary {
			primary, standby = standby, primary
		}
	}
	t.Logf("largest gap %s", w.stop(primary))
}

func (n *testNode) isOneOf(states ...monitor.State) condition {
	return condition{fmt.Sprintf("%s is one of %v", n.name, states), func(nodes map[string]monitor.Node) bool {
		for _, s := range states {
			if n.is(s).holds(nodes) {
				return true
			}
		}
		return false
	}}
}

func (c *cluster) onePrimary() condition {
	return condition{"there is one primary", func(nodes map[string]monitor.Node) bool {
		count := 0
		for _, n := range nodes {
			if n.Reported.Writable() {
				count++
			}
		}
		return count == 1
	}}
}

// ThawedPrimary: everything on the primary frozen, its successor takes over, it thaws.
func TestThawedPrimaryIsFenced(t *testing.T) {
	c, a, b := newPair(t)
	w := c.startWriter()
	frozen := append(childrenOf(a.postmaster()), a.postmaster(), a.service.cmd.Process.Pid)
	for _, pid := range frozen {
		syscall.Kill(pid, syscall.SIGSTOP)
	}
	c.await(b.is(monitor.StateWaitPrimary))
	for _, pid := range frozen {
		syscall.Kill(pid, syscall.SIGCONT)
	}
	c.await(b.is(monitor.StatePrimary), a.is(monitor.StateSecondary))
	t.Logf("largest gap %s", w.stop(b))
}

func childrenOf(pid int) []int {
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		return nil
	}
	var children []int
	for _, field := range strings.Fields(string(content)) {
		var child int
		fmt.Sscan(field, &child)
		children = append(children, child)
	}
	return children
}

// Three nodes: the standby that is not promoted follows the new primary by a reload.
func TestThirdNodeFollowsWithoutRestart(t *testing.T) {
	c, a, b := newPair(t)
	third := c.newNode("third")
	c.await(a.is(monitor.StatePrimary), b.is(monitor.StateSecondary), third.is(monitor.StateSecondary))
	pid := third.postmaster()
	w := c.startWriter()
	pgpid := a.postmaster()
	a.service.cmd.Process.Kill()
	syscall.Kill(pgpid, syscall.SIGKILL)
	c.await(b.isOneOf(monitor.StatePrimary, monitor.StateSecondary), third.isOneOf(monitor.StatePrimary, monitor.StateSecondary), oneWritableOf(b, third))
	a.run()
	c.await(a.is(monitor.StateSecondary), oneWritableOf(b, third), b.isOneOf(monitor.StatePrimary, monitor.StateSecondary), third.isOneOf(monitor.StatePrimary, monitor.StateSecondary))
	if now := third.postmaster(); now != pid {
		t.Errorf("its Postgres was restarted: process %d, now %d", pid, now)
	}
	primary := b
	if c.states()[third.name].Reported.Writable() {
		primary = third
	}
	t.Logf("largest gap %s", w.stop(primary))
}

func oneWritableOf(nodes ...*testNode) condition {
	return condition{"one of them is the primary", func(states map[string]monitor.Node) bool {
		count := 0
		for _, n := range nodes {
			if states[n.name].Reported == monitor.StatePrimary {
				count++
			}
		}
		return count == 1
	}}
}
