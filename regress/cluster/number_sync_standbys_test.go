package cluster

import (
	"strconv"
	"time"

	"pgaf/regress/harness"
)

// numberSyncStandbys freezes one standby after the other, for each number: a commit waits for as many of the three as the number says,
// and not for more. With 0 it waits for one as long as there is one, and then for nobody.
func numberSyncStandbys(s *story) {
	writer := s.write(harness.WriterOptions{Name: "number_sync_standbys"})
	primary, standbys := s.roles()
	s.refused(s.Monitor, 6, "at least 4 standbys", "set", "formation", "number-sync-standbys", "3")
	s.expectNoEvent()

	for number := range 3 {
		s.operator("set", "formation", "number-sync-standbys", strconv.Itoa(number))
		s.awaitHealthy(primary)
		before := time.Now()
		enough := len(standbys) - max(1, number)
		for i, n := range standbys {
			s.must(n.Freeze())
			frozen := time.Now()
			switch {
			case i < enough:
				s.awaitWrites(writer)
			case number == 0:
				s.await(harness.Want{primary.Name: "wait_primary"})
				s.awaitWrites(writer)
			case i == enough:
				s.expectNoAcknowledgement(writer, frozen, 6*time.Second)
			}
		}
		// Enough for a commit are back; then all.
		for i, n := range standbys {
			s.must(n.Thaw())
			if i+1 >= number {
				s.awaitWrites(writer)
			}
		}
		s.awaitHealthy(primary)
		s.Logf("number_sync_standbys %d: largest gap %s", number, writer.LargestGap(before))
	}
	s.operator("set", "formation", "number-sync-standbys", "1")
	s.awaitHealthy(primary)
	s.settle(writer, 30*time.Second)
	s.expectFailovers()
	s.expectSameData(primary, standbys...)
}
