package monitor

import (
	"slices"
	"strings"
	"testing"
)

func TestEventLog(t *testing.T) {
	var l eventLog
	l.begin([]Event{{ID: 21}, {ID: 20}, {ID: 23}})
	for _, id := range []int64{20, 21, 23} {
		if !l.add(id) {
			t.Errorf("%d was seen before", id)
		}
	}
	if l.add(21) || l.add(19) {
		t.Error("seen twice, or before the beginning")
	}
	if !l.add(22) {
		t.Error("22 committed after 23 and is lost")
	}
	if from := l.from(); from != 19 {
		t.Errorf("would read again from %d", from)
	}
	if !l.continuedBy([]Event{{ID: 40}}) || !l.continuedBy(nil) || !l.continuedBy([]Event{{ID: 23}}) {
		t.Error("takes its own history for another")
	}
	if l.continuedBy([]Event{{ID: 22}}) {
		t.Error("takes another history for its own")
	}
}

func TestEventLogForgets(t *testing.T) {
	var l eventLog
	l.begin(nil)
	for id := int64(1); id <= 10*eventWindow; id++ {
		if id%100 == 0 {
			continue // rolled back
		}
		if !l.add(id) {
			t.Fatal(id)
		}
	}
	if len(l.ids) > 2*eventWindow {
		t.Errorf("holds %d ids", len(l.ids))
	}
	if l.add(10*eventWindow - 1) {
		t.Error("seen twice")
	}
	if !l.has(1) {
		t.Error("takes the past for new")
	}
}

func TestMergeLosesNothing(t *testing.T) {
	a := Update{Connected: true, Reset: true, Nodes: []Node{{ID: 1}}, Events: []Event{{ID: 1}, {ID: 2}},
		Formations: []Formation{{ID: "default"}}, Messages: []Message{{"log", "a"}}}
	b := Update{Err: errNotConnected}
	c := Update{Connected: true, Nodes: []Node{{ID: 2}}, Events: []Event{{ID: 3}}, Messages: []Message{{"log", "b"}}}
	got := merge(merge(a, b), c)
	if !got.Connected || got.Err != nil || !got.Reset || got.Nodes[0].ID != 2 || len(got.Events) != 3 ||
		got.Events[2].ID != 3 || len(got.Messages) != 2 || len(got.Formations) != 1 {
		t.Errorf("%+v", got)
	}
	if len(a.Events) != 2 {
		t.Error("changed what it was given")
	}
	reset := merge(got, Update{Connected: true, Reset: true, Events: []Event{{ID: 9}}})
	if len(reset.Events) != 1 {
		t.Errorf("after a reset: %+v", reset.Events)
	}
}

func TestParseNotification(t *testing.T) {
	n, err := ParseNotification(`{"type": "state", "formation": "default", "groupId": 0, "nodeId": 12, "name": "a\"b", ` +
		`"host": "h", "port": 5432, "reportedState": "primary", "goalState": "draining", "health":"good", "eventId": 7, "rule": null}`)
	want := Notification{Type: "state", Formation: "default", NodeID: 12, Name: `a"b`, Host: "h", Port: 5432,
		Reported: StatePrimary, Assigned: StateDraining, Health: "good", EventID: 7}
	if err != nil || n != want {
		t.Errorf("%+v, %v", n, err)
	}
	for _, bad := range []string{"", "{", `{"type": "other"}`, `"state"`} {
		if _, err := ParseNotification(bad); err == nil {
			t.Errorf("accepted %q", bad)
		}
	}
}

func TestStateChangeLine(t *testing.T) {
	e := Event{NodeID: 1, NodeName: "node_1", NodeHost: "127.0.0.1", NodePort: 6010, Reported: StatePrimary, Assigned: StateDraining}
	for _, c := range []struct{ rule, description, reason, want string }{
		{"primary_lost", "\"node_1\" is lost", "", `New state for node 1 "node_1" (127.0.0.1:6010): primary ➜ draining  [primary_lost] "node_1" is lost`},
		{"", "was told", "", `New state for node 1 "node_1" (127.0.0.1:6010): primary ➜ draining  was told`},
		{"", "", "", `New state for node 1 "node_1" (127.0.0.1:6010): primary ➜ draining`},
		{"perform_failover", "hands over", "disk", `New state for node 1 "node_1" (127.0.0.1:6010): primary ➜ draining  [perform_failover] hands over (disk)`},
	} {
		e.Rule, e.Description, e.Reason = c.rule, c.description, c.reason
		if got := stateChange(e); got != c.want {
			t.Errorf("%s\nwant %s", got, c.want)
		}
	}
}

func TestVersionComparison(t *testing.T) {
	for _, c := range []struct {
		installed, required string
		remedy              string // a part of it
	}{
		{"3.0", "3.0", ""},
		{"2.0", "3.0", "pg_auto_failover's own monitor"},
		{"3.0", "3.1", "upgrade pgaf on the monitor"},
		{"3.10", "3.9", "upgrade pgaf on this machine"},
	} {
		err := compareVersions(c.installed, c.required)
		if (err == nil) != (c.remedy == "") || err != nil && !contains(err.Error(), c.remedy, c.installed, c.required) {
			t.Errorf("%s, %s: %v", c.installed, c.required, err)
		}
	}
	t.Setenv("PG_AUTOCTL_EXTENSION_VERSION", "9.9")
	if RequiredVersion() == "9.9" {
		t.Error("overridden without PG_AUTOCTL_DEBUG")
	}
	t.Setenv("PG_AUTOCTL_DEBUG", "1")
	if RequiredVersion() != "9.9" {
		t.Error("not overridden")
	}
}

func TestDoorbell(t *testing.T) {
	d := newDoorbell()
	if err := d.sleep(at(0)); err != nil {
		t.Errorf("a sleep that is over: %v", err)
	}
	d.ring()
	d.ring()
	if err := d.sleep(farAway); err != errRung {
		t.Errorf("rung before: %v", err)
	}
	woken := make(chan error)
	go func() { woken <- d.sleep(farAway) }()
	d.ring()
	if err := <-woken; err != errRung {
		t.Error(err)
	}
	if err := d.sleep(at(0)); err != nil {
		t.Errorf("one ring woke twice: %v", err)
	}
}

func TestStatesAreDistinct(t *testing.T) {
	for i, s := range States {
		if slices.Index(States, s) != i || !s.Valid() {
			t.Error(s)
		}
	}
}

func contains(text string, parts ...string) bool {
	for _, part := range parts {
		if !strings.Contains(text, part) {
			return false
		}
	}
	return true
}
