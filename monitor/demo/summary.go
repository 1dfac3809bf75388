package demo

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Summary is what the last run left in the tables.
type Summary struct {
	Writes     int64
	LargestGap time.Duration // without any acknowledged write
	Clients    []ClientSummary
	Histogram  []Bucket
}

// ClientSummary is one client: how many writes, and how long it took to have a
// connection for one.
type ClientSummary struct {
	Client, Writes, Retried   int64
	SleepMS, CapMS            int64
	Median, P90, P99, Longest time.Duration
}

// Bucket is how many connections took between two times.
type Bucket struct {
	From, To time.Duration
	Count    int64
}

// buckets is the number of buckets of the histogram.
const buckets = 18

// Summarise reads the tables.
func Summarise(ctx context.Context, uri string) (s Summary, err error) {
	conn, err := open(ctx, uri)
	if err != nil {
		return s, fmt.Errorf("connect to the formation: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	var gap int64
	err = conn.QueryRow(ctx, `select count(*), coalesce((extract(epoch from max(gap)) * 1e6)::bigint, 0)
		from (select ts - lag(ts) over (order by ts) as gap from demo.tracking) as t`).Scan(&s.Writes, &gap)
	if err == nil {
		s.LargestGap = micro(gap)
		s.Clients, err = clients(ctx, conn)
	}
	if err == nil {
		s.Histogram, err = histogram(ctx, conn)
	}
	if err != nil {
		return s, fmt.Errorf("read the tables of schema demo: %w", err)
	}
	return s, nil
}

func clients(ctx context.Context, conn *pgx.Conn) ([]ClientSummary, error) {
	rows, err := conn.Query(ctx, `select t.client, count(*), count(*) filter (where t.retries > 0),
		       coalesce(max(c.retry_sleep_ms), 0), coalesce(max(c.retry_cap_ms), 0),
		       percentile_disc(0.5) within group (order by t.us), percentile_disc(0.9) within group (order by t.us),
		       percentile_disc(0.99) within group (order by t.us), max(t.us)
		  from demo.tracking as t left join demo.client as c using (client) group by t.client order by t.client`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (c ClientSummary, err error) {
		var times [4]int64
		err = row.Scan(&c.Client, &c.Writes, &c.Retried, &c.SleepMS, &c.CapMS, &times[0], &times[1], &times[2], &times[3])
		c.Median, c.P90, c.P99, c.Longest = micro(times[0]), micro(times[1]), micro(times[2]), micro(times[3])
		return c, err
	})
}

// histogram has buckets of equal width between the shortest and the longest time.
func histogram(ctx context.Context, conn *pgx.Conn) ([]Bucket, error) {
	rows, err := conn.Query(ctx, `with bounds as (select min(us) as least, max(us) + 1 as most from demo.tracking)
		select least + (most - least) * (b - 1) / $1, least + (most - least) * b / $1,
		       (select count(*) from demo.tracking where width_bucket(us, least, most, $1) = b)
		  from bounds, generate_series(1, $1) as b where least is not null order by b`, buckets)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (b Bucket, err error) {
		var from, to int64
		err = row.Scan(&from, &to, &b.Count)
		b.From, b.To = micro(from), micro(to)
		return b, err
	})
}

func micro(us int64) time.Duration { return time.Duration(us) * time.Microsecond }
