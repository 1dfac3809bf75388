package cluster

import (
	"strings"
	"time"

	"pgaf/regress/harness"
)

// lostTogether kills the primary and a standby at once. The other standby may lack what that one has acknowledged: it is not promoted,
// and pgaf explain says whom it takes. When the lost standby is back, there is a new primary, without the old one.
func lostTogether(s *story) {
	writer := s.write(harness.WriterOptions{Name: "lost together"})
	primary, standbys := s.roles()
	lost, left := standbys[0], standbys[1]
	// Neither shall hear of the other's end.
	for _, n := range []*harness.Node{primary, lost} {
		s.must(n.Freeze())
	}
	gone := time.Now()
	s.must(primary.KillAll())
	s.must(lost.KillAll())
	s.expectNoAcknowledgement(writer, gone, 8*time.Second)
	s.expectFailovers()
	if explanation := s.operator("explain"); !strings.Contains(explanation, lost.Name) || !strings.Contains(explanation, "--allow-data-loss") {
		s.Errorf("explain does not say that it takes %s or %s, or the acceptance of a loss:\n%s", lost.Name, primary.Name, explanation)
	}

	s.must(lost.Start())
	successor := s.newPrimary(primary)
	s.awaitWrites(writer)
	s.must(primary.Start())
	s.awaitHealthy(successor)
	s.settle(writer, 25*time.Second)
	s.expectFailovers(successor)
	s.expectSameData(successor, primary, left)
}
