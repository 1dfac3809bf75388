package cluster

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"pgaf/regress/harness"
)

var (
	run   *harness.Run
	slots = make(chan struct{}, harness.Limit())
)

func TestMain(m *testing.M) {
	os.Exit(harness.Main(harness.Namespaces, func() int { return runTests(m) }))
}

func runTests(m *testing.M) int {
	flag.Parse()
	if !testing.Short() {
		var err error
		if run, err = harness.NewRun(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer func() {
			if err := run.Close(); err != nil {
				fmt.Fprintln(os.Stderr, err)
			}
		}()
		if err := run.Prepare(context.Background()); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	return m.Run()
}

// patience ends a wait for a state. It is no promise, only the point where a test gives up: promises
// are asserted on the writer's gap.
const patience = 90 * time.Second

// story is one test's cluster, with steps that end the test when they fail.
type story struct {
	*testing.T
	*harness.Cluster
	a, b    *harness.Node
	started int64 // the last event before the test's own fault
}

// slot makes a test wait until the machine has room for one more cluster.
func slot(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("cluster tests do not run with -short")
	}
	t.Parallel()
	slots <- struct{}{}
	t.Cleanup(func() { <-slots })
}

// newStory starts a monitor; on failure of the test the cluster's logs are kept.
func newStory(t *testing.T, options harness.ClusterOptions) *story {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c, err := run.NewCluster(ctx, strings.ReplaceAll(t.Name(), "/", "-"), options)
	if err != nil {
		t.Fatal(err)
	}
	s := &story{T: t, Cluster: c}
	t.Cleanup(func() {
		if t.Failed() {
			s.keepLogs()
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// twoNodes is how most stories begin: node_a is the primary, node_b its standby.
func twoNodes(t *testing.T) *story {
	t.Helper()
	slot(t)
	s := newStory(t, harness.ClusterOptions{})
	s.addNodes(2)
	return s
}

func (s *story) addNodes(count int) {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), time.Duration(count)*patience)
	defer cancel()
	s.must(s.AddNodes(ctx, count))
	s.begin()
}

// begin says that what the monitor did so far was not the test's fault.
func (s *story) begin() {
	s.Helper()
	s.a = s.Nodes[0]
	if len(s.Nodes) > 1 {
		s.b = s.Nodes[1]
	}
	var err error
	s.started, err = s.LastEvent(s.soon())
	s.must(err)
}

// keepLogs copies what explains the failure to results/<test>/ in the source tree.
func (s *story) keepLogs() {
	folder := filepath.Join("..", "..", "results", s.Name())
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := s.SaveLogs(ctx, folder); err != nil {
		s.Logf("the logs could not all be kept: %v", err)
	}
	s.Logf("logs, states and events are in results/%s\nstates:\n%s", s.Name(), s.Watch.Trail())
}

// soon is the context of a step that should take no time.
func (s *story) soon() context.Context { return s.within(20 * time.Second) }

// within is the context of a step; it ends with the test.
func (s *story) within(d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(s.Context(), d)
	s.Cleanup(cancel)
	return ctx
}

func (s *story) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// await waits until the nodes are settled in these states.
func (s *story) await(want harness.Want) {
	s.Helper()
	s.must(s.WaitStates(s.within(patience), want))
}

// awaitHealthy waits for the end of every story: one primary, all others secondary.
func (s *story) awaitHealthy(primary *harness.Node) {
	s.Helper()
	s.await(s.Healthy(primary))
}

// write starts the client that writes all the time to whichever node is writable.
func (s *story) write(options harness.WriterOptions) *harness.Writer {
	s.Helper()
	writer, err := s.StartWriter(s.within(patience), options)
	s.must(err)
	s.T.Cleanup(writer.Stop)
	for range 20 { // so that it has something to lose
		s.awaitWrites(writer)
	}
	return writer
}

// awaitWrites waits until a write that begins now is acknowledged.
func (s *story) awaitWrites(w *harness.Writer) {
	s.Helper()
	if err := w.WaitAcknowledged(s.within(patience)); err != nil {
		s.Fatalf("%v; the group is: %s", err, s.Watch.States())
	}
}

// settle ends a writer, counts on the primary and prints the account. limit is the promise for the largest
// gap.
func (s *story) settle(w *harness.Writer, limit time.Duration) harness.Tally {
	s.Helper()
	tally, err := w.Verify(s.soon(), "")
	s.must(err)
	s.Log(tally)
	if err := tally.Err(); err != nil {
		s.Error(err)
	}
	if gap := tally.LargestGap.Length(); gap > limit {
		s.Errorf("the largest gap between two acknowledged writes is %s, more than %s", gap, limit)
	}
	return tally
}

// expectFailovers checks which nodes were promoted since begin, in order.
func (s *story) expectFailovers(nodes ...*harness.Node) {
	s.Helper()
	events, err := s.Events(s.soon(), s.started)
	s.must(err)
	var want []string
	for _, n := range nodes {
		want = append(want, n.Name)
	}
	if got := harness.Promotions(events); !slices.Equal(got, want) {
		s.Errorf("promoted were %v, want %v; events:", got, want)
		for _, e := range events {
			s.Log(e)
		}
	}
}

// expectNoEvent checks that no node was told to become anything else than it was.
func (s *story) expectNoEvent() {
	s.Helper()
	events, err := s.Events(s.soon(), s.started)
	s.must(err)
	for _, e := range events {
		if e.Assigned != "primary" && e.Assigned != "secondary" {
			s.Errorf("something happened that should not: %s", e)
		}
	}
}

// expectSameData checks that each standby has every row that the primary has now; a writer may go on.
func (s *story) expectSameData(primary *harness.Node, standbys ...*harness.Node) {
	s.Helper()
	const count = "select count(*) from acknowledged_writes"
	ctx := s.within(patience)
	conn, err := primary.Connect(ctx)
	s.must(err)
	defer conn.Close(ctx)
	var want int
	s.must(conn.QueryRow(ctx, count).Scan(&want))
	// Such a commit returns when the synchronous standby has applied it, with all before it.
	_, err = conn.Exec(ctx, "set synchronous_commit = remote_apply; create table if not exists applied (at timestamptz); insert into applied values (now())")
	s.must(err)
	for _, standby := range standbys {
		other, err := standby.Connect(ctx)
		s.must(err)
		defer other.Close(ctx)
		var got int
		s.must(other.QueryRow(ctx, count).Scan(&got))
		if got < want {
			s.Errorf("%s has %d rows, the primary %s had %d before", standby.Name, got, primary.Name, want)
		}
	}
}

// folderID identifies the folder PGDATA itself: a base backup replaces it, a rewind does not.
func (s *story) folderID(n *harness.Node) uint64 {
	s.Helper()
	info, err := os.Stat(n.PGDATA)
	s.must(err)
	return info.Sys().(*syscall.Stat_t).Ino
}
