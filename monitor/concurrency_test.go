package monitor

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
)

// Heartbeats, health reports and ticks of many groups at the same time get
// along: no deadlock, no error.
func TestConcurrentCallsGetAlong(t *testing.T) {
	s := sharedServer(t)
	uri, _ := s.newMonitor(t)
	c := open(t, uri)
	const groups, rounds = 12, 60
	var all []*group
	var verdicts []NodeVerdict
	for i := range groups {
		name := fmt.Sprintf("f%d", i)
		if _, err := c.CreateFormation(t.Context(), Formation{ID: name, Kind: "pgsql", Database: "postgres", OptSecondary: true}); err != nil {
			t.Fatal(err)
		}
		g, first, second := twoNodes(t, c, name, 10_000+2*i)
		all = append(all, g)
		verdicts = append(verdicts, NodeVerdict{NodeID: first}, NodeVerdict{NodeID: second})
	}
	var calls sync.WaitGroup
	var deadlocks atomic.Int32
	check := func(err error) {
		if SQLState(err) == "40P01" {
			deadlocks.Add(1)
		} else if err != nil {
			t.Error(err)
		}
	}
	for worker := range 4 {
		own := open(t, uri)
		calls.Go(func() {
			for round := 0; round < rounds && deadlocks.Load() == 0; round++ {
				for i := worker; i < groups; i += 4 {
					for _, r := range all[i].nodes {
						_, err := own.NodeActive(t.Context(), *r)
						if SQLState(err) == "55000" { // another connection opened a session for this node meanwhile
							err = own.OpenSession(t.Context(), r.NodeID)
						}
						check(err)
					}
				}
			}
		})
	}
	own, ticker := open(t, uri), open(t, uri)
	calls.Go(func() {
		signs := []Verdict{{HealthGood, SignOK, ""}, {HealthUnknown, SignReset, ""}, {HealthUnknown, SignRefused, ""}, {HealthBad, SignRefused, ""}, {HealthBad, SignRefused, ""}}
		for round := 0; round < rounds && deadlocks.Load() == 0; round++ {
			list := append([]NodeVerdict(nil), verdicts...)
			for i := range list {
				list[i].Verdict = signs[(round+i)%len(signs)]
			}
			check(own.ReportHealth(t.Context(), list))
		}
	})
	calls.Go(func() {
		for round := 0; round < rounds && deadlocks.Load() == 0; round++ {
			keeper, err := Connect(t.Context(), uri) // whose session ends, which tick notices
			if err != nil {
				t.Error(err)
				return
			}
			for i := range verdicts {
				if (i+round)%3 == 0 {
					check(keeper.OpenSession(t.Context(), verdicts[i].NodeID))
				}
			}
			closeQuietly(keeper)
			_, err = ticker.Tick(t.Context())
			check(err)
		}
	})
	calls.Wait()
	if n := deadlocks.Load(); n > 0 {
		t.Errorf("%d deadlocks", n)
	}
}
