package cluster

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"pgaf/regress/harness"
)

// dropAndReturn drops a standby with its data, and the primary from the monitor, which hands over first. The keeper of each ends and
// says why. Created again, both are standbys: the one copies the data, the other, whose folder was kept, rewinds it.
func dropAndReturn(s *story) {
	writer := s.write(harness.WriterOptions{Name: "dropped"})
	primary, standbys := s.roles()
	other, dropped := standbys[0], standbys[1]

	s.on(dropped, "drop", "node", "--destroy")
	s.isGone(dropped)
	if _, err := os.Stat(dropped.PGDATA); !errors.Is(err, fs.ErrNotExist) {
		s.Errorf("drop node --destroy left %s: %v", dropped.PGDATA, err)
	}
	s.await(harness.Want{primary.Name: "primary", other.Name: "secondary"})
	s.awaitWrites(writer)
	s.must(dropped.Create())
	s.awaitHealthy(primary)
	s.awaitWrites(writer)

	before := time.Now()
	s.operator("drop", "node", "--name", primary.Name)
	s.isGone(primary)
	successor := s.newPrimary(primary)
	s.awaitWrites(writer)
	s.Logf("the primary %s dropped, %s took over: largest gap %s", primary.Name, successor.Name, writer.LargestGap(before))
	folder := s.folderID(primary)
	s.must(primary.Create())
	s.awaitHealthy(successor)
	if s.folderID(primary) != folder {
		s.Errorf("%s was copied anew although its data were kept", primary.Name)
	}
	s.settle(writer, 8*time.Second)
	s.expectFailovers(successor)
	s.expectSameData(successor, slices.DeleteFunc(slices.Clone(s.Nodes), func(n *harness.Node) bool { return n == successor })...)
}

// isGone waits until a dropped node's keeper has ended, and Postgres with it.
func (s *story) isGone(n *harness.Node) {
	s.Helper()
	s.must(n.WaitEnd(patience))
	if n.PostmasterPID() != 0 {
		s.Errorf("%s was dropped and its Postgres runs", n.Name)
	}
	if log := harness.Tail(n.LogFile(), 10); !strings.Contains(log, "dropped") {
		s.Errorf("the keeper of %s ended without saying that it was dropped:\n%s", n.Name, log)
	}
	states, err := s.States(s.soon())
	s.must(err)
	if _, known := states[n.Name]; known {
		s.Errorf("%s was dropped and is still known: %s", n.Name, states)
	}
}

// dropDead kills the primary and drops it by force while it is dead. Started again, its keeper says that it was dropped and ends, with
// Postgres stopped; created again, it rejoins with the data it had.
func dropDead(s *story) {
	writer := s.write(harness.WriterOptions{Name: "dropped dead"})
	dead, _ := s.roles()
	before := time.Now()
	s.must(dead.KillAll())
	successor := s.newPrimary(dead)
	s.refused(s.Monitor, 12, "--force", "drop", "node", "--name", dead.Name, "--wait", "1")
	s.operator("drop", "node", "--name", dead.Name, "--force")
	s.awaitWrites(writer)
	s.Logf("%s killed, %s took over: largest gap %s", dead.Name, successor.Name, writer.LargestGap(before))

	s.must(dead.Start())
	s.isGone(dead)
	folder := s.folderID(dead)
	s.must(dead.Create())
	s.awaitHealthy(successor)
	if s.folderID(dead) != folder {
		s.Errorf("%s was copied anew although its data were kept", dead.Name)
	}
	s.settle(writer, 8*time.Second)
	s.expectFailovers(successor)
	s.expectSameData(successor, dead)
}
