package cluster

import (
	"context"
	"syscall"
	"testing"
	"time"

	"pgaf/regress/harness"
)

// TestFullDisk fills the primary's disk of 400 MB and stops its Postgres, which then cannot start again. The keeper gives up after a few
// attempts, the standby takes over, the old primary is shown as demoted; when the space is free again, it returns by itself.
func TestFullDisk(t *testing.T) {
	slot(t)
	s := newStory(t, harness.ClusterOptions{})
	_, err := s.AddNode(harness.NodeOptions{DiskMegabytes: 400})
	s.must(err)
	s.await(harness.Want{"node_a": "single"})
	s.addNodes(1)
	s.awaitHealthy(s.Nodes[0])
	writer := s.write(harness.WriterOptions{})

	// The keeper looks away while both happens: it would be quicker.
	s.must(s.a.SignalKeeper(syscall.SIGSTOP))
	_, err = s.a.Run(s.within(30*time.Second), "pg_ctl", "stop", "--pgdata", s.a.PGDATA, "--mode", "fast", "--wait")
	s.must(err)
	s.must(s.a.Disk.Fill())
	s.must(s.a.SignalKeeper(syscall.SIGCONT))
	s.await(harness.Want{"node_b": "wait_primary"})
	s.awaitWrites(writer)
	s.must(s.awaitState(s.a, "demoted"))
	s.Log(s.Watch.States())

	s.must(s.a.Disk.Free())
	s.awaitHealthy(s.b)
	s.awaitWrites(writer)
	s.settle(writer, 15*time.Second)
	s.expectFailovers(s.b)
	s.expectSameData(s.b, s.a)
}

// awaitState waits until a node reports a state, whatever it is told to become next.
func (s *story) awaitState(n *harness.Node, reported string) error {
	ctx, cancel := context.WithTimeout(s.Context(), patience)
	defer cancel()
	return s.Until(ctx, n.Name+" reporting "+reported, func(states harness.States) bool {
		return states[n.Name].Reported == reported
	})
}
