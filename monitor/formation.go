package monitor

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Formation is one row of table formation: groups of nodes that serve the same
// database.
type Formation struct {
	ID                 string `json:"formationid"`
	Kind               string `json:"kind"` // pgsql or citus
	Database           string `json:"dbname"`
	OptSecondary       bool   `json:"opt_secondary"` // nodes may have standbys
	NumberSyncStandbys int    `json:"number_sync_standbys"`
}

func scanFormation(row pgx.CollectableRow) (Formation, error) {
	var f Formation
	err := row.Scan(&f.ID, &f.Kind, &f.Database, &f.OptSecondary, &f.NumberSyncStandbys)
	return f, err
}

const formationQuery = `
SELECT formationid, kind, dbname::text, opt_secondary, number_sync_standbys
  FROM pgautofailover.formation WHERE $1::text IS NULL OR formationid = $1::text ORDER BY formationid`

// Formations lists all formations by name.
func (c *Client) Formations(ctx context.Context) ([]Formation, error) {
	return rows(ctx, c, "list the formations", scanFormation, formationQuery, nullable(""))
}

// Formation reads one formation; found is false when there is none of that name.
func (c *Client) Formation(ctx context.Context, id string) (f Formation, found bool, err error) {
	list, err := rows(ctx, c, fmt.Sprintf("read formation %q", id), scanFormation, formationQuery, &id)
	if err != nil || len(list) == 0 {
		return Formation{}, false, err
	}
	return list[0], true, nil
}

// CreateFormation adds a formation and returns it as stored.
func (c *Client) CreateFormation(ctx context.Context, f Formation) (Formation, error) {
	list, err := rows(ctx, c, fmt.Sprintf("create formation %q", f.ID), scanFormation,
		`SELECT formation_id, kind, dbname::text, opt_secondary, number_sync_standbys
		   FROM pgautofailover.create_formation($1, $2, $3::text::name, $4, $5)`,
		f.ID, f.Kind, f.Database, f.OptSecondary, f.NumberSyncStandbys)
	if err != nil {
		return Formation{}, err
	}
	return list[0], nil
}

// DropFormation removes a formation that has no nodes.
func (c *Client) DropFormation(ctx context.Context, id string) error {
	return c.exec(ctx, fmt.Sprintf("drop formation %q", id), `SELECT pgautofailover.drop_formation($1)`, id)
}

// EnableSecondary allows standbys in a formation.
func (c *Client) EnableSecondary(ctx context.Context, id string) error {
	return c.exec(ctx, fmt.Sprintf("enable secondaries in formation %q", id),
		`SELECT pgautofailover.enable_secondary($1)`, id)
}

// DisableSecondary forbids standbys in a formation that has none.
func (c *Client) DisableSecondary(ctx context.Context, id string) error {
	return c.exec(ctx, fmt.Sprintf("disable secondaries in formation %q", id),
		`SELECT pgautofailover.disable_secondary($1)`, id)
}

// SetFormationNumberSyncStandbys sets how many standbys must have a commit
// before it is acknowledged; the primary then goes through apply_settings.
func (c *Client) SetFormationNumberSyncStandbys(ctx context.Context, id string, number int) (bool, error) {
	return value[bool](ctx, c, fmt.Sprintf("set number_sync_standbys of formation %q to %d", id, number),
		`SELECT pgautofailover.set_formation_number_sync_standbys($1, $2)`, id, number)
}

// FormationSetting is a row of formation_settings(). GroupID and NodeID are
// nil in rows about the formation.
type FormationSetting struct {
	Context string `json:"context"` // formation, primary or node
	GroupID *int   `json:"group_id"`
	NodeID  *int64 `json:"node_id"`
	Name    string `json:"nodename"`
	Setting string `json:"setting"`
	Value   string `json:"value"`
}

// FormationSettings lists the replication settings of a formation.
func (c *Client) FormationSettings(ctx context.Context, id string) ([]FormationSetting, error) {
	scan := func(row pgx.CollectableRow) (s FormationSetting, err error) {
		err = row.Scan(&s.Context, &s.GroupID, &s.NodeID, &s.Name, &s.Setting, &s.Value)
		return s, err
	}
	return rows(ctx, c, fmt.Sprintf("read the settings of formation %q", id), scan,
		`SELECT context, group_id, node_id, coalesce(nodename, ''), setting, coalesce(value, '')
		   FROM pgautofailover.formation_settings($1)`, id)
}

// URIOptions are the parts of a formation's connection string that its user
// chooses. Empty values mean the defaults.
type URIOptions struct {
	Cluster     string // "default"
	SSLMode     string // "prefer"
	SSLRootCert string
	SSLCRL      string
}

// FormationURI is the multi-host connection string for applications; "" when
// the formation has no node in that cluster.
func (c *Client) FormationURI(ctx context.Context, id string, opts URIOptions) (string, error) {
	if opts.Cluster == "" {
		opts.Cluster = "default"
	}
	if opts.SSLMode == "" {
		opts.SSLMode = "prefer"
	}
	return value[string](ctx, c, fmt.Sprintf("read the connection string of formation %q", id),
		`SELECT coalesce(pgautofailover.formation_uri($1, $2, $3, $4, $5), '')`,
		id, opts.Cluster, opts.SSLMode, opts.SSLRootCert, opts.SSLCRL)
}
