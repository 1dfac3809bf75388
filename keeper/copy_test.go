package keeper

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"pgaf/keeper/postgres"
	"pgaf/monitor"
)

// copies is a clone command that takes its copy with pg_basebackup.
const copies = `pg_basebackup -w -d "$PGAF_PRIMARY_CONNINFO" -D "$PGDATA" -X stream -c fast`

// A clone command makes the copy; its failure ends a create with what it said; what it
// made is verified, and where that cannot follow the primary, the primary is copied.
func TestCloneCommand(t *testing.T) {
	c := newCluster(t)
	c.newMonitor()
	a := c.newNode("a")
	c.await(a.is(monitor.StateSingle))
	b := c.node("b")
	for _, test := range []struct{ what, command, says string }{
		{"it fails", `echo "no backup for $PGAF_NODE_NAME of $PGAF_FORMATION/$PGAF_GROUP"; exit 75`, "no backup for b of default/0"},
		{"it makes nothing", "true", "no file PG_VERSION"},
		{"another cluster", fmt.Sprintf(`cp -a %s/. "$PGDATA"`, c.monitor.pgdata), "another cluster"},
	} {
		c.step(test.what, func(t *testing.T) {
			o := c.options("b", b.port)
			o.CloneCommand = test.command
			code, output := c.run("b", program{Command: "create", Create: o})
			if code != ExitKeeper || !strings.Contains(output, test.says) {
				t.Errorf("exit %d: %s", code, output)
			}
			c.await(b.isGone(), a.is(monitor.StateSingle))
			if _, err := os.Stat(b.pgdata); err == nil {
				t.Error("PGDATA is left")
			}
		})
	}
	c.step("it joins", func(t *testing.T) {
		o := c.options("b", b.port)
		o.CloneCommand = copies
		c.mustRun("b", program{Command: "create", Create: o})
		b.run()
		c.await(a.is(monitor.StatePrimary), b.is(monitor.StateSecondary))
		if b.logged(`msg="copying the data"`) != 0 {
			t.Error("it was not the clone command that made the copy")
		}
	})
	c.step("a clone that is too old", func(t *testing.T) {
		b.service.kill(syscall.SIGTERM)
		c.await(a.is(monitor.StateWaitPrimary))
		backup := filepath.Join(c.dir, "old-backup")
		bin, err := postgres.FindFirstBin("")
		if err != nil {
			t.Fatal(err)
		}
		output, err := exec.Command(bin.Path("pg_basebackup"), "-w", "-c", "fast", "-D", backup,
			"-d", fmt.Sprintf("host=127.0.0.1 port=%d user=%s", a.port, replicatorUser)).CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, output)
		}
		// Since then the primary has removed WAL.
		a.mustSQL("select pg_drop_replication_slot('" + postgres.SlotName(c.states()["b"].ID) + "')")
		a.mustSQL("alter system set wal_keep_size = 0")
		a.mustSQL("select pg_reload_conf()")
		for range 3 {
			a.mustSQL("select pg_switch_wal()")
			a.mustSQL("checkpoint")
		}
		cfg, err := LoadFile(b.paths().Config)
		if err != nil {
			t.Fatal(err)
		}
		if err := cfg.Set("replication.clone_command", fmt.Sprintf(`cp -a %s/. "$PGDATA"`, backup)); err != nil {
			t.Fatal(err)
		}
		if err := cfg.SaveFile(b.paths().Config); err != nil {
			t.Fatal(err)
		}
		if err := os.RemoveAll(b.pgdata); err != nil {
			t.Fatal(err)
		}
		clones := b.logged(`msg="cloning the data"`)
		b.run()
		c.await(a.is(monitor.StatePrimary), b.is(monitor.StateSecondary))
		if clones, copies := b.logged(`msg="cloning the data"`)-clones, b.logged(`msg="copying the data"`); clones != 1 || copies != 1 {
			t.Errorf("%d clones and %d copies", clones, copies)
		}
	})
}

// What a copy replaces is kept aside where the configuration says so.
func TestKeepOldPGDATA(t *testing.T) {
	c := newCluster(t)
	c.newMonitor()
	a := c.newNode("a")
	b := c.node("b")
	o := c.options("b", b.port)
	o.KeepOldPGDATA = true
	o.PgCtl = c.installation("pg_rewind", `echo "pg_rewind: error: could not find common ancestor of the source and target cluster's timelines" >&2; exit 1`)
	c.mustRun("b", program{Command: "create", Create: o})
	b.run()
	c.await(a.is(monitor.StatePrimary), b.is(monitor.StateSecondary))
	if kept := postgres.KeptPathsOf(b.pgdata); len(kept) != 0 {
		t.Errorf("a join kept %v", kept)
	}
	c.failover()
	c.await(b.is(monitor.StatePrimary), a.is(monitor.StateSecondary))
	w := c.startWriter()
	b.crash()
	c.await(a.is(monitor.StateWaitPrimary))
	b.run()
	c.await(a.is(monitor.StatePrimary), b.is(monitor.StateSecondary))
	kept := postgres.KeptPathsOf(b.pgdata)
	if len(kept) != 1 || !postgres.HasCluster(kept[0]) {
		t.Errorf("kept: %v", kept)
	}
	if b.logged("is kept; remove it") != 1 {
		t.Error("the log does not say where")
	}
	w.stop(a)
}

