package cluster

import (
	"slices"
	"testing"
	"time"

	"pgaf/regress/harness"
)

// followLimit is the promise for the time in which a standby follows a new primary.
const followLimit = 200 * time.Millisecond

// TestFollowNewPrimary changes the primary of three nodes five times. The third node follows each new primary by a
// reload, without a restart: in the median in less than 200 ms from the monitor's notification until the monitor has
// the report that it streams from there. It measures, so it has the machine to itself: no t.Parallel.
func TestFollowNewPrimary(t *testing.T) {
	if testing.Short() {
		t.Skip("cluster tests do not run with -short")
	}
	s := newStory(t, harness.ClusterOptions{})
	s.addNodes(3)
	c := s.Nodes[2]
	postmaster := c.PostmasterPID()
	s.setPriority(c, 0, s.a) // never promoted: the one that follows
	s.awaitHealthy(s.a)
	writer := s.write(harness.WriterOptions{})
	var times []time.Duration
	for i := range 5 {
		before, err := s.LastEvent(s.soon())
		s.must(err)
		s.perform("switchover")
		s.awaitHealthy([]*harness.Node{s.b, s.a}[i%2])
		events, err := s.Events(s.soon(), before)
		s.must(err)
		times = append(times, followed(t, events, c.Name))
	}
	slices.Sort(times)
	t.Logf("following a new primary, notification to streaming: median %d ms of %v", times[2].Milliseconds(), times)
	if times[2] >= followLimit {
		t.Errorf("the median of following a new primary is %s, not below %s", times[2], followLimit)
	}
	if now := c.PostmasterPID(); now != postmaster {
		t.Errorf("Postgres of %s was restarted: pid %d, before %d", c.Name, now, postmaster)
	}
	s.settle(writer, 5*time.Second)
	s.expectSameData(s.b, s.a, c)
}

// followed is the time from the event that tells a node to follow (its notification is sent with it) to the one that
// says that it does. Both times are the monitor's.
func followed(t *testing.T, events []harness.Event, node string) time.Duration {
	t.Helper()
	var told time.Time
	for _, e := range events {
		switch {
		case e.Node != node:
		case e.Rule == "follow_primary":
			told = e.Time
		case !told.IsZero() && e.Reported == "secondary":
			return e.Time.Sub(told)
		}
	}
	for _, e := range events {
		t.Log(e)
	}
	t.Fatalf("%s was not told to follow, or did not", node)
	return 0
}
