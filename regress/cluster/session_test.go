package cluster

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgaf/regress/harness"
)

// TestSession types what the guide prints: three terminals on one machine, loopback, ports 6000, 6010 and 6011, relative folders.
func TestSession(t *testing.T) {
	slot(t)
	host, err := harness.NewIsolatedHost("laptop")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(host.Close)
	machine, err := run.NewMachine(host, t.Name())
	if err != nil {
		t.Fatal(err)
	}
	session := &terminal{T: t, Machine: machine}
	t.Cleanup(func() {
		if err := machine.KillAll(); err != nil {
			t.Error(err)
		}
	})

	session.types("pgaf create monitor --pgdata ./monitor --pgport 6000 --hostname 127.0.0.1 --auth trust --ssl-self-signed")
	session.leaves("monitor", "pgaf run --pgdata ./monitor")
	const monitor = "postgres://autoctl_node@127.0.0.1:6000/pg_auto_failover"
	watch := harness.NewWatch(monitor, host)
	t.Cleanup(watch.Close)
	await := func(want harness.Want) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		if err := watch.Until(ctx, want.String(), want.Met); err != nil {
			t.Fatal(err)
		}
	}
	session.becomesReady(watch)
	for i, node := range []string{"node_a", "node_b"} {
		session.types(fmt.Sprintf("pgaf create postgres --pgdata ./%s --pgport %d --hostname 127.0.0.1 --auth trust --ssl-self-signed --monitor %s", node, 6010+i, monitor))
		session.leaves(node, "pgaf run --pgdata ./"+node)
		if i == 0 {
			await(harness.Want{"node_1": "single"})
		}
	}
	await(harness.Want{"node_1": "primary", "node_2": "secondary"})

	table := session.types("pgaf show state --pgdata ./monitor")
	for _, row := range [][]string{{"node_1", "127.0.0.1:6010", "read-write", "primary"}, {"node_2", "127.0.0.1:6011", "read-only", "secondary"}} {
		if !hasRow(table, row) {
			t.Errorf("show state has no row with %v:\n%s", row, table)
		}
	}

	session.types(`psql -h 127.0.0.1 -p 6010 -d postgres -c "create table million as select g as id from generate_series(1, 1000000) g"`)
	session.types(`psql -h 127.0.0.1 -p 6010 -d postgres -c "set synchronous_commit = remote_apply; create table applied ()"`)
	if count := session.types(`psql -h 127.0.0.1 -p 6011 -d postgres -Atc "select count(*) from million"`); count != "1000000" {
		t.Errorf("counted on the standby: %s", count)
	}

	const writable = `psql "$(pgaf show uri --formation default --pgdata ./monitor)" -Atc "select inet_server_port(), pg_is_in_recovery()"`
	if got := session.types(writable); got != "6010|f" {
		t.Errorf("the formation's URI reaches %s, want 6010|f", got)
	}

	// What a psql on the monitor sees of a failover that it requests.
	notifications := session.psql(`psql -h 127.0.0.1 -p 6000 -d pg_auto_failover -U autoctl_node`, "LISTEN state;", "SELECT pgautofailover.perform_failover('default', 0);")
	await(harness.Want{"node_1": "secondary", "node_2": "primary"})
	printed := notifications("SELECT 1;")
	for _, want := range []string{`"goalState": "draining"`, `"goalState": "prepare_promotion"`, `"reportedState": "primary"`} {
		if !strings.Contains(printed, want) {
			t.Errorf("no notification with %s:\n%s", want, printed)
		}
	}
	if got := session.types(writable); got != "6011|f" {
		t.Errorf("after the failover the formation's URI reaches %s, want 6011|f", got)
	}
	for line := range strings.Lines(session.types(`psql -h 127.0.0.1 -p 6000 -d pg_auto_failover -Atc "select rule, goalstate, description from pgautofailover.last_events('default', 0, 20) where goalstate in ('draining', 'prepare_promotion', 'wait_primary') and goalstate <> reportedstate"`)) {
		if strings.HasPrefix(line, "|") {
			t.Errorf("an event names no rule: %s", line)
		}
	}

	table = session.types("pgaf perform failover --group 0 --pgdata ./monitor")
	if !strings.Contains(table, "prepare_promotion") || !strings.Contains(table, "draining") {
		t.Errorf("perform failover printed:\n%s", table)
	}
	await(harness.Want{"node_1": "primary", "node_2": "secondary"})
	if count := session.types(`psql "$(pgaf show uri --formation default --pgdata ./monitor)" -Atc "select count(*) from million"`); count != "1000000" {
		t.Errorf("counted at the end: %s", count)
	}
}

// terminal is a shell in one folder.
type terminal struct {
	*testing.T
	*harness.Machine
}

// types runs one command line to its end and returns what it printed on stdout.
func (s *terminal) types(line string) string {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), patience)
	defer cancel()
	out, err := s.Machine.Run(ctx, "bash", "-c", line)
	if err != nil {
		s.Fatal(err)
	}
	return strings.TrimSpace(out)
}

// leaves starts a command line that stays in the foreground of a terminal of its own.
func (s *terminal) leaves(name, line string) {
	s.Helper()
	log := filepath.Join(s.Dir, name+".log")
	if _, err := s.Spawn(log, "bash", "-c", "exec "+line); err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() {
		if s.Failed() {
			s.Logf("the end of what %q printed:\n%s", line, harness.Tail(log, 20))
		}
	})
}

// becomesReady waits until the monitor answers.
func (s *terminal) becomesReady(watch *harness.Watch) {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), patience)
	defer cancel()
	if err := watch.Until(ctx, "the monitor", func(harness.States) bool { return true }); err != nil {
		s.Fatal(err)
	}
}

// psql types statements into a psql that stays open; the returned function types a last one, ends it, and returns everything
// that it printed. (psql prints notifications after the answer to a statement.)
func (s *terminal) psql(line string, statements ...string) func(last string) string {
	s.Helper()
	s.types("mkfifo psql.in")
	log := filepath.Join(s.Dir, "psql.out")
	psql, err := s.Spawn(log, "bash", "-c", "exec "+line+" < psql.in")
	if err != nil {
		s.Fatal(err)
	}
	in, err := os.OpenFile(filepath.Join(s.Dir, "psql.in"), os.O_WRONLY, 0)
	if err != nil {
		s.Fatal(err)
	}
	for _, statement := range statements {
		fmt.Fprintln(in, statement)
	}
	return func(last string) string {
		fmt.Fprintln(in, last)
		in.Close()
		select {
		case <-psql.Done():
		case <-time.After(patience):
			s.Fatalf("psql did not end:\n%s", harness.Tail(log, 20))
		}
		return harness.Tail(log, 1000)
	}
}

// hasRow tells whether a line of a printed table has all these cells.
func hasRow(table string, cells []string) bool {
	for line := range strings.Lines(table) {
		found := 0
		for _, cell := range cells {
			if strings.Contains(line, cell) {
				found++
			}
		}
		if found == len(cells) {
			return true
		}
	}
	return false
}
