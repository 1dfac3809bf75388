package cluster

import (
	"time"

	"pgaf/regress/harness"
)

// lostInTurn kills the primary of three nodes, and then its successor: the last node goes on alone. The lost ones rejoin by rewind.
func lostInTurn(s *story) {
	writer := s.write(harness.WriterOptions{Name: "lost in turn"})
	first, standbys := s.roles()
	folders := map[*harness.Node]uint64{}
	for _, n := range s.Nodes {
		folders[n] = s.folderID(n)
	}

	before := time.Now()
	s.must(first.KillAll())
	second := s.newPrimary(first)
	third := standbys[0]
	if third == second {
		third = standbys[1]
	}
	s.awaitWrites(writer)
	s.await(harness.Want{second.Name: "primary", third.Name: "secondary"})
	s.Logf("%s killed, %s took over: largest gap %s", first.Name, second.Name, writer.LargestGap(before))

	before = time.Now()
	s.must(second.KillAll())
	s.await(harness.Want{third.Name: "wait_primary"})
	s.awaitWrites(writer)
	s.Logf("%s killed, %s took over: largest gap %s", second.Name, third.Name, writer.LargestGap(before))

	s.must(second.Start())
	s.must(first.Start())
	s.awaitHealthy(third)
	s.awaitWrites(writer)
	s.settle(writer, 8*time.Second)
	s.expectFailovers(second, third)
	s.expectSameData(third, first, second)
	for n, folder := range folders {
		if s.folderID(n) != folder {
			s.Errorf("%s returned by a base backup, not by rewind", n.Name)
		}
	}
}
