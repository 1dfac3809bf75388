package keeper

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"pgaf/monitor"
)

func (n *testNode) program(command string) program {
	return program{Command: command, Run: RunOptions{PGDATA: n.pgdata}}
}

// refused runs a command that has to fail, with that exit code and those words.
func (n *testNode) refused(p program, code int, words string) {
	n.c.t.Helper()
	got, output := n.c.run(n.name, p)
	if got != code || !strings.Contains(output, words) || strings.Count(output, "error: ") != 1 {
		n.c.t.Errorf("%s: exit %d, want %d and %q:\n%s", p.Command, got, code, words, output)
	}
}

// killService ends the keeper alone, as a crash would.
func (n *testNode) killService() {
	n.service.cmd.Process.Kill()
	<-n.service.done
}

// A keeper never acts on a state file that is damaged. The way back is the one that the
// error names, for a primary as for a standby, and Postgres runs on meanwhile.
func TestDamagedStateFile(t *testing.T) {
	c, a, b := newPair(t)
	c.await(a.is(monitor.StatePrimary), b.is(monitor.StateSecondary))
	w := c.startWriter()
	for _, n := range []*testNode{a, b} {
		path, postmaster := n.paths().State, n.postmaster()
		n.killService()
		good, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		n.refused(n.program("init-state"), ExitBadState, "is in order")
		for name, damaged := range map[string][]byte{
			"cut short":    good[:len(good)/2],
			"empty":        {},
			"another role": bytes.Replace(good, []byte(`"current_role": "`), []byte(`"current_role": "wait_`), 1),
		} {
			if err := os.WriteFile(path, damaged, 0o600); err != nil {
				t.Fatal(err)
			}
			n.refused(n.program("run"), ExitBadState, "damaged")
			n.refused(n.program("run"), ExitBadState, "pgaf manual fsm init")
			if now, _ := os.ReadFile(path); !bytes.Equal(now, damaged) {
				t.Errorf("%s: the file was changed", name)
			}
		}
		if n == b {
			os.Remove(path)
			n.refused(n.program("run"), ExitBadState, "pgaf manual fsm init")
		}
		c.mustRun(n.name, n.program("init-state"))
		n.run()
		c.await(a.is(monitor.StatePrimary), b.is(monitor.StateSecondary))
		waitFor(t, "the state file is that of a node that has arrived", func() bool {
			s, err := ReadState(path)
			return err == nil && s.Current == s.Assigned && !s.Dirty && !s.Astray
		})
		if now := n.postmaster(); now != postmaster {
			t.Errorf("%s: Postgres was restarted (%d, now %d)", n.name, postmaster, now)
		}
	}
	t.Logf("largest gap %s", w.stop(a))
}

