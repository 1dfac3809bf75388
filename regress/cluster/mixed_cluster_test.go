package cluster

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"pgaf/regress/harness"
)

// TestMixedCluster runs an unmodified pg_autoctl 2.0 as the peer of pgaf under one monitor. The group switches over and fails over in
// both directions, and nothing acknowledged is lost. pg_autoctl acts once a second, so the gaps are longer than without it.
func TestMixedCluster(t *testing.T) {
	s := mixedCluster(t, harness.Program{}, pgAutoctl(t))
	writer := s.write(harness.WriterOptions{})
	s.goesBothWays(writer)

	// OnePrimaryAcks: pg_autoctl's primary is cut off, with a client beside it.
	s.perform("switchover")
	s.awaitHealthy(s.b)
	beside := s.write(harness.WriterOptions{Name: "beside", URI: s.b.URI(), Dial: s.b.Host.Dial})
	s.must(s.b.Host.Cut())
	cut := time.Now()
	s.await(harness.Want{s.a.Name: "wait_primary"})
	s.awaitWrites(writer)
	s.must(s.b.Host.Heal())
	s.awaitHealthy(s.a)
	beside.Stop()
	for _, a := range beside.Acknowledged(cut) {
		if a.Sent.After(cut) {
			t.Fatalf("the isolated primary acknowledged write %d, sent %s after the cut", a.ID, a.Sent.Sub(cut))
		}
	}
	s.settle(writer, 15*time.Second)
	s.expectFailovers(s.b, s.a, s.b, s.a, s.b, s.a)
	s.expectSameData(s.a, s.b)
}

// TestMixedClusterOfThree is the same with pg_autoctl as the one that created the data, and then as one of two standbys: it wins an
// election against pgaf, and loses one to pgaf. Then it goes to maintenance, returns, and is dropped.
func TestMixedClusterOfThree(t *testing.T) {
	older := pgAutoctl(t)
	s := mixedCluster(t, older, harness.Program{})
	writer := s.write(harness.WriterOptions{})
	s.goesBothWays(writer)
	s.settle(writer, 15*time.Second)
	s.expectFailovers(s.b, s.a, s.b, s.a)

	c, err := s.AddNode(harness.NodeOptions{Program: older})
	s.must(err)
	s.awaitHealthy(s.a)
	s.begin()
	writer = s.write(harness.WriterOptions{Name: "writer of three"})
	s.operator("set", "node", "candidate-priority", "--name", c.Name, "90")
	s.awaitHealthy(s.a)
	s.failsOver(writer, s.a, c)
	s.operator("set", "node", "candidate-priority", "--name", s.b.Name, "100")
	s.awaitHealthy(c)
	s.failsOver(writer, c, s.b)
	s.settle(writer, 15*time.Second)
	s.expectFailovers(c, s.b)
	s.expectSameData(s.b, s.a, c)

	_, err = c.Pgaf(s.within(patience), "enable", "maintenance", "--pgdata", c.PGDATA)
	s.must(err)
	s.await(harness.Want{c.Name: "maintenance", s.b.Name: "primary"})
	_, err = c.Pgaf(s.within(patience), "disable", "maintenance", "--pgdata", c.PGDATA)
	s.must(err)
	s.awaitHealthy(s.b)
	s.operator("drop", "node", "--name", c.Name)
	s.must(c.WaitEnd(patience))
}

// mixedCluster is two nodes, each run by its own program.
func mixedCluster(t *testing.T, first, second harness.Program) *story {
	t.Helper()
	slot(t)
	s := newStory(t, harness.ClusterOptions{})
	for _, program := range []harness.Program{first, second} {
		_, err := s.AddNode(harness.NodeOptions{Program: program})
		s.must(err)
		s.await(s.Healthy(s.Nodes[0]))
	}
	s.begin()
	return s
}

// goesBothWays switches over from a to b and back, and then kills the primary, twice.
func (s *story) goesBothWays(writer *harness.Writer) {
	s.Helper()
	for _, successor := range []*harness.Node{s.b, s.a} {
		before := time.Now()
		s.perform("switchover")
		s.awaitHealthy(successor)
		s.awaitWrites(writer)
		s.Logf("switchover to %s: largest gap %s", successor.Name, writer.LargestGap(before))
	}
	s.failsOver(writer, s.a, s.b)
	s.failsOver(writer, s.b, s.a)
}

// failsOver kills everything on the primary, waits for its successor, and starts it again.
func (s *story) failsOver(writer *harness.Writer, primary, successor *harness.Node) {
	s.Helper()
	before := time.Now()
	s.must(primary.KillAll())
	s.must(s.Until(s.within(patience), successor.Name+" to accept writes", func(states harness.States) bool {
		state := states[successor.Name].Reported
		return state == "wait_primary" || state == "primary"
	}))
	s.awaitWrites(writer)
	s.Logf("%s killed, %s took over: largest gap %s", primary.Name, successor.Name, writer.LargestGap(before))
	s.must(primary.Start())
	s.awaitHealthy(successor)
	s.awaitWrites(writer)
}

// operator runs one command of pgaf on the monitor and returns what it printed.
func (s *story) operator(args ...string) string {
	s.Helper()
	out, err := s.Monitor.Pgaf(s.within(patience), append(args, "--pgdata", s.Monitor.PGDATA)...)
	s.must(err)
	return out
}

// pgAutoctl unpacks pg_autoctl 2.0 of Debian.
func pgAutoctl(t *testing.T) harness.Program {
	t.Helper()
	if testing.Short() {
		t.Skip("cluster tests do not run with -short")
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	root, title, err := run.Package(ctx, "pg-auto-failover-cli", "2.0")
	if errors.Is(err, harness.ErrNoPackage) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Log(title)
	return harness.Program{Path: filepath.Join(root, "usr", "bin", "pg_autoctl")}
}
