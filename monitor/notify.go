package monitor

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Channels of the monitor.
const (
	ChannelState = "state" // JSON, see Notification: one per event
	ChannelLog   = "log"   // text for people
	ChannelCheck = "check" // node id: somebody suspects that node
)

// Notification is the payload of channel state.
type Notification struct {
	Type      string `json:"type"`
	Formation string `json:"formation"`
	GroupID   int    `json:"groupId"`
	NodeID    int64  `json:"nodeId"`
	Name      string `json:"name"`
	Host      string `json:"host"`
	Port      int    `json:"port"`
	Reported  State  `json:"reportedState"`
	Assigned  State  `json:"goalState"`
	Health    string `json:"health"`  // good, bad, unknown
	EventID   int64  `json:"eventId"` // 0 when the monitor is one of pg_auto_failover 2.x
	Rule      string `json:"rule"`
}

// ParseNotification reads the payload of a notification on channel state.
func ParseNotification(payload string) (Notification, error) {
	var n Notification
	if err := json.Unmarshal([]byte(payload), &n); err != nil {
		return n, fmt.Errorf("read notification %.200q: %w", payload, err)
	}
	if n.Type != "state" {
		return n, fmt.Errorf("read notification %.200q: type is %q, expected \"state\"", payload, n.Type)
	}
	return n, nil
}

// Listen subscribes the connection to channels.
func (c *Client) Listen(ctx context.Context, channels ...string) error {
	for _, channel := range channels {
		if err := c.exec(ctx, "listen on "+channel, "LISTEN "+pgx.Identifier{channel}.Sanitize()); err != nil {
			return err
		}
	}
	return nil
}

// WaitForNotification blocks until a notification arrives or ctx ends. In the
// second case the error is the context's, and the connection is as good as
// before; nothing that arrived meanwhile is lost.
func (c *Client) WaitForNotification(ctx context.Context) (channel, payload string, err error) {
	n, err := c.conn.WaitForNotification(ctx)
	if n != nil {
		return n.Channel, n.Payload, nil
	}
	if ctx.Err() != nil && !c.conn.IsClosed() {
		return "", "", ctx.Err()
	}
	return "", "", wrap("wait for notifications", err)
}

var alreadyDone = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

// pendingNotification returns one that has already been received, without
// touching the network.
func (c *Client) pendingNotification() (channel, payload string, ok bool) {
	channel, payload, err := c.WaitForNotification(alreadyDone)
	return channel, payload, err == nil
}
