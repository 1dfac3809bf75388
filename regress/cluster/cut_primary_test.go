package cluster

import (
	"testing"
	"time"

	"pgaf/regress/harness"
)

// TestOnePrimaryAcks cuts the primary's network, silently, while clients write on both sides. The client beside the
// isolated primary gets no acknowledgement from the cut on, whether or not the standby took over yet. Healed, the
// old primary rewinds what it could not replicate, and rejoins.
func TestOnePrimaryAcks(t *testing.T) {
	s := twoNodes(t)
	writer := s.write(harness.WriterOptions{})
	beside := s.write(harness.WriterOptions{Name: "beside", URI: s.a.URI(), Dial: s.a.Host.Dial})
	folder := s.folderID(s.a)

	s.must(s.a.Host.Cut())
	cut := time.Now()
	s.await(harness.Want{"node_b": "wait_primary"})
	s.awaitWrites(writer)
	s.must(s.a.Host.Heal())
	s.awaitHealthy(s.b)
	s.awaitWrites(writer)

	beside.Stop()
	for _, a := range beside.Acknowledged(cut) {
		if a.Sent.After(cut) {
			t.Fatalf("the isolated primary acknowledged write %d, sent %s after the cut", a.ID, a.Sent.Sub(cut))
		}
	}
	uri, err := s.URI(s.soon())
	s.must(err)
	tally, err := beside.Verify(s.soon(), uri)
	s.must(err)
	s.Logf("beside the isolated primary: acknowledged %d, lost %d", tally.Acknowledged, len(tally.Lost))
	s.must(tally.Err())
	if s.folderID(s.a) != folder {
		t.Error("the old primary returned by a base backup, not by rewind")
	}
	s.settle(writer, 12*time.Second)
	s.expectFailovers(s.b)
	s.expectSameData(s.b, s.a)
}
