package tui

import (
	"testing"
	"time"

	"pgaf/monitor"
)

func TestNotices(t *testing.T) {
	settled := sampleUpdate()
	settled.Nodes[0].Assigned = monitor.StatePrimary

	one := sampleUpdate()
	draining := one.Nodes[0]
	one.Events = append(one.Events, sampleEvent(104, draining, "set_node_region", `"node1" is in region "paris"`))

	silent := sampleUpdate()
	silent.Nodes[0].Health, silent.Nodes[0].HealthSign = monitor.HealthBad, monitor.SignRefused

	two := sampleUpdate()
	two.Nodes[1].Assigned = monitor.StateReportLSN
	two.Nodes[1].StateChangeTime = noon.Add(-65 * time.Second)

	bad := sampleUpdate()
	bad.Nodes[0].Assigned = monitor.StatePrimary
	bad.Nodes[1].Health, bad.Nodes[1].HealthSign = monitor.HealthBad, monitor.SignTimeout

	denied := sampleUpdate()
	denied.Nodes[0].Assigned = monitor.StatePrimary
	denied.Nodes[1].Health, denied.Nodes[1].HealthSign = monitor.HealthBad, monitor.SignStarting
	denied.Nodes[1].HealthMessage = "the database system is starting up"

	for _, tt := range []struct {
		name string
		u    monitor.Update
		want string
	}{
		{"all is well", settled, ""},
		{"the reason is that of the assignment", one,
			"node1 waits 3s: primary > draining (node1 hands over: it finishes its writes and stops)"},
		{"the longest wait comes first", two,
			"node2 waits 1m05s: secondary > report_lsn, node1 waits 3s: primary > draining"},
		{"a wait is not the only thing to say", silent,
			"node1 waits 3s: primary > draining, node1 is unhealthy (refused)"},
		{"unhealthy with its sign", bad, "node2 is unhealthy (timeout)"},
		{"unhealthy with Postgres's words", denied, "node2 is unhealthy (starting: the database system is starting up)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := fixedPicture(tt.u)
			if got := notices(nodeRows(p, noon), p.events); got != tt.want {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}
