package main

import (
	"testing"

	"pgaf/monitor"
)

func TestMaintenanceWatch(t *testing.T) {
	type seen struct {
		reported, assigned monitor.State
		done, fails        bool
	}
	for _, c := range []struct {
		name   string
		states []seen
	}{
		{"a standby", []seen{
			{monitor.StateSecondary, monitor.StateSecondary, false, false},
			{monitor.StateSecondary, monitor.StateMaintenance, false, false},
			{monitor.StateMaintenance, monitor.StateMaintenance, true, false}}},
		{"the primary", []seen{
			{monitor.StatePrimary, monitor.StatePrepareMaintenance, false, false},
			{monitor.StatePrepareMaintenance, monitor.StatePrepareMaintenance, false, false},
			{monitor.StatePrepareMaintenance, monitor.StateMaintenance, false, false},
			{monitor.StateMaintenance, monitor.StateMaintenance, true, false}}},
		{"the primary, whose position is needed", []seen{
			{monitor.StatePrepareMaintenance, monitor.StatePrepareMaintenance, false, false},
			{monitor.StatePrepareMaintenance, monitor.StateReportLSN, false, true}}},
		{"a standby, and the primary is lost", []seen{
			{monitor.StateSecondary, monitor.StateWaitMaintenance, false, false},
			{monitor.StateWaitMaintenance, monitor.StateReportLSN, false, true}}},
	} {
		w := &maintenanceWatch{node: monitor.Node{ID: 1, Name: "a"}, program: "pgaf"}
		for _, s := range c.states {
			done, err := w.begun([]monitor.Node{{ID: 2}, {ID: 1, Reported: s.reported, Assigned: s.assigned}})
			if done != s.done || (err != nil) != s.fails {
				t.Errorf("%s: %s/%s: %v, %v", c.name, s.reported, s.assigned, done, err)
			}
			if err != nil && exitCode(err) != exitMonitor {
				t.Errorf("%s: exit code %d", c.name, exitCode(err))
			}
		}
	}
	w := &maintenanceWatch{node: monitor.Node{ID: 1, Name: "a"}, program: "pgaf"}
	if _, err := w.begun([]monitor.Node{{ID: 2}}); err == nil {
		t.Error("waits for a node that was removed")
	}
}
