package monitor

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// RemoveNodeByID tells a node to go: it is assigned dropped and its row
// disappears when it reports that. With force the row goes at once, for nodes
// that will never come back.
func (c *Client) RemoveNodeByID(ctx context.Context, nodeID int64, force bool) (bool, error) {
	return value[bool](ctx, c, fmt.Sprintf("remove node %d", nodeID),
		`SELECT pgautofailover.remove_node($1::bigint, $2::bool)`, nodeID, force)
}

// RemoveNodeByName is RemoveNodeByID for the node of that name; an unknown
// name is a *SQLError 42704 as an unknown id is.
func (c *Client) RemoveNodeByName(ctx context.Context, formation, name string, force bool) (bool, error) {
	doing := fmt.Sprintf("remove node %q of formation %q", name, formation)
	ids, err := rows(ctx, c, doing, pgx.RowTo[int64],
		`SELECT nodeid FROM pgautofailover.node WHERE formationid = $1 AND nodename = $2`, formation, name)
	if err != nil {
		return false, err
	}
	if len(ids) == 0 {
		return false, unknownNode(doing, "formation \""+formation+"\" has no node \""+name+"\"")
	}
	return value[bool](ctx, c, doing, `SELECT pgautofailover.remove_node($1::bigint, $2::bool)`, ids[0], force)
}

// RemoveNodeByHost is RemoveNodeByID for the node with that address.
func (c *Client) RemoveNodeByHost(ctx context.Context, host string, port int, force bool) (bool, error) {
	return value[bool](ctx, c, fmt.Sprintf("remove node %s:%d", host, port),
		`SELECT pgautofailover.remove_node($1::text, $2::int, $3::bool)`, host, port, force)
}

// unknownNode is the error the monitor gives for a node it does not know.
func unknownNode(doing, message string) error {
	return wrap(doing, &pgconn.PgError{Severity: "ERROR", Code: "42704", Message: message,
		Hint: "pgaf show state lists the nodes"})
}
