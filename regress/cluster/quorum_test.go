package cluster

import (
	"strings"
	"time"

	"pgaf/regress/harness"
)

// quorumFalse takes one standby out of the replication quorum: no commit waits for it, whether it is the only one that streams or
// the only one that does not. It may still be ahead of those that count, and a failover loses nothing that was acknowledged.
func quorumFalse(s *story) {
	writer := s.write(harness.WriterOptions{Name: "quorum false"})
	primary, standbys := s.roles()
	apart, counting := standbys[0], standbys[1:]
	s.operator("set", "node", "replication-quorum", "--name", apart.Name, "false")
	s.awaitHealthy(primary)
	states, err := s.States(s.soon())
	s.must(err)
	if names := s.operator("show", "standby-names"); strings.Contains(names, standbyName(states[apart.Name].ID)) {
		s.Errorf("synchronous_standby_names has %s, which has quorum false: %s", apart.Name, names)
	}

	s.must(apart.Freeze())
	s.awaitWrites(writer)
	s.must(apart.Thaw())
	s.awaitHealthy(primary)

	for _, n := range counting {
		s.must(n.Freeze())
	}
	s.expectNoAcknowledgement(writer, time.Now(), 5*time.Second)
	for _, n := range counting {
		s.must(n.Thaw())
	}
	s.awaitHealthy(primary)
	s.awaitWrites(writer)

	before := time.Now()
	s.must(primary.KillAll())
	successor := s.newPrimary(primary)
	s.awaitWrites(writer)
	s.Logf("%s killed, %s took over: largest gap %s", primary.Name, successor.Name, writer.LargestGap(before))
	s.must(primary.Start())
	s.awaitHealthy(successor)
	s.operator("set", "node", "replication-quorum", "--name", apart.Name, "true")
	s.awaitHealthy(successor)
	s.settle(writer, 20*time.Second)
	s.expectFailovers(successor)
	s.expectSameData(successor, primary)
}
