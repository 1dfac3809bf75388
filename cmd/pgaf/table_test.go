package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"pgaf/monitor"
)

// rendered compares what write prints with the lines of want, given with a
// leading line break for readability.
func rendered(t *testing.T, table *table, want string) {
	t.Helper()
	var b strings.Builder
	if err := table.write(&b); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.TrimPrefix(want, "\n"), b.String()); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
}

func TestStateTable(t *testing.T) {
	rendered(t, stateTable([]monitor.Node{
		{ID: 1, Name: "node_a", Host: "127.0.0.1", Port: 6010, TLI: 1, LSN: 0x3000148, Health: monitor.HealthGood,
			Reported: monitor.StatePrimary, Assigned: monitor.StatePrimary},
		{ID: 12, Name: "b", Host: "::1", Port: 6011, TLI: 1, Health: monitor.HealthBad,
			Reported: monitor.StateDemoteTimeout, Assigned: monitor.StateDemoted},
		{ID: 13, Name: "c", Host: "c", Port: 5432, TLI: 2, Health: monitor.HealthUnknown,
			Reported: monitor.StateWaitMaintenance, Assigned: monitor.StateMaintenance},
	}), `
  Name |  Node |      Host:Port |       TLI: LSN |   Connection |      Reported State |      Assigned State
-------+-------+----------------+----------------+--------------+---------------------+--------------------
node_a |     1 | 127.0.0.1:6010 |   1: 0/3000148 |   read-write |             primary |             primary
     b |    12 |     [::1]:6011 |         1: 0/0 |       none ! |      demote_timeout |             demoted
     c |    13 |         c:5432 |         2: 0/0 |  read-only ? |    wait_maintenance |         maintenance

`)
}

func TestStateTableWithoutNodes(t *testing.T) {
	rendered(t, stateTable(nil), `
Name |  Node |  Host:Port |  TLI: LSN |   Connection |      Reported State |      Assigned State
-----+-------+------------+-----------+--------------+---------------------+--------------------

`)
}

func TestStateTableOfCitusNamesTheGroup(t *testing.T) {
	table := stateTable([]monitor.Node{{ID: 3, GroupID: 2, FormationKind: "citus"}})
	if got := table.rows[0][1]; got != "2/3" {
		t.Errorf("node is shown as %q, want 2/3", got)
	}
}

func TestEventTable(t *testing.T) {
	at := time.Date(2026, 11, 21, 4, 5, 6, 123456000, time.Local)
	zone := at.Format("-07")
	rendered(t, eventTable([]monitor.Event{
		{Time: at, NodeID: 1, Reported: monitor.StateInit, Assigned: monitor.StateSingle, Description: "first node"},
		{Time: at, NodeID: 22, GroupID: 1, Reported: monitor.StateSingle, Assigned: monitor.StateWaitPrimary, Rule: "standby_joins", Description: "a standby joins"},
	}), `
                    Event Time |   Node |       Current State |      Assigned State |          Rule | Comment
-------------------------------+--------+---------------------+---------------------+---------------+-----------
 2026-11-21 04:05:06.123456`+zone+` |    0/1 |                init |              single |               | first node
 2026-11-21 04:05:06.123456`+zone+` |   1/22 |              single |        wait_primary | standby_joins | a standby joins

`)
}

func TestURITable(t *testing.T) {
	rendered(t, uriTable([]uriRow{
		{Type: "monitor", Name: "monitor", URI: "postgres://autoctl_node@m:5432/pg_auto_failover?sslmode=prefer"},
		{Type: "formation", Name: "default", URI: "postgres://a:1,b:2/postgres?target_session_attrs=read-write&sslmode=prefer"},
	}), `
        Type |    Name | Connection String
-------------+---------+--------------------------------
     monitor | monitor | postgres://autoctl_node@m:5432/pg_auto_failover?sslmode=prefer
   formation | default | postgres://a:1,b:2/postgres?target_session_attrs=read-write&sslmode=prefer

`)
}

func TestSettingsTable(t *testing.T) {
	rendered(t, settingsTable([]monitor.FormationSetting{
		{Context: "formation", Name: "default", Setting: "number_sync_standbys", Value: "1"},
		{Context: "primary", Name: "node_a", Setting: "synchronous_standby_names", Value: "'ANY 1 (pgautofailover_standby_2)'"},
	}), `
  Context |    Name |                   Setting | Value
----------+---------+---------------------------+-----------
formation | default |      number_sync_standbys | 1
  primary |  node_a | synchronous_standby_names | 'ANY 1 (pgautofailover_standby_2)'

`)
}

func TestProgressRows(t *testing.T) {
	var b strings.Builder
	p := newProgress(&b, []monitor.Node{{ID: 1, Name: "node_a", Host: "127.0.0.1", Port: 6010}})
	p.header()
	p.add(monitor.Event{Time: time.Date(2026, 1, 2, 3, 4, 5, 0, time.Local), NodeID: 1, NodeName: "node_a", NodeHost: "127.0.0.1", NodePort: 6010,
		Reported: monitor.StatePrimary, Assigned: monitor.StateDraining})
	want := `    Time |   Name |  Node |      Host:Port |       Current State |      Assigned State
---------+--------+-------+----------------+---------------------+--------------------
03:04:05 | node_a |     1 | 127.0.0.1:6010 |             primary |            draining
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("progress (-want +got):\n%s", diff)
	}
}
