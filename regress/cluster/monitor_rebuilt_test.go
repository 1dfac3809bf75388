package cluster

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"pgaf/regress/harness"
)

// TestMonitorRebuilt loses the monitor with its disk under load, makes a new one at the same address, and registers each node
// there. Nobody notices: no Postgres is restarted, nothing is copied, writes go on, and nodes keep their ids, slots and
// settings. Before they are registered the nodes do not obey the new monitor.
func TestMonitorRebuilt(t *testing.T) {
	slot(t)
	s := newStory(t, harness.ClusterOptions{})
	s.addNodes(3)
	c := s.Nodes[2]
	s.does(s.Monitor, "set", "formation", "number-sync-standbys", "0")
	s.does(c, "set", "node", "candidate-priority", "20")
	s.does(c, "set", "node", "replication-quorum", "false")
	s.awaitHealthy(s.a)
	writer := s.write(harness.WriterOptions{})
	before, known := s.inventory(), s.known()

	lost := time.Now()
	s.must(s.LoseMonitor())
	<-time.After(4 * time.Second) // longer than every threshold of detection
	s.awaitWrites(writer)
	s.must(s.RecreateMonitor(s.within(patience)))
	s.must(s.Until(s.within(patience), "a monitor that knows nobody", func(states harness.States) bool { return len(states) == 0 }))
	for _, n := range s.Nodes {
		s.logs(n, "this is another monitor than before")
	}
	s.refuses(s.b, 6, "on the primary first", "enable", "monitor", s.MonitorURI())
	s.awaitWrites(writer)
	s.Logf("monitor lost and made anew: largest gap %s", writer.LargestGap(lost))

	rebuilt := time.Now()
	for _, n := range s.Nodes {
		s.does(n, "enable", "monitor", s.MonitorURI())
	}
	s.awaitHealthy(s.a)
	s.awaitWrites(writer)
	s.Logf("all nodes registered after %d ms, largest gap %s", time.Since(rebuilt).Milliseconds(), writer.LargestGap(rebuilt))
	if after := s.inventory(); !slices.Equal(after, before) {
		t.Errorf("before:\n%s\nafter:\n%s", strings.Join(before, "\n"), strings.Join(after, "\n"))
	}
	if after := s.known(); !slices.Equal(after, known) {
		t.Errorf("the monitor knew:\n%s\nand now:\n%s", strings.Join(known, "\n"), strings.Join(after, "\n"))
	}
	s.refuses(s.b, 2, "knows this node", "enable", "monitor", s.MonitorURI())
	s.settle(writer, time.Second)

	// What was rebuilt works.
	again := s.write(harness.WriterOptions{Name: "again"})
	s.perform("switchover")
	s.awaitHealthy(s.b)
	s.awaitWrites(again)
	s.settle(again, 5*time.Second)
	s.expectSameData(s.b, s.a, c)
}

// logs waits until a node's service has logged a text.
func (s *story) logs(n *harness.Node, text string) {
	s.Helper()
	ctx := s.within(patience)
	for !strings.Contains(harness.Tail(n.LogFile(), 1000), text) {
		select {
		case <-ctx.Done():
			s.Fatalf("%s does not log %q:\n%s", n.Name, text, harness.Tail(n.LogFile(), 10))
		case <-time.After(20 * time.Millisecond): // nobody announces a line of a log
		}
	}
}

// inventory is what must not change: each node's processes, folder, and slots.
func (s *story) inventory() []string {
	s.Helper()
	var list []string
	for _, n := range s.Nodes {
		ctx := s.soon()
		conn, err := n.Connect(ctx)
		s.must(err)
		rows, err := conn.Query(ctx, "select slot_name::text from pg_replication_slots order by 1")
		s.must(err)
		slots, err := pgx.CollectRows(rows, pgx.RowTo[string])
		s.must(err)
		conn.Close(ctx)
		list = append(list, fmt.Sprintf("%s service %d postmaster %d folder %d slots %v", n.Name, n.PID(), n.PostmasterPID(), s.folderID(n), slots))
	}
	return list
}

// known is what the monitor knows of the nodes.
func (s *story) known() []string {
	s.Helper()
	ctx := s.soon()
	conn, err := s.ConnectMonitor(ctx)
	s.must(err)
	defer conn.Close(ctx)
	rows, err := conn.Query(ctx, "select concat_ws(' ', nodeid, nodename, nodehost, nodeport, sysidentifier, candidatepriority, replicationquorum) from pgautofailover.node order by nodeid")
	s.must(err)
	list, err := pgx.CollectRows(rows, pgx.RowTo[string])
	s.must(err)
	return list
}
