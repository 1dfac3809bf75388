package cluster

import (
	"testing"

	"pgaf/regress/harness"
)

// TestFourNodes tells for whom a commit waits, chapter by chapter, on a primary with three standbys.
func TestFourNodes(t *testing.T) {
	slot(t)
	s := newStory(t, harness.ClusterOptions{})
	s.addNodes(4)
	s.chapter("number_sync_standbys", numberSyncStandbys)
	s.chapter("replication quorum false", quorumFalse)
}
