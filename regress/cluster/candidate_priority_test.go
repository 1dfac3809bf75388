package cluster

import (
	"strconv"
	"time"

	"pgaf/regress/harness"
)

// candidatePriorityZero gives one standby candidate priority 0. The other one takes over; when that is lost as well, nobody does, and
// writes wait until a node that may be primary is back.
func candidatePriorityZero(s *story) {
	writer := s.write(harness.WriterOptions{Name: "priority 0"})
	first, standbys := s.roles()
	never, second := standbys[0], standbys[1]
	s.setPriority(never, 0, first)

	before := time.Now()
	s.must(first.KillAll())
	s.await(harness.Want{second.Name: "primary", never.Name: "secondary"})
	s.awaitWrites(writer)
	s.Logf("%s killed, %s took over: largest gap %s", first.Name, second.Name, writer.LargestGap(before))

	s.must(second.KillAll())
	lost := time.Now()
	s.expectNoAcknowledgement(writer, lost, 10*time.Second)
	s.must(second.Start())
	s.awaitWrites(writer)
	s.must(first.Start())
	s.awaitHealthy(second)
	s.setPriority(never, 50, second)
	s.settle(writer, 25*time.Second)
	s.expectSameData(second, first, never)

	events, err := s.Events(s.soon(), s.started)
	s.must(err)
	for _, e := range events {
		if e.Node == never.Name && (e.Assigned == "prepare_promotion" || e.Assigned == "wait_primary") {
			s.Errorf("%s has candidate priority 0 and was promoted: %s", never.Name, e)
		}
	}
}

func (s *story) setPriority(n *harness.Node, priority int, primary *harness.Node) {
	s.Helper()
	s.operator("set", "node", "candidate-priority", "--name", n.Name, strconv.Itoa(priority))
	s.awaitHealthy(primary)
}

// standbyName is how a standby calls itself on its primary.
func standbyName(id int64) string { return "pgautofailover_standby_" + strconv.FormatInt(id, 10) }
