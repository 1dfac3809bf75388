package demo

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
)

// writer is one client. Each has a patience of its own, as applications do.
type writer struct {
	number     int
	uri        string
	log        *slog.Logger
	base, most time.Duration // pauses between attempts to connect

	failures     int // of writes that had to be made again
	acknowledged int64
}

func newWriter(number int, o Options) *writer {
	base := time.Duration(5+rand.IntN(45)) * time.Millisecond
	return &writer{number: number, uri: o.URI, log: o.Logger, base: base, most: base + time.Duration(rand.IntN(500))*time.Millisecond}
}

// run writes until ctx ends. A write whose answer was lost is made again: only
// acknowledged ones count.
func (w *writer) run(ctx context.Context) {
	for loop := 1; ctx.Err() == nil; loop++ {
		begun := time.Now()
		retries := 0
		for pause := w.base; ctx.Err() == nil; retries++ {
			if w.write(ctx, loop, retries, begun) == nil {
				w.acknowledged++
				break
			}
			wait(ctx, pause)
			pause = min(w.most, time.Duration(rand.Int64N(int64(2*pause)))+w.base)
		}
		if retries > 0 && ctx.Err() == nil {
			w.failures++
			w.log.Info("a write took more than one attempt", "client", w.number, "attempts", retries+1, "took", time.Since(begun).Round(time.Millisecond))
		}
		wait(ctx, time.Duration(10+rand.IntN(190))*time.Millisecond)
	}
	w.sayGoodbye(context.WithoutCancel(ctx))
}

// write connects and writes one row.
func (w *writer) write(ctx context.Context, loop, retries int, begun time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, attemptLimit)
	defer cancel()
	conn, err := open(ctx, w.uri)
	if err != nil {
		return err
	}
	defer leave(conn)
	took := time.Since(begun).Microseconds()
	_, err = conn.Exec(ctx, `insert into demo.tracking (client, loop, retries, us, recovery) values ($1, $2, $3, $4, pg_is_in_recovery())`,
		w.number, loop, retries, took)
	return err
}

// sayGoodbye writes what kind of client this was, for the summary.
func (w *writer) sayGoodbye(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, attemptLimit)
	defer cancel()
	conn, err := open(ctx, w.uri)
	if err == nil {
		defer leave(conn)
		_, err = conn.Exec(ctx, `insert into demo.client values ($1, pg_backend_pid(), $2, $3, $4) on conflict do nothing`,
			w.number, w.base.Milliseconds(), w.most.Milliseconds(), w.failures)
	}
	if err != nil {
		w.log.Warn("the summary lacks a client", "client", w.number, "error", err)
	}
}

// leave closes a connection whose server may be gone.
func leave(conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = conn.Close(ctx)
}

func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
