package cluster

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgaf/regress/harness"
)

// TestGroupSettings changes settings of Postgres that a standby must match, on a group that is written to: raised,
// lowered and both at once, for two nodes and for three. The nodes restart in the order that keeps every standby
// following, nobody is promoted, and the primary never goes on without its standby. A node that was down, and one that
// joins later, have the same values. What an operator has set in postgresql.conf is not touched.
func TestGroupSettings(t *testing.T) {
	s := twoNodes(t)
	s.chapter("raised", func(s *story) { s.changeSettings("max_connections=150", "max_prepared_transactions=5") })
	s.chapter("lowered", func(s *story) { s.changeSettings("max_connections=90") })
	s.chapter("both", func(s *story) { s.changeSettings("max_connections=120", "max_prepared_transactions=0") })
	s.chapter("down meanwhile", downMeanwhile)
	s.chapter("joins later", joinsLater)
	s.chapter("of three", func(s *story) { s.changeSettings("max_connections=110", "max_worker_processes=12") })
	s.chapter("own line", ownLine)
	s.chapter("failover afterwards", func(s *story) {
		writer := s.write(harness.WriterOptions{Name: "failover afterwards"})
		primary, _ := s.roles()
		s.operator("perform", "switchover")
		s.awaitHealthy(s.newPrimary(primary))
		s.settle(writer, 5*time.Second)
	})
}

// changeSettings changes settings of the group while a client writes, and checks what each node uses afterwards and in
// which order they took it.
func (s *story) changeSettings(settings ...string) {
	s.Helper()
	s.begin()
	primary, standbys := s.roles()
	order := s.operator(append([]string{"set", "formation", "settings", "--dry-run"}, settings...)...)
	s.expectNoEvent()
	writer := s.write(harness.WriterOptions{Name: strings.Join(settings, " ")})
	s.operator(append([]string{"set", "formation", "settings"}, settings...)...)
	s.expectSettings(settings...)
	s.awaitHealthy(primary)
	s.awaitWrites(writer)
	s.settle(writer, 3*time.Second)
	s.expectFailovers()
	s.expectNoEvent()
	s.expectOrder(order)
	s.expectSameData(primary, standbys...)
}

// expectSettings checks what each node uses.
func (s *story) expectSettings(settings ...string) {
	s.Helper()
	for _, n := range s.Nodes {
		for _, setting := range settings {
			name, want, _ := strings.Cut(setting, "=")
			if got := s.setting(n, name); got != want {
				s.Errorf("%s has %s = %s, want %s", n.Name, name, got, want)
			}
		}
	}
}

func (s *story) setting(n *harness.Node, name string) (value string) {
	s.Helper()
	ctx := s.soon()
	conn, err := n.Connect(ctx)
	s.must(err)
	defer conn.Close(ctx)
	s.must(conn.QueryRow(ctx, "select current_setting($1)", name).Scan(&value))
	return value
}

// expectOrder checks that the nodes restarted as --dry-run had said.
func (s *story) expectOrder(dryRun string) {
	s.Helper()
	var want, got []string
	for line := range strings.Lines(dryRun) {
		if node, _, found := strings.Cut(line, ": restarts"); found {
			_, node, _ = strings.Cut(node, ". ")
			want = append(want, node)
		}
	}
	events, err := s.Events(s.soon(), s.started)
	s.must(err)
	for _, e := range events {
		if e.Rule == "report_settings" && strings.Contains(e.Description, " uses ") {
			got = append(got, e.Node)
		}
	}
	if len(want) == 0 || fmt.Sprint(got) != fmt.Sprint(want) {
		s.Errorf("the nodes restarted in the order %v; --dry-run said %v:\n%s", got, want, dryRun)
	}
}

// downMeanwhile raises a setting while the only standby is down: it starts with the new value.
func downMeanwhile(s *story) {
	s.begin()
	writer := s.write(harness.WriterOptions{Name: "down meanwhile"})
	primary, standbys := s.roles()
	s.must(standbys[0].KillAll())
	s.await(harness.Want{primary.Name: "wait_primary"})
	s.operator("set", "formation", "settings", "max_connections=160")
	if got := s.setting(primary, "max_connections"); got != "160" {
		s.Errorf("the primary has max_connections = %s, want 160", got)
	}
	s.must(standbys[0].Start())
	s.awaitHealthy(primary)
	// The same again changes nothing, and waits for all.
	s.operator("set", "formation", "settings", "max_connections=160")
	s.expectSettings("max_connections=160")
	s.settle(writer, 5*time.Second)
	s.expectFailovers()
}

func joinsLater(s *story) {
	primary, _ := s.roles()
	_, err := s.AddNode(harness.NodeOptions{})
	s.must(err)
	s.awaitHealthy(primary)
	s.expectSettings("max_connections=160")
}

// ownLine sets a value in a standby's postgresql.conf. The group's change is refused, and names the line.
func ownLine(s *story) {
	_, standbys := s.roles()
	standby := standbys[0]
	path := filepath.Join(standby.PGDATA, "postgresql.conf")
	content, err := os.ReadFile(path)
	s.must(err)
	own := string(content) + "\nmax_connections = 130\n"
	s.must(os.WriteFile(path, []byte(own), 0o600))
	s.reloadPostgres(standby)
	s.awaitReport("needs a restart of Postgres for max_connections")
	line := fmt.Sprintf("postgresql.conf line %d", strings.Count(own, "\n"))
	s.refused(s.Monitor, 6, line, "set", "formation", "settings", "max_connections=140")
	if state := s.operator("show", "state"); !strings.Contains(state, "restart pending: max_connections") {
		s.Errorf("show state does not tell of the pending restart:\n%s", state)
	}
	after, err := os.ReadFile(path)
	s.must(err)
	if string(after) != own {
		s.Error("the operator's postgresql.conf was changed")
	}
	s.must(os.WriteFile(path, content, 0o600))
	s.reloadPostgres(standby)
}

func (s *story) reloadPostgres(n *harness.Node) {
	s.Helper()
	_, err := n.Run(s.soon(), "pg_ctl", "reload", "--pgdata", n.PGDATA)
	s.must(err)
}

// awaitReport waits until a keeper has reported something about its settings.
func (s *story) awaitReport(text string) {
	s.Helper()
	s.must(s.Until(s.within(patience), "the report: "+text, func(harness.States) bool {
		events, err := s.Events(s.soon(), s.started)
		return err == nil && slices.ContainsFunc(events, func(e harness.Event) bool {
			return e.Rule == "report_settings" && strings.Contains(e.Description, text)
		})
	}))
}
