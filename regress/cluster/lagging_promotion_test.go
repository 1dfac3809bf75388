package cluster

import (
	"slices"
	"syscall"
	"time"

	"pgaf/regress/harness"
)

// laggingNodePromoted promotes a node by its name whose WAL receiver has been frozen for a while, and which cannot get from the primary
// what it lacks: it fetches it from the other standby (fast_forward) and takes over with every acknowledged write.
func laggingNodePromoted(s *story) {
	writer := s.write(harness.WriterOptions{Name: "lagging"})
	primary, standbys := s.roles()
	other, lagging := standbys[0], standbys[1]

	receiver := s.processID(lagging, "select pid from pg_stat_wal_receiver")
	s.must(syscall.Kill(receiver, syscall.SIGSTOP))
	for range 20 {
		s.awaitWrites(writer)
	}
	// The primary delivers everything to connected standbys before it stops; this one shall not be connected.
	states, err := s.States(s.soon())
	s.must(err)
	sender := s.processID(primary, "select pid from pg_stat_replication where application_name = $1", standbyName(states[lagging.Name].ID))
	s.must(syscall.Kill(sender, syscall.SIGTERM))
	postmaster := primary.PostmasterPID()

	promoted := make(chan error, 1)
	ctx := s.within(patience)
	go func() {
		_, err := s.Monitor.Pgaf(ctx, "perform", "promotion", "--name", lagging.Name, "--pgdata", s.Monitor.PGDATA)
		promoted <- err
	}()
	s.must(harness.WaitExit(postmaster, patience))
	s.must(syscall.Kill(receiver, syscall.SIGCONT))
	s.must(<-promoted)
	s.awaitWrites(writer)
	s.awaitHealthy(lagging)
	s.awaitWrites(writer)

	events, err := s.Events(s.soon(), s.started)
	s.must(err)
	if !slices.ContainsFunc(events, func(e harness.Event) bool { return e.Node == lagging.Name && e.Reported == "fast_forward" }) {
		s.Errorf("%s did not fetch what it lacked from %s; goals were %v", lagging.Name, other.Name, harness.Goals(events))
	}
	s.settle(writer, 10*time.Second)
	s.expectFailovers(lagging)
	s.expectSameData(lagging, primary, other)
}

// processID asks a node's Postgres for one of its processes.
func (s *story) processID(n *harness.Node, query string, args ...any) (pid int) {
	s.Helper()
	ctx := s.soon()
	conn, err := n.Connect(ctx)
	s.must(err)
	defer conn.Close(ctx)
	s.must(conn.QueryRow(ctx, query, args...).Scan(&pid))
	return pid
}
