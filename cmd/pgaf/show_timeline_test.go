package main

import (
	"strings"
	"testing"

	"pgaf/monitor"
)

func TestTimelines(t *testing.T) {
	switches := []monitor.TimelineSwitch{
		{NodeID: 1, TLI: 2, ParentTLI: 1, SwitchLSN: 0x3000},
		{NodeID: 2, TLI: 2, ParentTLI: 1, SwitchLSN: 0x3000},
		{NodeID: 1, TLI: 3, ParentTLI: 2, SwitchLSN: 0x5000},
		{NodeID: 2, TLI: 3, ParentTLI: 2, SwitchLSN: 0x6000}, // another timeline of the same number
	}
	view := newTimelines(switches, []monitor.TimelineStatus{
		{NodeID: 1, NodeName: "a", TLI: 4, LSN: 0x7000, ReferenceTLI: 4, OnAcceptedLineage: true},
		{NodeID: 2, NodeName: "b", TLI: 3, LSN: 0x6100, ReferenceTLI: 4},
		{NodeID: 3, NodeName: "c", TLI: 1, ReferenceTLI: 4},
	})
	if len(view.History) != 3 {
		t.Errorf("the switches are %v, want each once", view.History)
	}
	// Nobody has reported where timeline 4 comes from: b and c may be its past.
	if view.forked() || view.Nodes[1].OnLineage != nil {
		t.Errorf("a fork without its history: %+v", view.Nodes)
	}

	view = newTimelines(append(switches, monitor.TimelineSwitch{NodeID: 1, TLI: 4, ParentTLI: 2, SwitchLSN: 0x5800}), []monitor.TimelineStatus{
		{NodeID: 1, NodeName: "a", TLI: 4, LSN: 0x7000, ReferenceTLI: 4, OnAcceptedLineage: true},
		{NodeID: 2, NodeName: "b", TLI: 3, LSN: 0x6100, ReferenceTLI: 4},
		{NodeID: 3, NodeName: "c", TLI: 1, ReferenceTLI: 4},
	})
	if !view.forked() || view.Nodes[2].OnLineage != nil {
		t.Errorf("the fork of b is not seen, or c is one: %+v", view.Nodes)
	}
	var b strings.Builder
	if err := view.write(&b); err != nil {
		t.Fatal(err)
	}
	want := `     TLI | Parent TLI | Switchpoint LSN
---------+------------+----------------
       2 |          1 |          0/3000
       3 |          2 |          0/5000
       3 |          2 |          0/6000
       4 |          2 |          0/5800

                Name | NodeId |  TLI |         LSN | Status
---------------------+--------+------+-------------+-------
                   a |      1 |    4 |      0/7000 | ok
                   b |      2 |    3 |      0/6100 | FORK: not part of the history of timeline 4
                   c |      3 |    1 |         0/0 | unknown: has not reported a position

`
	if b.String() != want {
		t.Errorf("the tables are\n%s\nwant\n%s", b.String(), want)
	}
}
