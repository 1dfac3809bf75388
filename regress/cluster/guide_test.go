package cluster

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"pgaf/regress/harness"
)

// TestGuide types the session of the guide of pg_auto_failover, with pg_autoctl as another name of pgaf, on four hosts that know each
// other by name: a monitor, two nodes, and an application. Services are started as the printed systemd units say. A host that is
// switched off loses all its processes and its network at once.
func TestGuide(t *testing.T) {
	slot(t)
	g := newGuide(t)
	const uri = "postgres://autoctl_node@ha-demo-monitor/pg_auto_failover?sslmode=require"
	watch := harness.NewWatch(strings.Replace(uri, "ha-demo-monitor", g.monitor.Host.Address, 1), g.monitor.Host)
	t.Cleanup(watch.Close)
	await := func(want harness.Want) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		if err := watch.Until(ctx, want.String(), want.Met); err != nil {
			t.Fatal(err)
		}
	}

	g.monitor.types("pg_autoctl create monitor --auth trust --ssl-self-signed --pgdata monitor --hostname ha-demo-monitor")
	g.enableService(g.monitor, "monitor")
	g.monitor.becomesReady(watch)

	for i, host := range []*terminal{g.a, g.b} {
		name := []string{"ha-demo-a", "ha-demo-b"}[i]
		host.types("pg_autoctl create postgres --pgdata ha --auth trust --ssl-self-signed --username ha-admin --dbname appdb --hostname " + name + " --monitor '" + uri + "'")
		if i == 0 {
			host.types(`echo 'hostssl "appdb" "ha-admin" ha-demo-app trust' >> ha/pg_hba.conf`)
		}
		g.enableService(host, "ha")
	}
	await(harness.Want{"node_1": "primary", "node_2": "secondary"})
	g.shows("node_1", "ha-demo-a:5432", "read-write", "primary")
	g.shows("node_2", "ha-demo-b:5432", "read-only", "secondary")

	app := g.app.types("pg_autoctl show uri --formation default --monitor '" + uri + "'")
	for _, want := range []string{"ha-demo-a:5432", "ha-demo-b:5432", "/appdb?", "target_session_attrs=read-write", "sslmode=require"} {
		if !strings.Contains(app, want) {
			t.Errorf("the application's URI lacks %s: %s", want, app)
		}
	}
	psql := func(statement string) string {
		t.Helper()
		return g.app.types(fmt.Sprintf(`PGUSER=ha-admin psql "%s" -v ON_ERROR_STOP=1 -Atc "%s"`, app, statement))
	}
	psql("create table companies (id bigserial primary key, name text not null)")
	const million = "insert into companies (name) select 'company ' || g from generate_series(1, 1000000) g"
	psql(million)

	begun := time.Now()
	g.monitor.types("pg_autoctl perform switchover --pgdata monitor")
	t.Logf("perform switchover took %d ms", time.Since(begun).Milliseconds())
	await(harness.Want{"node_1": "secondary", "node_2": "primary"})
	g.counts(psql, 1_000_000)
	g.monitor.types("pg_autoctl perform switchover --pgdata monitor")
	await(harness.Want{"node_1": "primary", "node_2": "secondary"})

	g.off(g.b)
	await(harness.Want{"node_1": "wait_primary"})
	psql(million)
	g.counts(psql, 2_000_000)
	g.on(g.b, "ha")
	await(harness.Want{"node_1": "primary", "node_2": "secondary"})
	g.counts(psql, 2_000_000)
	psql("set synchronous_commit = remote_apply; create table applied ()") // and so the standby has replayed it all
	if count := g.b.types(`psql -d appdb -Atc "select count(*) from companies"`); count != "2000000" {
		t.Errorf("the standby counts %s rows", count)
	}
	t.Logf("show state at the end:\n%s", g.monitor.types("pg_autoctl show state --pgdata monitor"))
}

// guide is the four hosts.
type guide struct {
	*testing.T
	monitor, a, b, app *terminal
}

func newGuide(t *testing.T) *guide {
	t.Helper()
	fabric, err := harness.NewFabric()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fabric.Close)
	g := &guide{T: t}
	folder := filepath.Join(run.Dir, t.Name())
	if err := run.Account.Mkdir(folder); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(run.Pgaf, filepath.Join(folder, "pg_autoctl")); err != nil {
		t.Fatal(err)
	}
	for name, terminal := range map[string]**terminal{"monitor": &g.monitor, "a": &g.a, "b": &g.b, "app": &g.app} {
		*terminal = g.newTerminal(fabric, "ha-demo-"+name, folder)
	}
	if err := fabric.NameHosts(folder); err != nil {
		t.Fatal(err)
	}
	return g
}

func (g *guide) newTerminal(fabric *harness.Fabric, name, folder string) *terminal {
	g.Helper()
	host, err := fabric.AddHost(name)
	if err != nil {
		g.Fatal(err)
	}
	machine, err := run.NewMachine(host, filepath.Join(g.Name(), name))
	if err != nil {
		g.Fatal(err)
	}
	machine.Environment = []string{"PATH=" + folder + ":" + run.Postgres.BinDir + ":" + os.Getenv("PATH")}
	g.Cleanup(func() {
		if err := machine.KillAll(); err != nil {
			g.Error(err)
		}
	})
	return &terminal{T: g.T, Machine: machine}
}

var execStart = regexp.MustCompile(`(?m)^ExecStart *= *(.+)$`)

// enableService prints the unit of a node, and starts what a service manager would start, in the node's environment.
func (g *guide) enableService(on *terminal, pgdata string) {
	g.Helper()
	on.types("pg_autoctl -q show systemd --pgdata " + pgdata + " > pgautofailover.service")
	g.startService(on, pgdata)
}

func (g *guide) startService(on *terminal, pgdata string) {
	g.Helper()
	unit, err := os.ReadFile(filepath.Join(on.Dir, "pgautofailover.service"))
	if err != nil {
		g.Fatal(err)
	}
	start := execStart.FindSubmatch(unit)
	if start == nil || !strings.Contains(string(unit), filepath.Join(on.Dir, pgdata)) {
		g.Fatalf("no unit of a service:\n%s", unit)
	}
	on.leaves("service", fmt.Sprintf("env PGDATA=%s %s", filepath.Join(on.Dir, pgdata), start[1]))
}

// shows expects a row of show state.
func (g *guide) shows(cells ...string) {
	g.Helper()
	if table := g.monitor.types("pg_autoctl show state --pgdata monitor"); !hasRow(table, cells) {
		g.Errorf("show state has no row with %v:\n%s", cells, table)
	}
}

func (g *guide) counts(psql func(string) string, rows int) {
	g.Helper()
	if count := psql("select count(*) from companies"); count != fmt.Sprint(rows) {
		g.Errorf("the application counts %s rows, not %d", count, rows)
	}
}

// off takes the power from a host, on gives it back.
func (g *guide) off(t *terminal) {
	g.Helper()
	if err := t.Host.Cut(); err != nil {
		g.Fatal(err)
	}
	if err := t.KillAll(); err != nil {
		g.Fatal(err)
	}
}

func (g *guide) on(t *terminal, pgdata string) {
	g.Helper()
	if err := t.Host.Heal(); err != nil {
		g.Fatal(err)
	}
	g.startService(t, pgdata)
}