// One node has one keeper, whatever the environments of the two say about pid files; and
// a pid file that a killed one left behind is not believed, whosever the number is now.
func TestSecondKeeperAndStalePidFile(t *testing.T) {
	c := newCluster(t)
	c.newMonitor()
	n := c.newNode("a")
	serviceRuns := func() {
		t.Helper()
		waitFor(t, "the service and its Postgres run", func() bool {
			p, err := readPidFileOf(n)
			return err == nil && p.Pid == n.service.cmd.Process.Pid && n.postmaster() != 0 && n.ready()
		})
	}
	c.await(n.is(monitor.StateSingle)) // which create alone has reached: the service may not run yet
	serviceRuns()
	n.refused(n.program("run"), ExitInternal, "already running")
	env := c.env
	elsewhere := filepath.Join(c.dir, "elsewhere")
	if err := os.Mkdir(elsewhere, 0o700); err != nil {
		t.Fatal(err)
	}
	c.env = append(env[:len(env):len(env)], "XDG_RUNTIME_DIR="+elsewhere)
	n.refused(n.program("run"), ExitInternal, "another XDG_RUNTIME_DIR")
	n.refused(n.program("init-state"), ExitBadState, "already running")
	if left, _ := filepath.Glob(elsewhere + "/pgaf/*/*/*/pgaf.pid"); len(left) > 0 {
		t.Errorf("a pid file is left: %v", left)
	}
	c.env = env

	postmaster := n.postmaster()
	n.killService()
	foreign := exec.Command("sleep", "600")
	if err := foreign.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { foreign.Process.Kill(); foreign.Wait() }()
	stale := PidFile{Pid: foreign.Process.Pid, PGDATA: n.pgdata, Version: "1", ExtensionVersion: "3.0"}
	if err := os.WriteFile(n.paths().Pid, []byte(stale.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	n.refused(n.program("stop"), ExitInternal, "nothing to stop")
	if err := foreign.Process.Signal(syscall.Signal(0)); err != nil {
		t.Errorf("the process that has the number now: %v", err)
	}
	n.run()
	serviceRuns()
	if now := n.postmaster(); now != postmaster {
		t.Errorf("Postgres was restarted (%d, now %d)", postmaster, now)
	}
}

func readPidFileOf(n *testNode) (PidFile, error) { return ReadPidFile(n.paths().Pid) }

// chmod changes the mode of a file or folder until the test ends, or the returned
// function is called.
func chmod(t *testing.T, path string, mode os.FileMode) (restore func()) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	restore = func() { os.Chmod(path, info.Mode().Perm()) }
	t.Cleanup(restore)
	return restore
}

// fullDisk makes the next write to path fail as a full disk does.
func fullDisk(t *testing.T, path string) {
	t.Helper()
	os.Remove(path)
	if err := os.Symlink("/dev/full", path); err != nil {
		t.Fatal(err)
	}
}

// A service that cannot write its pid file, its lease or its configuration does not
// start, says which file it is, and touches nothing. A running one goes on: it says once
// what it cannot write, and writes it as soon as it can.
func TestUnwritableFiles(t *testing.T) {
	c, a, b := newPair(t)
	c.await(a.is(monitor.StatePrimary), b.is(monitor.StateSecondary))
	paths := b.paths()

	c.step("at the start", func(t *testing.T) {
		b.service.kill(syscall.SIGTERM)
		os.Remove(paths.Pid)
		for _, test := range []struct {
			name    string
			path    string
			mode    os.FileMode
			program program
			code    int
			words   string
		}{
			{"pid file", filepath.Dir(paths.Pid), 0o555, b.program("run"), ExitBadState, "open the pid file"},
			{"lease", paths.Lease, 0o444, b.program("run"), ExitBadState, "open the lease file"},
			{"lock", paths.Lock, 0o444, b.program("run"), ExitBadState, "open the lock"},
			{"configuration", filepath.Dir(paths.Config), 0o555, program{Command: "run", Run: RunOptions{PGDATA: b.pgdata, Name: "renamed"}}, ExitBadConfig, "write the configuration"},
		} {
			restore := chmod(t, test.path, test.mode)
			b.refused(test.program, test.code, test.words)
			restore()
			if pid := b.postmaster(); pid != 0 {
				t.Errorf("%s: Postgres was started (process %d)", test.name, pid)
			}
			if cfg, err := LoadFile(paths.Config); err != nil || cfg.Name != "b" {
				t.Errorf("%s: the configuration is %+v, %v", test.name, cfg, err)
			}
		}
		fullDisk(t, paths.Config+".new")
		b.refused(program{Command: "run", Run: RunOptions{PGDATA: b.pgdata, Name: "renamed"}}, ExitBadConfig, "no space left on device")
		b.run()
		c.await(a.is(monitor.StatePrimary), b.is(monitor.StateSecondary))
	})

	c.step("the state", func(t *testing.T) {
		for name, spoil := range map[string]func() (mend func()){
			"full disk":        func() func() { fullDisk(t, paths.State+".new"); return func() {} },
			"read-only folder": func() func() { return chmod(t, filepath.Dir(paths.State), 0o555) },
		} {
			said, mended := b.logged("cannot be written down"), b.logged("written down again")
			mend := spoil()
			b.becomesCatchingup(t, a)
			waitFor(t, name+": the keeper says so", func() bool { return b.logged("cannot be written down") > said })
			mend()
			waitFor(t, name+": the state is written", func() bool {
				s, err := ReadState(paths.State)
				return err == nil && s.Current == monitor.StateSecondary && b.logged("written down again") > mended
			})
			if now := b.logged("cannot be written down"); now != said+1 {
				t.Errorf("%s: said %d times", name, now-said)
			}
		}
	})

	c.step("the configuration and the lease", func(t *testing.T) {
		good, err := os.ReadFile(paths.Config)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(paths.Config, good[:len(good)/3], 0o600); err != nil {
			t.Fatal(err)
		}
		b.service.cmd.Process.Signal(syscall.SIGHUP)
		waitFor(t, "the keeper refuses it", func() bool { return b.logged("the old configuration stays") == 1 })
		c.await(a.is(monitor.StatePrimary), b.is(monitor.StateSecondary))
		if err := os.WriteFile(paths.Config, good, 0o600); err != nil {
			t.Fatal(err)
		}

		a.killService()
		fullDisk(t, a.paths().Lease)
		a.run()
		c.await(a.is(monitor.StatePrimary), b.is(monitor.StateSecondary))
		waitFor(t, "the primary says that its lease is not written", func() bool { return a.logged("the lease cannot be written down") == 1 })
		before := a.lastReport(t)
		waitFor(t, "it goes on reporting", func() bool { return a.lastReport(t).After(before.Add(2 * time.Second)) })
		if said := a.logged("the lease cannot be written down"); said != 1 {
			t.Errorf("said %d times", said)
		}
	})
}

// becomesCatchingup makes the monitor take a standby for one that has to catch up, and
// then for a secondary again: the standby's state changes twice.
func (n *testNode) becomesCatchingup(t *testing.T, primary *testNode) {
	t.Helper()
	n.c.monitorSQL(fmt.Sprintf("update pgautofailover.node set goalstate = 'catchingup' where nodename = '%s'", n.name))
	n.c.await(primary.isOneOf(monitor.StatePrimary), n.is(monitor.StateSecondary))
}

// lastReport is when the monitor last heard of the node.
func (n *testNode) lastReport(t *testing.T) time.Time {
	t.Helper()
	client := n.c.client()
	defer client.Close(t.Context())
	node, _, err := client.NodeByName(t.Context(), "default", n.name)
	if err != nil {
		t.Fatal(err)
	}
	return node.ReportTime
}

// Wall clocks jump, and what was written before a jump is from the future or from long
// ago after it. Nothing is decided by it: the keeper goes on, and keeps its lease. (The
// lease itself has no wall clock; see also TestLeaseStandbyWhoseClockJumps.)
func TestClockJumps(t *testing.T) {
	c, a, b := newPair(t)
	c.await(a.is(monitor.StatePrimary), b.is(monitor.StateSecondary))
	w := c.startWriter()
	for _, jump := range []time.Duration{10 * 365 * 24 * time.Hour, -10 * 365 * 24 * time.Hour} {
		for _, n := range []*testNode{a, b} {
			postmaster := n.postmaster()
			n.killService()
			s, err := ReadState(n.paths().State)
			if err != nil {
				t.Fatal(err)
			}
			s.LastMonitorContact, s.LastSecondaryContact = time.Now().Add(jump), time.Now().Add(jump)
			if err := s.Save(n.paths().State); err != nil {
				t.Fatal(err)
			}
			for _, file := range []string{n.paths().State, n.paths().Lease, n.paths().Config, n.paths().Lock} {
				if err := os.Chtimes(file, time.Now().Add(jump), time.Now().Add(jump)); err != nil && !os.IsNotExist(err) {
					t.Fatal(err)
				}
			}
			n.run()
			before := n.lastReport(t)
			waitFor(t, "it reports again", func() bool { return n.lastReport(t).After(before) })
			c.await(a.is(monitor.StatePrimary), b.is(monitor.StateSecondary))
			if now := n.postmaster(); now != postmaster {
				t.Errorf("%s: Postgres was restarted (%d, now %d)", n.name, postmaster, now)
			}
		}
	}
	if a.logged("stops serving") > 0 {
		t.Error("the primary took its lease for over")
	}
	t.Logf("largest gap %s", w.stop(a))
}

// nodes.json is the operator's: what is wrong with it is said, and nothing is taken.
func TestNodesFile(t *testing.T) {
	good := `[{"node_id": 1, "node_name": "a", "node_host": "10.0.0.1", "node_port": 5432, "node_lsn": "0/3000060", "node_is_primary": true},
	          {"node_id": 2, "node_name": "b", "node_host": "b.example", "node_port": 5433, "node_lsn": "0/0", "node_is_primary": false}]`
	nodes, err := ParseNodes([]byte(good))
	if err != nil || len(nodes) != 2 || !nodes[0].IsPrimary || nodes[0].LSN.String() != "0/3000060" || nodes[1].Host != "b.example" {
		t.Errorf("%+v, %v", nodes, err)
	}
	path := filepath.Join(t.TempDir(), nodesFileName)
	if err := saveNodes(path, nodes); err != nil {
		t.Fatal(err)
	}
	if again, err := readNodes(path); err != nil || len(again) != 2 || again[0] != nodes[0] || again[1] != nodes[1] {
		t.Errorf("%+v, %v", again, err)
	}
	for name, change := range map[string][2]string{
		"no JSON":       {"[", ""},
		"id twice":      {`"node_id": 2`, `"node_id": 1`},
		"id 0":          {`"node_id": 1`, `"node_id": 0`},
		"no host":       {`"10.0.0.1"`, `""`},
		"a strange one": {`"10.0.0.1"`, `"a b"`},
		"port":          {`5433`, `70000`},
		"LSN":           {`0/3000060`, `3000060`},
		"two primaries": {`false`, `true`},
	} {
		bad := strings.Replace(good, change[0], change[1], 1)
		if _, err := ParseNodes([]byte(bad)); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	var none []nodeEntry
	content, _ := json.Marshal(none)
	if nodes, err := ParseNodes(content); err != nil || len(nodes) != 0 {
		t.Errorf("no nodes: %+v, %v", nodes, err)
	}
}
