package cluster

import (
	"errors"
	"strings"
	"testing"
	"time"

	"pgaf/regress/harness"
)

// chapter is one behaviour shown on a cluster that several share, as it takes longer to create than to use. Each begins and
// ends with a healthy group. After one that fails the others would only show its consequences, so they do not run.
func (s *story) chapter(name string, tell func(*story)) {
	s.Helper()
	told := s.T.Run(name, func(t *testing.T) {
		c := *s
		c.T = t
		c.begin()
		tell(&c)
	})
	if !told {
		s.FailNow()
	}
}

// roles tells who is the primary of a healthy group, and lists the others.
func (s *story) roles() (primary *harness.Node, standbys []*harness.Node) {
	s.Helper()
	states, err := s.States(s.soon())
	s.must(err)
	for _, n := range s.Nodes {
		if states[n.Name].Settled("primary") {
			primary = n
		} else {
			standbys = append(standbys, n)
		}
	}
	if primary == nil {
		s.Fatalf("there is no primary: %s", states)
	}
	return primary, standbys
}

// newPrimary waits until one of the nodes, and not the lost one, accepts writes.
func (s *story) newPrimary(lost *harness.Node) *harness.Node {
	s.Helper()
	var found *harness.Node
	s.must(s.Until(s.within(patience), "a new primary", func(states harness.States) bool {
		for _, n := range s.Nodes {
			state := states[n.Name]
			if n != lost && (state.Settled("wait_primary") || state.Settled("primary")) {
				found = n
				return true
			}
		}
		return false
	}))
	return found
}

// expectNoAcknowledgement lets a fault last for a while, in which no write that was sent after its beginning is acknowledged.
func (s *story) expectNoAcknowledgement(w *harness.Writer, since time.Time, d time.Duration) {
	s.Helper()
	<-time.After(d)
	for _, a := range w.Acknowledged(since) {
		if a.Sent.After(since) {
			s.Fatalf("write %d, sent %s after the fault, was acknowledged; the group is: %s", a.ID, a.Sent.Sub(since), s.Watch.States())
		}
	}
}

// on runs one command of pgaf on a node, about that node.
func (s *story) on(n *harness.Node, args ...string) {
	s.Helper()
	_, err := n.Pgaf(s.within(patience), append(args, "--pgdata", n.PGDATA)...)
	s.must(err)
}

// refused runs one command of pgaf on a node that has to end with an exit code and a message on stderr.
func (s *story) refused(n *harness.Node, code int, message string, args ...string) {
	s.Helper()
	_, err := n.Pgaf(s.within(patience), append(args, "--pgdata", n.PGDATA)...)
	var failure *harness.CommandError
	if !errors.As(err, &failure) || failure.Code != code || !strings.Contains(failure.Stderr, message) {
		s.Errorf("pgaf %s: %v; want exit code %d and %q", strings.Join(args, " "), err, code, message)
	}
}
