package monitor

import (
	"context"
	"time"
)

// ReportHealth tells the monitor the results of health checks, all in one
// call; it evaluates the groups concerned.
func (c *Client) ReportHealth(ctx context.Context, verdicts []NodeVerdict) error {
	ids := make([]int64, len(verdicts))
	health := make([]int32, len(verdicts))
	signs := make([]string, len(verdicts))
	messages := make([]string, len(verdicts))
	for i, v := range verdicts {
		ids[i], health[i] = v.NodeID, int32(v.Health)
		signs[i], messages[i] = string(v.Sign), v.Message
	}
	return c.exec(ctx, "report health", `SELECT pgautofailover.report_health($1::bigint[], $2::int[], $3::text[], $4::text[])`,
		ids, health, signs, messages)
}

// Tick evaluates every group in which time may matter and returns how many changed.
func (c *Client) Tick(ctx context.Context) (int, error) {
	return value[int](ctx, c, "evaluate the groups", `SELECT pgautofailover.tick()`)
}

// TickPause is how long the next Tick may wait; at most a second.
func (c *Client) TickPause(ctx context.Context) (time.Duration, error) {
	ms, err := value[float64](ctx, c, "plan the next evaluation",
		`SELECT (extract(epoch FROM pgautofailover.tick_pause()) * 1000)::float8`)
	return time.Duration(ms * float64(time.Millisecond)), err
}

// PurgeEvents applies the retention settings to table event and returns how
// many rows went.
func (c *Client) PurgeEvents(ctx context.Context) (int64, error) {
	return value[int64](ctx, c, "remove old events", `SELECT pgautofailover.purge_events()`)
}

// activeLock is the advisory lock that the active monitor service holds.
const activeLock = `(1886873446, 1)`

// tryActive makes this session the active monitor service unless another one is.
func (c *Client) tryActive(ctx context.Context) (bool, error) {
	return value[bool](ctx, c, "become the active monitor service", `SELECT pg_try_advisory_lock`+activeLock)
}
