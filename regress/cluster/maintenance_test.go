package cluster

import (
	"testing"
	"time"

	"pgaf/regress/harness"
)

// TestMaintenance takes each role out of service and back, first of two nodes, then of three.
func TestMaintenance(t *testing.T) {
	s := twoNodes(t)
	s.chapter("last standby", func(s *story) { standbyMaintenance(s, "wait_primary") })
	s.chapter("primary of two", primaryMaintenance)
	s.chapter("primary that is needed", maintenanceCalledOff)
	primary, _ := s.roles()
	_, err := s.AddNode(harness.NodeOptions{})
	s.must(err)
	s.awaitHealthy(primary)
	s.chapter("standby of three", func(s *story) { standbyMaintenance(s, "primary") })
	s.chapter("primary of three", primaryMaintenance)
	s.chapter("standby killed in maintenance", killedInMaintenance)
}

// standbyMaintenance leaves a standby to its operator, who stops its Postgres. Writes go on: meanwhile is the state of the primary.
// --allow-failover makes no difference, and the monitor starts nothing on it.
func standbyMaintenance(s *story, meanwhile string) {
	writer := s.write(harness.WriterOptions{Name: "standby " + meanwhile})
	primary, standbys := s.roles()
	for _, arguments := range [][]string{{}, {"--allow-failover"}} {
		n := standbys[len(standbys)-1]
		s.on(n, append([]string{"enable", "maintenance"}, arguments...)...)
		s.await(harness.Want{primary.Name: meanwhile, n.Name: "maintenance"})
		s.awaitWrites(writer)
		_, err := n.Run(s.within(patience), "pg_ctl", "stop", "--pgdata", n.PGDATA, "--mode", "fast", "--wait")
		s.must(err)
		s.awaitWrites(writer)
		s.must(s.reportsAgain(n))
		if n.PostmasterPID() != 0 {
			s.Errorf("the keeper of %s started Postgres during maintenance", n.Name)
		}
		s.on(n, "disable", "maintenance")
		s.awaitHealthy(primary)
	}
	s.settle(writer, 2*time.Second)
	s.expectFailovers()
	s.expectSameData(primary, standbys...)
}

// primaryMaintenance is refused without --allow-failover, and changes nothing then. With it a standby takes over first, and
// the former primary returns as its standby.
func primaryMaintenance(s *story) {
	writer := s.write(harness.WriterOptions{Name: "primary"})
	careless := s.write(harness.WriterOptions{Name: "careless", SynchronousCommit: "off"})
	primary, _ := s.roles()
	s.refused(primary, 1, "--allow-failover", "enable", "maintenance")
	s.expectNoEvent()
	s.awaitHealthy(primary)

	folder := s.folderID(primary)
	s.on(primary, "enable", "maintenance", "--allow-failover")
	successor := s.newPrimary(primary)
	s.await(harness.Want{primary.Name: "maintenance"})
	s.awaitWrites(writer)
	s.on(primary, "disable", "maintenance")
	s.awaitHealthy(successor)
	s.awaitWrites(writer)
	s.settle(writer, 5*time.Second)
	s.settle(careless, 5*time.Second)
	s.expectFailovers(successor)
	s.expectSameData(successor, primary)
	if s.folderID(primary) != folder {
		s.Errorf("%s returned by a base backup", primary.Name)
	}
}

// maintenanceCalledOff loses the only standby while the primary stops to hand over to it: the primary is needed, its operator is told,
// and it serves again.
func maintenanceCalledOff(s *story) {
	writer := s.write(harness.WriterOptions{Name: "needed"})
	primary, standbys := s.roles()
	s.awaitWrites(writer)
	before := time.Now()
	s.must(standbys[0].Freeze())
	s.refused(primary, 6, "is called off", "enable", "maintenance", "--allow-failover")
	s.await(harness.Want{primary.Name: "wait_primary"})
	s.awaitWrites(writer)
	s.Logf("the maintenance of %s was called off: largest gap %s", primary.Name, writer.LargestGap(before))
	s.must(standbys[0].Thaw())
	s.awaitHealthy(primary)
	s.settle(writer, 60*time.Second)
	s.expectFailovers(primary)
	s.expectSameData(primary, standbys...)
}

// killedInMaintenance kills the primary while one of two standbys is in maintenance: the other takes over, and the one in maintenance
// stays out until its operator says otherwise.
func killedInMaintenance(s *story) {
	writer := s.write(harness.WriterOptions{Name: "killed"})
	primary, standbys := s.roles()
	away, successor := standbys[0], standbys[1]
	s.on(away, "enable", "maintenance")
	s.await(harness.Want{primary.Name: "primary", away.Name: "maintenance", successor.Name: "secondary"})
	before := time.Now()
	s.must(primary.KillAll())
	s.await(harness.Want{successor.Name: "wait_primary", away.Name: "maintenance"})
	s.awaitWrites(writer)
	s.Logf("%s killed, %s took over: largest gap %s", primary.Name, successor.Name, writer.LargestGap(before))
	s.on(away, "disable", "maintenance")
	s.await(harness.Want{successor.Name: "primary", away.Name: "secondary"})
	s.must(primary.Start())
	s.awaitHealthy(successor)
	s.settle(writer, 8*time.Second)
	s.expectFailovers(successor)
	s.expectSameData(successor, primary, away)
}
