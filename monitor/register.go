package monitor

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Registration is what a node says of itself when it joins. Zero values mean:
// Formation "default", Kind "standalone", InitialState init, Cluster and
// Region "default"; DesiredNodeID and DesiredGroupID -1 leave the choice to
// the monitor (NewRegistration sets them).
type Registration struct {
	Formation         string
	Host              string
	Port              int
	Database          string
	Name              string // "" lets the monitor choose
	SystemIdentifier  uint64 // 0 while there is no PGDATA
	DesiredNodeID     int64
	DesiredGroupID    int
	InitialState      State
	Kind              string // standalone, coordinator or worker
	CandidatePriority int
	ReplicationQuorum bool
	Cluster           string
	Region            string
}

// NewRegistration returns a registration with the defaults of the command
// line: any id, any group, candidate priority 50, member of the quorum.
func NewRegistration(formation, host string, port int, database string) Registration {
	return Registration{Formation: formation, Host: host, Port: port, Database: database,
		DesiredNodeID: -1, DesiredGroupID: -1, InitialState: StateInit, Kind: "standalone",
		CandidatePriority: 50, ReplicationQuorum: true, Cluster: "default", Region: "default"}
}

func (r Registration) withDefaults() Registration {
	set := func(field *string, fallback string) {
		if *field == "" {
			*field = fallback
		}
	}
	set(&r.Formation, "default")
	set(&r.Kind, "standalone")
	set(&r.Cluster, "default")
	set(&r.Region, "default")
	if r.InitialState == "" {
		r.InitialState = StateInit
	}
	return r
}

// Registered is the monitor's answer: the first assignment and the name.
type Registered struct {
	Assignment
	Name string
}

// Register adds a node. beforeCommit (may be nil) runs inside the transaction:
// there the caller writes its own files, so that the monitor knows the node if
// and only if they exist; its error undoes the registration. Two registrations
// in one group exclude each other: retry on RetryableRegistration.
func (c *Client) Register(ctx context.Context, r Registration, beforeCommit func(Registered) error) (Registered, error) {
	r = r.withDefaults()
	doing := fmt.Sprintf("register node %s:%d in formation %q", r.Host, r.Port, r.Formation)
	var answer Registered
	err := c.inTx(ctx, doing, func() error {
		row := c.conn.QueryRow(ctx, `
SELECT assigned_node_id, assigned_group_id, assigned_group_state::text, assigned_candidate_priority,
       assigned_replication_quorum, assigned_node_name
  FROM pgautofailover.register_node($1, $2, $3, $4::text::name, $5, $6::bigint, $7::bigint, $8,
       $9::text::pgautofailover.replication_state, $10, $11, $12, $13, $14)`,
			r.Formation, r.Host, r.Port, r.Database, r.Name, int64(r.SystemIdentifier),
			r.DesiredNodeID, r.DesiredGroupID, string(r.InitialState), r.Kind,
			r.CandidatePriority, r.ReplicationQuorum, r.Cluster, r.Region)
		err := row.Scan(&answer.NodeID, &answer.GroupID, &answer.State,
			&answer.CandidatePriority, &answer.ReplicationQuorum, &answer.Name)
		if err != nil {
			return wrap(doing, err)
		}
		if beforeCommit != nil {
			return beforeCommit(answer)
		}
		return nil
	})
	if err != nil {
		return Registered{}, err
	}
	return answer, nil
}

// SetNodeSystemIdentifier tells the monitor which cluster the node is a copy of.
func (c *Client) SetNodeSystemIdentifier(ctx context.Context, nodeID int64, systemIdentifier uint64) error {
	return c.exec(ctx, fmt.Sprintf("set the system identifier of node %d", nodeID),
		`SELECT pgautofailover.set_node_system_identifier($1::bigint, $2::bigint)`, nodeID, int64(systemIdentifier))
}

// SetGroupSystemIdentifier fills in the system identifier of the group's nodes
// that have none, and returns how many those were.
func (c *Client) SetGroupSystemIdentifier(ctx context.Context, group int, systemIdentifier uint64) (int, error) {
	list, err := rows(ctx, c, fmt.Sprintf("set the system identifier of group %d", group), pgx.RowTo[int64],
		`SELECT node_id FROM pgautofailover.set_group_system_identifier($1, $2)`, int64(group), int64(systemIdentifier))
	return len(list), err
}

// Metadata is a change of a node's name and address; nil fields stay.
type Metadata struct {
	Name *string
	Host *string
	Port *int
}

// UpdateNodeMetadata changes a node's name or address.
func (c *Client) UpdateNodeMetadata(ctx context.Context, nodeID int64, m Metadata) error {
	return c.exec(ctx, fmt.Sprintf("update the metadata of node %d", nodeID),
		`SELECT pgautofailover.update_node_metadata($1::bigint, $2, $3, $4)`, nodeID, m.Name, m.Host, m.Port)
}

// SetNodeRegion changes a node's region label.
func (c *Client) SetNodeRegion(ctx context.Context, formation, name, region string) (bool, error) {
	return value[bool](ctx, c, fmt.Sprintf("set the region of node %q to %q", name, region),
		`SELECT pgautofailover.set_node_region($1, $2, $3)`, formation, name, region)
}

// PostgresVersion is what a keeper reports of its Postgres.
type PostgresVersion struct {
	Number int    // server_version_num
	Short  string // server_version
	Long   string // version()
	Citus  string // "" without Citus
}

// ReportPostgresVersion stores the version of a node's Postgres.
func (c *Client) ReportPostgresVersion(ctx context.Context, nodeID int64, v PostgresVersion) error {
	return c.exec(ctx, fmt.Sprintf("report the Postgres version of node %d", nodeID),
		`SELECT pgautofailover.report_postgres_version($1::bigint, $2, $3, $4, $5)`,
		nodeID, v.Number, v.Short, v.Long, nullable(v.Citus))
}
