package monitor

import (
	"context"
	"fmt"
)

// How far a node has come with a copy of its data is shown by the name of its
// keeper's session: it costs no column and no write, and it is gone with the keeper.

// KeeperName is the application_name of the session of a node's keeper. activity is
// what takes the node long just now, such as "copying 42 %", or nothing.
func KeeperName(nodeID int64, activity string) string {
	name := fmt.Sprintf("pgautofailover_keeper_%d", nodeID)
	if activity != "" {
		name += activitySeparator + activity
	}
	return name
}

const activitySeparator = ": "

// ShowActivity changes what the session of this keeper says that its node does.
func (c *Client) ShowActivity(ctx context.Context, nodeID int64, activity string) error {
	return c.exec(ctx, fmt.Sprintf("show what node %d does", nodeID),
		`SELECT pg_catalog.set_config('application_name', $1, false)`, KeeperName(nodeID, activity))
}
