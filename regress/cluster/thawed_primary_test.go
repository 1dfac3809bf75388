package cluster

import (
	"testing"
	"time"

	"pgaf/regress/harness"
)

// TestThawedPrimary freezes every process of the primary until its successor has taken over, and thaws it. It acknowledges
// nothing more, rewinds and rejoins, and nothing that the successor acknowledged is lost.
func TestThawedPrimary(t *testing.T) {
	s := twoNodes(t)
	writer := s.write(harness.WriterOptions{})
	// A client that knows only the old primary and tries it all the time, the moment of its
	// thaw included.
	faithful := s.write(harness.WriterOptions{Name: "faithful", URI: s.a.URI()})

	s.must(s.a.Freeze())
	frozen := time.Now()
	s.await(harness.Want{"node_b": "wait_primary"})
	s.awaitWrites(writer)
	s.must(s.a.Thaw())
	s.awaitHealthy(s.b)
	s.awaitWrites(writer)

	faithful.Stop()
	for _, a := range faithful.Acknowledged(frozen) {
		if a.Sent.After(frozen) {
			t.Fatalf("the thawed primary acknowledged write %d, sent %s after it froze", a.ID, a.Sent.Sub(frozen))
		}
	}
	uri, err := s.URI(s.soon())
	s.must(err)
	tally, err := faithful.Verify(s.soon(), uri)
	s.must(err)
	s.Logf("the old primary's client: acknowledged %d, lost %d", tally.Acknowledged, len(tally.Lost))
	s.must(tally.Err())
	s.settle(writer, 12*time.Second)
	s.expectFailovers(s.b)
	s.expectSameData(s.b, s.a)
}
