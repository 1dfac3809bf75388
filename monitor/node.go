package monitor

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pglogrepl"
	"github.com/jackc/pgx/v5"
)

// Health is the result of the monitor's health checks of a node.
type Health int

const (
	HealthUnknown Health = -1 // never checked
	HealthBad     Health = 0
	HealthGood    Health = 1
)

// String is the spelling of notifications: good, bad, unknown.
func (h Health) String() string {
	switch h {
	case HealthGood:
		return "good"
	case HealthBad:
		return "bad"
	}
	return "unknown"
}

// Node is a row of current_state() with what table node adds to it.
type Node struct {
	ID                int64
	Formation         string
	FormationKind     string // pgsql or citus
	GroupID           int
	Name              string
	Host              string
	Port              int
	Reported          State
	Assigned          State
	CandidatePriority int
	ReplicationQuorum bool
	TLI               int
	LSN               pglogrepl.LSN // 0 while unknown
	// ReplicationLagBytes is how far LSN is behind the highest one that a
	// writable node of the group (without one: any node) reported; -1 unknown.
	ReplicationLagBytes int64
	Health              Health
	HealthSign          Sign   // last sign of the health check, "" before the first
	HealthMessage       string // what Postgres answered when it answered with an error
	Cluster             string // "default", or the name of a Citus read-only cluster
	Region              string
	PgIsRunning         bool
	SyncState           string   // best sync_state of the node's standbys, as reported
	Activity            string   // what takes the node long just now: "copying 42 %"; "" nothing, or not to be seen
	PendingRestart      []string // settings of Postgres that a restart would change
	SystemIdentifier    uint64   // 0 while unknown
	PostgresVersion     string   // "15.20", "" while unknown
	ReportTime          time.Time
	WALReportTime       time.Time
	HealthTime          time.Time
	StateChangeTime     time.Time
}

// Converged reports whether the node has reached what it was told to become.
func (n Node) Converged() bool { return n.Reported == n.Assigned }

// nodeQuery yields what scanNode reads.
const nodeQuery = `
SELECT n.nodeid, n.formationid, s.formation_kind, s.group_id, s.nodename, s.nodehost, s.nodeport,
       s.current_group_state::text, s.assigned_group_state::text, s.candidate_priority, s.replication_quorum,
       s.reported_tli, s.reported_lsn::text, s.health, coalesce(n.healthsign, ''), coalesce(n.healthmessage, ''),
       s.nodecluster, s.noderegion, coalesce(n.reportedpgisrunning, false), coalesce(n.reportedrepstate, ''),
       coalesce(n.sysidentifier, 0), coalesce(n.pg_version, ''),
       n.reporttime, n.walreporttime, n.healthchecktime, n.statechangetime,
       coalesce((SELECT split_part(a.application_name, '` + activitySeparator + `', 2)
                   FROM pg_catalog.pg_stat_get_activity(coalesce(n.sessionpid, 0)) AS a
                  WHERE a.application_name LIKE 'pgautofailover\_keeper\_%'), ''),
       ARRAY(SELECT y.name FROM pgautofailover.node_setting AS y WHERE y.nodeid = n.nodeid AND y.pending ORDER BY y.name)
  FROM pgautofailover.formation AS f
 CROSS JOIN LATERAL pgautofailover.current_state(f.formationid) AS s
  JOIN pgautofailover.node AS n ON n.nodeid = s.node_id
 WHERE ($1::text IS NULL OR f.formationid = $1::text) AND ($2::int IS NULL OR s.group_id = $2::int)
 ORDER BY f.formationid, s.group_id, s.node_id`

func scanNode(row pgx.CollectableRow) (Node, error) {
	var n Node
	var lsn string
	var sysid int64
	err := row.Scan(&n.ID, &n.Formation, &n.FormationKind, &n.GroupID, &n.Name, &n.Host, &n.Port,
		&n.Reported, &n.Assigned, &n.CandidatePriority, &n.ReplicationQuorum,
		&n.TLI, &lsn, &n.Health, &n.HealthSign, &n.HealthMessage,
		&n.Cluster, &n.Region, &n.PgIsRunning, &n.SyncState,
		&sysid, &n.PostgresVersion,
		&n.ReportTime, &n.WALReportTime, &n.HealthTime, &n.StateChangeTime, &n.Activity, &n.PendingRestart)
	if err != nil {
		return n, err
	}
	n.SystemIdentifier = uint64(sysid)
	n.LSN, err = pglogrepl.ParseLSN(lsn)
	return n, err
}

// CurrentState reads the nodes of a formation ("" = all formations) and group
// (nil = all), ordered by formation, group and node id, dropped ones included.
func (c *Client) CurrentState(ctx context.Context, formation string, group *int) ([]Node, error) {
	nodes, err := rows(ctx, c, "read the state of "+scope(formation, group), scanNode,
		nodeQuery, nullable(formation), group)
	fillLag(nodes)
	return nodes, err
}

// NodeByID reads one node; found is false when the monitor does not know it.
func (c *Client) NodeByID(ctx context.Context, id int64) (n Node, found bool, err error) {
	return c.findNode(ctx, fmt.Sprintf("find node %d", id), func(n Node) bool { return n.ID == id })
}

// NodeByName reads one node of a formation.
func (c *Client) NodeByName(ctx context.Context, formation, name string) (n Node, found bool, err error) {
	return c.findNode(ctx, fmt.Sprintf("find node %q in formation %q", name, formation),
		func(n Node) bool { return n.Formation == formation && n.Name == name })
}

// NodeByHost reads the node with that address, in whichever formation.
func (c *Client) NodeByHost(ctx context.Context, host string, port int) (n Node, found bool, err error) {
	return c.findNode(ctx, fmt.Sprintf("find node %s:%d", host, port),
		func(n Node) bool { return n.Host == host && n.Port == port })
}

func (c *Client) findNode(ctx context.Context, doing string, is func(Node) bool) (Node, bool, error) {
	nodes, err := c.CurrentState(ctx, "", nil)
	if err != nil {
		return Node{}, false, fmt.Errorf("%s: %w", doing, err)
	}
	for _, n := range nodes {
		if is(n) {
			return n, true, nil
		}
	}
	return Node{}, false, nil
}

// fillLag computes ReplicationLagBytes of nodes that were read together.
func fillLag(nodes []Node) {
	type group struct {
		formation string
		id        int
	}
	type reference struct {
		lsn      pglogrepl.LSN
		writable bool
	}
	highest := make(map[group]reference)
	for _, n := range nodes {
		key := group{n.Formation, n.GroupID}
		have, writable := highest[key], n.Reported.Writable()
		if writable && !have.writable || writable == have.writable && n.LSN > have.lsn {
			highest[key] = reference{n.LSN, writable}
		}
	}
	for i := range nodes {
		n := &nodes[i]
		ref := highest[group{n.Formation, n.GroupID}].lsn
		switch {
		case n.LSN == 0 || ref == 0:
			n.ReplicationLagBytes = -1
		case n.LSN < ref:
			n.ReplicationLagBytes = int64(ref - n.LSN)
		}
	}
}

// scope names a formation and group in messages.
func scope(formation string, group *int) string {
	text := "all formations"
	if formation != "" {
		text = fmt.Sprintf("formation %q", formation)
	}
	if group != nil {
		text += fmt.Sprintf(", group %d", *group)
	}
	return text
}

// nullable is NULL for the empty string.
func nullable(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
