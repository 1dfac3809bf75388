package cluster

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgaf/regress/harness"
)

// TestMonitorDisabled takes a group away from its monitor while it serves, steers it by hand, hands over by hand, and gives
// it back. Nothing is restarted when the monitor goes and comes.
func TestMonitorDisabled(t *testing.T) {
	s := twoNodes(t)
	writer := s.write(harness.WriterOptions{})
	postmasters := []int{s.a.PostmasterPID(), s.b.PostmasterPID()}

	// Refused: the monitor knows the node; it would promote the standby.
	s.refuses(s.b, 3, "repeat with --force", "disable", "monitor")
	s.refuses(s.a, 3, "on the standbys first", "disable", "monitor", "--force")
	s.refuses(s.a, 2, "the monitor decides for this node", "manual", "fsm", "assign", "single")
	s.refuses(s.a, 2, "knows this node", "enable", "monitor", s.MonitorURI())
	s.awaitHealthy(s.a)
	s.expectNoEvent()

	before := time.Now()
	for _, n := range []*harness.Node{s.b, s.a} {
		s.does(n, "disable", "monitor", "--force")
	}
	s.must(s.Until(s.within(patience), "no node", func(states harness.States) bool { return len(states) == 0 }))
	s.awaitWrites(writer)
	s.Logf("disabled: largest gap %s", writer.LargestGap(before))
	s.keepsRunning(postmasters)

	// By hand: synchronous again, and over to node_b.
	before = time.Now()
	s.setNodes(s.a)
	s.becomes(s.a, "wait_primary", "primary")
	s.expectSetting(s.a, "synchronous_standby_names", "ANY 1 (pgautofailover_standby_2)")
	s.awaitWrites(writer)
	s.refuses(s.a, 3, "cannot become secondary", "manual", "fsm", "assign", "secondary")
	s.refuses(s.a, 1, "there is no state", "manual", "fsm", "assign", "queen")
	s.refuses(s.a, 2, "no monitor to ask", "manual", "fsm", "step")

	// A service that is restarted is what it was, without asking anybody.
	s.must(s.a.KillKeeper())
	s.must(s.a.Start())
	s.serves(s.a)
	s.keepsRunning(postmasters)
	s.awaitWrites(writer)
	s.Logf("synchronous by hand, service restarted: largest gap %s", writer.LargestGap(before))

	before = time.Now()
	s.becomes(s.a, "draining", "demoted")
	s.becomes(s.b, "prepare_promotion", "wait_primary")
	s.awaitWrites(writer)
	s.Logf("hand-over by hand: largest gap %s", writer.LargestGap(before))
	s.setNodes(s.b)
	s.becomes(s.a, "catchingup", "secondary")
	s.becomes(s.b, "primary")
	s.expectSetting(s.b, "synchronous_standby_names", "ANY 1 (pgautofailover_standby_1)")
	s.awaitWrites(writer)

	// Back: the standby has to wait for the primary.
	postmasters = []int{s.a.PostmasterPID(), s.b.PostmasterPID()}
	before = time.Now()
	s.refuses(s.a, 6, "on the primary first", "enable", "monitor", s.MonitorURI())
	s.does(s.b, "enable", "monitor", s.MonitorURI())
	s.does(s.a, "enable", "monitor", s.MonitorURI())
	s.awaitHealthy(s.b)
	s.awaitWrites(writer)
	s.Logf("enabled: largest gap %s", writer.LargestGap(before))
	s.keepsRunning(postmasters)
	s.refuses(s.a, 2, "the monitor decides for this node", "manual", "fsm", "nodes", "get")

	s.perform("switchover")
	s.awaitHealthy(s.a)
	s.awaitWrites(writer)
	s.settle(writer, 10*time.Second)
	s.expectSameData(s.a, s.b)
	for _, n := range s.Nodes {
		s.expectNoLine(n, "copying the data\" from")
	}
}

// serves waits until the node's service runs.
func (s *story) serves(n *harness.Node) {
	s.Helper()
	ctx := s.within(patience)
	for {
		if _, err := n.Pgaf(ctx, "status", "--pgdata", n.PGDATA); err == nil {
			return
		}
		if ctx.Err() != nil {
			s.Fatalf("the service of %s does not run:\n%s", n.Name, harness.Tail(n.LogFile(), 10))
		}
	}
}

// does runs a command about the node on its machine.
func (s *story) does(n *harness.Node, args ...string) string {
	s.Helper()
	out, err := n.Pgaf(s.within(patience), append(args, "--pgdata", n.PGDATA)...)
	s.must(err)
	return out
}

// refuses checks that a command is refused, and how.
func (s *story) refuses(n *harness.Node, code int, words string, args ...string) {
	s.Helper()
	out, err := n.Pgaf(s.within(patience), append(args, "--pgdata", n.PGDATA)...)
	var failure *harness.CommandError
	if !errors.As(err, &failure) || failure.Code != code || !strings.Contains(failure.Stderr, words) {
		s.Errorf("%s on %s: want exit code %d and %q, got %v\n%s", strings.Join(args, " "), n.Name, code, words, err, out)
	}
}

// becomes assigns states by hand, one after the other.
func (s *story) becomes(n *harness.Node, states ...string) {
	s.Helper()
	for _, state := range states {
		out := s.does(n, "manual", "fsm", "assign", state)
		if !strings.Contains(out, `"current_role": "`+state+`"`) {
			s.Errorf("%s is not %s:\n%s", n.Name, state, out)
		}
	}
}

// setNodes tells both nodes who is there, and who is the primary.
func (s *story) setNodes(primary *harness.Node) {
	s.Helper()
	var nodes []map[string]any
	for i, n := range s.Nodes {
		nodes = append(nodes, map[string]any{"node_id": i + 1, "node_name": n.Name, "node_host": n.Host.Address, "node_port": n.Port,
			"node_lsn": "0/0", "node_is_primary": n == primary})
	}
	content, err := json.Marshal(nodes)
	s.must(err)
	file := filepath.Join(privateFolder(s.T), "nodes.json")
	s.must(os.WriteFile(file, content, 0o644))
	for _, n := range s.Nodes {
		s.does(n, "manual", "fsm", "nodes", "set", file)
		if out := s.does(n, "manual", "fsm", "nodes", "get"); strings.Count(out, "yes") != 1 || !strings.Contains(out, s.b.Name) {
			s.Errorf("nodes of %s:\n%s", n.Name, out)
		}
	}
}

func (s *story) expectSetting(n *harness.Node, name, want string) {
	s.Helper()
	ctx := s.soon()
	conn, err := n.Connect(ctx)
	s.must(err)
	defer conn.Close(ctx)
	var got string
	s.must(conn.QueryRow(ctx, "select current_setting($1)", name).Scan(&got))
	if got != want {
		s.Errorf("%s of %s is %q, want %q", name, n.Name, got, want)
	}
}

// keepsRunning checks that no Postgres was restarted.
func (s *story) keepsRunning(postmasters []int) {
	s.Helper()
	for i, n := range s.Nodes {
		if now := n.PostmasterPID(); now != postmasters[i] {
			s.Errorf("%s: postmaster %d before, %d after", n.Name, postmasters[i], now)
		}
	}
}
