package main

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"pgaf/monitor"
)

func TestExplainText(t *testing.T) {
	since := time.Date(2026, 11, 21, 4, 5, 6, 0, time.Local)
	got := explainText("default", 0, []monitor.Explanation{
		{NodeID: 1, NodeName: "node_a", Reported: monitor.StateWaitPrimary, Assigned: monitor.StateWaitPrimary,
			Doing: "accepts writes", WaitingFor: "a standby", Since: since, Rule: "standby_lost"},
		{NodeID: 2, NodeName: "node_b", Reported: monitor.StateDemoted, Assigned: monitor.StateCatchingup, Doing: "rejoins"},
		{Doing: "no failover is possible", Action: "repair node_b"},
	}, since.Add(90*time.Second))
	want := `formation default, group 0
  doing        no failover is possible
  you can      repair node_b

node_a (1): wait_primary
  doing        accepts writes
  waiting for  a standby
  since        04:05:06 (1m30s)
  rule         standby_lost

node_b (2): demoted ➜ catchingup
  doing        rejoins

`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("explain (-want +got):\n%s", diff)
	}
}

func TestExplainJSONOfTheGroupHasNoNode(t *testing.T) {
	for id, want := range map[int64]string{groupItself: "null", 7: "7"} {
		text, err := json.Marshal(newExplainRow(0, monitor.Explanation{NodeID: id}))
		if err != nil {
			t.Fatal(err)
		}
		var row map[string]json.RawMessage
		if err := json.Unmarshal(text, &row); err != nil {
			t.Fatal(err)
		}
		if got := string(row["node_id"]); got != want {
			t.Errorf("node_id is %s, want %s", got, want)
		}
	}
}
