package monitor

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
)

// Scripts read these keys.
func TestJSONKeys(t *testing.T) {
	for _, c := range []struct {
		value any
		keys  string
	}{
		{Node{}, "assigned_group_state candidate_priority current_group_state formation_kind group_id health node_id " +
			"nodecluster nodehost nodename nodeport noderegion replication_quorum reported_lsn reported_tli"},
		{PeerNode{}, "node_host node_id node_is_primary node_lsn node_name node_port"},
		{Event{}, "candidatepriority description eventid eventtime formationid goalstate groupid nodehost nodeid nodename " +
			"nodeport replicationquorum reportedlsn reportedrepstate reportedstate reportedtli rule"},
		{FormationSetting{}, "context group_id node_id nodename setting value"},
		{FSMEdge{}, "assigned current"},
	} {
		text, err := json.Marshal(c.value)
		if err != nil {
			t.Fatal(err)
		}
		var object map[string]any
		if err := json.Unmarshal(text, &object); err != nil {
			t.Fatal(err)
		}
		have := slices.Sorted(maps.Keys(object))
		for _, key := range strings.Fields(c.keys) {
			if !slices.Contains(have, key) {
				t.Errorf("%T has no key %s: %s", c.value, key, text)
			}
		}
	}
}

func TestPeerNodeJSON(t *testing.T) {
	text := `{"node_id":2,"node_name":"b","node_host":"h","node_port":5433,"node_lsn":"1/3000148","node_is_primary":true}`
	var p PeerNode
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		t.Fatal(err)
	}
	if want := (PeerNode{2, "b", "h", 5433, 0x103000148, true}); p != want {
		t.Errorf("%+v", p)
	}
	if again, err := json.Marshal(p); err != nil || string(again) != text {
		t.Errorf("%s, %v", again, err)
	}
	for _, bad := range []string{`{"node_lsn":"x"}`, `[]`} {
		if err := json.Unmarshal([]byte(bad), &p); err == nil {
			t.Errorf("accepted %s", bad)
		}
	}
}
