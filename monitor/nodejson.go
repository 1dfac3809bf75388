package monitor

import (
	"encoding/json"
	"time"

	"github.com/jackc/pglogrepl"
)

// The JSON forms keep the key names of the SQL columns, which scripts read
// from show state, show events and nodes.json.

type nodeJSON struct {
	Formation         string   `json:"formation"`
	FormationKind     string   `json:"formation_kind"`
	Name              string   `json:"nodename"`
	Host              string   `json:"nodehost"`
	Port              int      `json:"nodeport"`
	GroupID           int      `json:"group_id"`
	ID                int64    `json:"node_id"`
	Reported          State    `json:"current_group_state"`
	Assigned          State    `json:"assigned_group_state"`
	CandidatePriority int      `json:"candidate_priority"`
	ReplicationQuorum bool     `json:"replication_quorum"`
	TLI               int      `json:"reported_tli"`
	LSN               string   `json:"reported_lsn"`
	Lag               int64    `json:"replication_lag_bytes"`
	Health            Health   `json:"health"`
	HealthSign        Sign     `json:"health_sign"`
	HealthMessage     string   `json:"health_message,omitempty"`
	Activity          string   `json:"activity,omitempty"`
	PendingRestart    []string `json:"pending_restart"`
	Cluster           string   `json:"nodecluster"`
	Region            string   `json:"noderegion"`
	ReportTime        string   `json:"report_time"`
	HealthTime        string   `json:"health_time"`
	StateChangeTime   string   `json:"state_change_time"`
}

// MarshalJSON writes the columns of current_state() and some of ours.
func (n Node) MarshalJSON() ([]byte, error) {
	return json.Marshal(nodeJSON{
		Formation: n.Formation, FormationKind: n.FormationKind, Name: n.Name, Host: n.Host, Port: n.Port,
		GroupID: n.GroupID, ID: n.ID, Reported: n.Reported, Assigned: n.Assigned,
		CandidatePriority: n.CandidatePriority, ReplicationQuorum: n.ReplicationQuorum,
		TLI: n.TLI, LSN: n.LSN.String(), Lag: n.ReplicationLagBytes,
		Health: n.Health, HealthSign: n.HealthSign, HealthMessage: n.HealthMessage, Activity: n.Activity,
		PendingRestart: append([]string{}, n.PendingRestart...),
		Cluster:        n.Cluster, Region: n.Region, ReportTime: jsonTime(n.ReportTime),
		HealthTime: jsonTime(n.HealthTime), StateChangeTime: jsonTime(n.StateChangeTime),
	})
}

type peerJSON struct {
	ID        int64  `json:"node_id"`
	Name      string `json:"node_name"`
	Host      string `json:"node_host"`
	Port      int    `json:"node_port"`
	LSN       string `json:"node_lsn"`
	IsPrimary bool   `json:"node_is_primary"`
}

// MarshalJSON writes an element of nodes.json.
func (p PeerNode) MarshalJSON() ([]byte, error) {
	return json.Marshal(peerJSON{p.ID, p.Name, p.Host, p.Port, p.LSN.String(), p.IsPrimary})
}

// UnmarshalJSON reads an element of nodes.json.
func (p *PeerNode) UnmarshalJSON(data []byte) error {
	var j peerJSON
	if err := json.Unmarshal(data, &j); err != nil {
		return err
	}
	lsn, err := pglogrepl.ParseLSN(j.LSN)
	*p = PeerNode{j.ID, j.Name, j.Host, j.Port, lsn, j.IsPrimary}
	return err
}

type eventJSON struct {
	ID                int64  `json:"eventid"`
	Time              string `json:"eventtime"`
	Formation         string `json:"formationid"`
	NodeID            int64  `json:"nodeid"`
	GroupID           int    `json:"groupid"`
	NodeName          string `json:"nodename"`
	NodeHost          string `json:"nodehost"`
	NodePort          int    `json:"nodeport"`
	Reported          State  `json:"reportedstate"`
	Assigned          State  `json:"goalstate"`
	SyncState         string `json:"reportedrepstate"`
	TLI               int    `json:"reportedtli"`
	LSN               string `json:"reportedlsn"`
	CandidatePriority int    `json:"candidatepriority"`
	ReplicationQuorum bool   `json:"replicationquorum"`
	Description       string `json:"description"`
	RulePos           int    `json:"rule_pos,omitempty"`
	Rule              string `json:"rule"`
	RequestedBy       string `json:"requested_by,omitempty"`
	Reason            string `json:"reason,omitempty"`
}

// MarshalJSON writes the columns of table event.
func (e Event) MarshalJSON() ([]byte, error) {
	return json.Marshal(eventJSON{
		ID: e.ID, Time: jsonTime(e.Time), Formation: e.Formation, NodeID: e.NodeID, GroupID: e.GroupID,
		NodeName: e.NodeName, NodeHost: e.NodeHost, NodePort: e.NodePort,
		Reported: e.Reported, Assigned: e.Assigned, SyncState: e.SyncState,
		TLI: e.TLI, LSN: e.LSN.String(), CandidatePriority: e.CandidatePriority,
		ReplicationQuorum: e.ReplicationQuorum, Description: e.Description,
		RulePos: e.RulePos, Rule: e.Rule, RequestedBy: e.RequestedBy, Reason: e.Reason,
	})
}

func jsonTime(t time.Time) string { return t.Format("2006-01-02T15:04:05.000000Z07:00") }