// A third node is copied from the standby, while the monitor shows how far it is; the
// histories of all timelines are known to the monitor.
func TestCopyOfStandby(t *testing.T) {
	c, a, b := newPair(t)
	c.failover()
	c.await(b.is(monitor.StatePrimary), a.is(monitor.StateSecondary))
	b.mustSQL("create table filler as select repeat('x', 1000) from generate_series(1, 30000)")
	n := c.node("c")
	o := c.options("c", n.port)
	o.BackupSource, o.MaximumBackupRate = "standby", "8M"
	creating := c.start("c", program{Command: "create", Create: o})
	client := c.client()
	defer client.Close(context.Background())
	shown := ""
	waitFor(t, "the monitor shows the copy", func() bool {
		node, _, err := client.NodeByName(context.Background(), "default", "c")
		if err != nil {
			t.Fatal(err)
		}
		shown = node.Activity
		return strings.HasSuffix(shown, " %")
	})
	if !strings.HasPrefix(shown, "copying ") {
		t.Errorf("the monitor shows %q", shown)
	}
	if code := creating.wait(t); code != 0 {
		t.Fatalf("exit %d", code)
	}
	if want := fmt.Sprintf(`msg="copied the data" from=127.0.0.1:%d`, a.port); n.logged(want) != 1 {
		t.Error("it was not copied from the standby")
	}
	n.run()
	c.await(b.is(monitor.StatePrimary), a.is(monitor.StateSecondary), n.is(monitor.StateSecondary))
	node, _, err := client.NodeByName(context.Background(), "default", "c")
	if err != nil || node.Activity != "" {
		t.Errorf("%q is left, %v", node.Activity, err)
	}
	waitFor(t, "the histories are reported", func() bool {
		history, err := client.TimelineHistory(context.Background(), "default", 0)
		if err != nil {
			t.Fatal(err)
		}
		switches := 0
		for _, h := range history {
			if h.TLI == 2 && h.ParentTLI == 1 && h.SwitchLSN == history[0].SwitchLSN && h.SwitchLSN > 0 {
				switches++
			}
		}
		return switches == 3
	})
}

// A copy of an hour has some twenty lines in the log.
func TestProgressLog(t *testing.T) {
	var log bytes.Buffer
	r := &report{n: &node{log: slog.New(slog.NewTextHandler(&log, nil))}, doing: "copying", last: time.Now().Add(-progressLogLeast)}
	for percent := range 101 {
		for range 10 { // a line a second would be 1000 lines
			r.add(postgres.BackupProgress{Percent: percent, DoneBytes: int64(percent) << 20, TotalBytes: 100 << 20})
			r.last = r.last.Add(-time.Second)
		}
	}
	if lines := strings.Count(log.String(), "\n"); lines != 100/progressLogStep {
		t.Errorf("%d lines", lines)
	}
	if got := r.n.activity.get(); got != "copying 100 %" {
		t.Errorf("the monitor is told %q", got)
	}
}

// A cluster that is not a copy of the group's is refused, and stays as it is.
func TestCreateOfAnotherCluster(t *testing.T) {
	c := newCluster(t)
	c.newMonitor()
	a := c.newNode("a")
	c.await(a.is(monitor.StateSingle))
	b := c.node("b")
	bin, err := postgres.FindFirstBin("")
	if err != nil {
		t.Fatal(err)
	}
	if output, err := exec.Command(bin.Path("initdb"), "-A", "trust", "-D", b.pgdata).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	before := contents(t, b.pgdata)
	code, output := c.run("b", program{Command: "create", Create: c.options("b", b.port)})
	if code != ExitMonitor || !strings.Contains(output, "system identifier") || !strings.Contains(output, "empty PGDATA") {
		t.Errorf("exit %d: %s", code, output)
	}
	if diff := cmp.Diff(before, contents(t, b.pgdata)); diff != "" {
		t.Errorf("PGDATA was changed:\n%s", diff)
	}
	c.await(b.isGone(), a.is(monitor.StateSingle))

	// A cluster of another major version is not touched either.
	version := filepath.Join(b.pgdata, "PG_VERSION")
	if err := os.WriteFile(version, []byte("12\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, output = c.run("b", program{Command: "create", Create: c.options("b", b.port)})
	if code != ExitKeeper || !strings.Contains(output, "PostgreSQL 12") || !strings.Contains(output, "--pgctl") {
		t.Errorf("exit %d: %s", code, output)
	}
}
