package cluster

import (
	"time"

	"pgaf/regress/harness"
)

// acceptedLoss leaves a node alone that lacks what its primary and that one's successor have acknowledged, and its operator
// accepts that. The successor had begun a timeline where this node now begins another one: they must not have one number, or the
// two could not be told apart when it returns. It does, and so does the primary of before, both by rewind.
func acceptedLoss(s *story) {
	const timeline = "select left(pg_walfile_name(pg_current_wal_lsn()), 8)"
	first, standbys := s.roles()
	second, behind := standbys[0], standbys[1]
	s.operator("set", "formation", "number-sync-standbys", "0")
	s.operator("set", "node", "replication-quorum", "--name", behind.Name, "false")
	s.awaitHealthy(first)
	s.exec(first, "create table if not exists accepted_loss (node text)")
	s.exec(first, "set synchronous_commit = remote_apply; insert into accepted_loss values ('all')")
	s.nodeHolds(behind, "select count(*) = 1 from accepted_loss")
	folders := map[*harness.Node]uint64{first: s.folderID(first), second: s.folderID(second)}

	s.must(behind.KillAll())
	s.must(first.KillAll())
	s.await(harness.Want{second.Name: "wait_primary"})
	s.exec(second, "insert into accepted_loss values ('second')")
	given := s.value(second, timeline)
	s.must(second.KillAll())
	// Else the last node would be sent to follow it.
	s.must(s.Until(s.within(patience), "its loss to be seen", func(states harness.States) bool {
		return states[second.Name].Health == 0
	}))

	s.must(behind.Start())
	s.must(s.Until(s.within(patience), "its report", func(states harness.States) bool {
		return states[behind.Name].Settled("report_lsn")
	}))
	s.operator("perform", "failover", "--allow-data-loss", "--wait", "0")
	s.await(harness.Want{behind.Name: "wait_primary"})
	s.exec(behind, "insert into accepted_loss values ('behind')")
	if taken := s.value(behind, timeline); taken <= given {
		s.Errorf("%s began timeline %s, and %s after it %s", second.Name, given, behind.Name, taken)
	}
	s.must(second.Start())
	s.must(first.Start())
	s.awaitHealthy(behind)

	s.expectFailovers(second, behind)
	for _, n := range []*harness.Node{first, second} {
		s.nodeHolds(n, "select array_agg(node order by node) = '{all,behind}' from accepted_loss")
		if s.folderID(n) != folders[n] {
			s.Errorf("%s returned by a base backup, not by rewind", n.Name)
		}
	}
	s.operator("set", "node", "replication-quorum", "--name", behind.Name, "true")
	s.operator("set", "formation", "number-sync-standbys", "1")
	s.awaitHealthy(behind)
	writer := s.write(harness.WriterOptions{Name: "after the accepted loss"})
	s.settle(writer, 5*time.Second)
}
