package cluster

import (
	"testing"

	"pgaf/regress/harness"
)

// TestThreeNodes tells what two standbys are for, chapter by chapter: TestThreeNodes/lost_in_turn and so on.
func TestThreeNodes(t *testing.T) {
	slot(t)
	s := newStory(t, harness.ClusterOptions{})
	s.addNodes(3)
	s.chapter("lost in turn", lostInTurn)
	s.chapter("lost together", lostTogether)
	s.chapter("both standbys lost", bothStandbysLost)
	s.chapter("lagging node promoted by name", laggingNodePromoted)
	s.chapter("candidate priority 0", candidatePriorityZero)
	s.chapter("accepted loss", acceptedLoss)
	s.chapter("drop and return", dropAndReturn)
	s.chapter("dropped while dead", dropDead)
}
