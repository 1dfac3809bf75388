package tui

import (
	"testing"
	"time"

	"pgaf/monitor"
)

func TestAgesAreCountedOnTheMonitorsClock(t *testing.T) {
	var p picture
	u := sampleUpdate()
	u.Now = noon.Add(-3 * time.Hour) // the two clocks differ
	u.Nodes[0].ReportTime = u.Now.Add(-2 * time.Second)
	p.apply(u, noon)
	if got := p.age(u.Nodes[0].ReportTime, noon.Add(5*time.Second)); got != 7*time.Second {
		t.Errorf("reported 2s before it was read 5s ago: age %v", got)
	}
}

func TestPictureKeepsWhatItKnowsWhenTheMonitorIsLost(t *testing.T) {
	var p picture
	p.apply(sampleUpdate(), noon)
	p.apply(monitor.Update{Err: errRefused}, noon.Add(time.Minute))
	p.apply(monitor.Update{Err: errRefused}, noon.Add(2*time.Minute))
	if len(p.nodes) != 2 || len(p.events) != 3 || p.formation == nil || !p.stale() {
		t.Errorf("the last picture is lost: %+v", p)
	}
	if !p.since.Equal(noon.Add(time.Minute)) || p.reason != errRefused {
		t.Errorf("lost since %v because of %v", p.since, p.reason)
	}
	p.apply(monitor.Update{Connected: true, Nodes: []monitor.Node{}, Now: noon}, noon.Add(3*time.Minute))
	if p.stale() || p.reason != nil || len(p.nodes) != 0 || len(p.events) != 3 {
		t.Errorf("after the reconnect: %+v", p)
	}
}

// The bus merges updates that were not taken yet: one may hold news and say
// that the connection is lost.
func TestPictureTakesNewsOfALostConnection(t *testing.T) {
	var p picture
	u := sampleUpdate()
	u.Connected, u.Err = false, errRefused
	p.apply(u, noon)
	if len(p.nodes) != 2 || len(p.events) != 3 || !p.stale() {
		t.Errorf("news are lost: %+v", p)
	}
}

func TestEventsAreSortedNewestFirstAndBounded(t *testing.T) {
	var p picture
	for i := range keptEvents {
		p.apply(monitor.Update{Connected: true, Events: []monitor.Event{{ID: int64(2*i + 1)}, {ID: int64(2 * i)}}}, noon)
	}
	if len(p.events) != keptEvents {
		t.Fatalf("%d events are kept, want %d", len(p.events), keptEvents)
	}
	for i, e := range p.events {
		if want := int64(2*keptEvents - 1 - i); e.ID != want {
			t.Fatalf("event %d has id %d, want %d", i, e.ID, want)
		}
	}
	p.apply(monitor.Update{Connected: true, Reset: true, Events: []monitor.Event{{ID: 7}}}, noon)
	if len(p.events) != 1 {
		t.Errorf("%d events after another history began, want 1", len(p.events))
	}
}
