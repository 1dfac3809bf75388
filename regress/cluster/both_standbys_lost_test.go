package cluster

import (
	"time"

	"pgaf/regress/harness"
)

// bothStandbysLost kills both standbys. With number_sync_standbys 1, which three nodes have by default, writes wait until a standby is
// back or the operator lowers the number; with 0 they go on as soon as the monitor gives the standbys up. The primary stays what it is.
func bothStandbysLost(s *story) {
	writer := s.write(harness.WriterOptions{Name: "both standbys lost"})
	primary, standbys := s.roles()
	lose := func() time.Time {
		for _, n := range standbys {
			s.must(n.KillAll())
		}
		return time.Now()
	}
	recover := func() {
		for _, n := range standbys {
			s.must(n.Start())
		}
		s.awaitHealthy(primary)
		s.awaitWrites(writer)
	}

	lost := lose()
	s.expectNoAcknowledgement(writer, lost, 5*time.Second)
	recover()

	lost = lose()
	s.expectNoAcknowledgement(writer, lost, time.Second)
	lowered := time.Now()
	s.operator("set", "formation", "number-sync-standbys", "0")
	s.awaitWrites(writer)
	s.Logf("number_sync_standbys lowered to 0: a write is acknowledged %d ms after the command was typed", time.Since(lowered).Milliseconds())
	recover()

	before := time.Now()
	lose()
	s.await(harness.Want{primary.Name: "wait_primary"})
	s.awaitWrites(writer)
	s.Logf("number_sync_standbys 0, both lost: largest gap %s", writer.LargestGap(before))
	if gap := writer.LargestGap(before).Length(); gap > 12*time.Second {
		s.Errorf("with number_sync_standbys 0 writes waited %s for lost standbys", gap)
	}
	recover()
	s.operator("set", "formation", "number-sync-standbys", "1")
	s.awaitHealthy(primary)
	s.settle(writer, 30*time.Second)
	s.expectFailovers()
	s.expectSameData(primary, standbys...)
}
