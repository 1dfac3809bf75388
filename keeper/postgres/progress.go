package postgres

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/jackc/pglogrepl"
	"github.com/jackc/pgx/v5/pgconn"
)

// System is the answer to IDENTIFY_SYSTEM.
type System struct {
	ID       uint64
	Timeline int
	LSN      LSN // flushed (primary); received or replayed (standby)
}

// Position is where the system is.
func (s System) Position() Position { return Position{s.Timeline, s.LSN} }

// Progress is a replication connection to the upstream: it measures, and it is a witness. It transfers no
// WAL. Safe for concurrent use: a question interrupts a Watch for its duration.
type Progress struct {
	upstream Upstream
	conn     *pgconn.PgConn
	turn     chan struct{} // holds a token while someone uses conn

	mu        sync.Mutex
	closed    bool
	callers   int                // questions that want or have the turn
	interrupt context.CancelFunc // ends the wait of Watch
}

// ErrClosed is what a Watch returns when Close ended it.
var ErrClosed = errors.New("connection closed by us")

// OpenProgress connects. ctx bounds the attempt; afterwards TCP keepalive finds a silent cut within 3 seconds.
func OpenProgress(ctx context.Context, u Upstream) (*Progress, error) {
	config, err := sourceConfig(u)
	if err != nil {
		return nil, err
	}
	config.RuntimeParams["replication"] = "true"
	conn, err := pgconn.ConnectConfig(ctx, config)
	if err != nil {
		return nil, upstreamError("open a replication connection to", u, readable(err))
	}
	return &Progress{upstream: u, conn: conn, turn: make(chan struct{}, 1)}, nil
}

// Identify asks IDENTIFY_SYSTEM.
func (p *Progress) Identify(ctx context.Context) (System, error) {
	var s System
	err := p.ask(ctx, func() error {
		answer, err := pglogrepl.IdentifySystem(ctx, p.conn)
		if err != nil {
			return err
		}
		s.ID, err = strconv.ParseUint(answer.SystemID, 10, 64)
		s.Timeline, s.LSN = int(answer.Timeline), answer.XLogPos
		return err
	})
	if err != nil {
		return System{}, upstreamError("identify", p.upstream, err)
	}
	return s, nil
}

// TimelineHistory asks TIMELINE_HISTORY; timeline 1 has none.
func (p *Progress) TimelineHistory(ctx context.Context, tli int) (History, error) {
	if tli <= 1 {
		return nil, nil
	}
	var h History
	err := p.ask(ctx, func() error {
		answer, err := pglogrepl.TimelineHistory(ctx, p.conn, int32(tli))
		if err == nil {
			h, err = ParseHistory(answer.Content)
		}
		return err
	})
	if err != nil {
		return nil, upstreamError(fmt.Sprintf("read the history of timeline %d from", tli), p.upstream, err)
	}
	return h, nil
}

// ask gives fn the connection. The wait of a Watch ends, and goes on afterwards.
func (p *Progress) ask(ctx context.Context, fn func() error) error {
	p.mu.Lock()
	p.callers++
	if p.interrupt != nil {
		p.interrupt()
	}
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		p.callers--
		p.mu.Unlock()
	}()
	select {
	case p.turn <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer func() { <-p.turn }()
	return fn()
}

// Watch blocks on the connection and returns when it breaks (an error that says how; ErrClosed after Close)
// or when ctx ends (its error).
func (p *Progress) Watch(ctx context.Context) error {
	for {
		select {
		case p.turn <- struct{}{}:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		err := p.wait(ctx)
		broken := p.conn.IsClosed()
		<-p.turn
		switch {
		case p.isClosed():
			return ErrClosed
		case broken:
			return upstreamError("replication connection to", p.upstream, err)
		case ctx.Err() != nil:
			return context.Cause(ctx)
		}
	}
}

// wait returns when a question wants the connection, when it broke, or when ctx ended.
func (p *Progress) wait(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	p.mu.Lock()
	p.interrupt = cancel
	wanted := p.callers > 0
	p.mu.Unlock()
	if wanted {
		return nil
	}
	// Nothing is ever notified on a replication connection: this reads until an error.
	err := p.conn.WaitForNotification(ctx)
	p.mu.Lock()
	p.interrupt = nil
	p.mu.Unlock()
	return err
}

// Close ends the connection and a Watch.
func (p *Progress) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	_ = p.ask(ctx, func() error { return p.conn.Close(ctx) })
}

func (p *Progress) isClosed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.closed
}

// Identify is OpenProgress, Identify, TimelineHistory and Close in one.
func Identify(ctx context.Context, u Upstream) (System, History, error) {
	p, err := OpenProgress(ctx, u)
	if err != nil {
		return System{}, nil, err
	}
	defer p.Close()
	s, err := p.Identify(ctx)
	if err != nil {
		return System{}, nil, err
	}
	h, err := p.TimelineHistory(ctx, s.Timeline)
	return s, h, err
}

// UpstreamError is a failed question to another node; Kind says whether it did not answer or refused.
type UpstreamError struct {
	Doing    string // e.g. "identify 10.0.0.1:5432"
	Upstream string // host:port
	Kind     Failure
	Err      error
}

func (e *UpstreamError) Error() string {
	text := e.Doing + ": " + e.Err.Error()
	if e.Kind == FailureRefused {
		text += "; " + e.Kind.hint()
	}
	return text
}

// Unwrap returns the cause.
func (e *UpstreamError) Unwrap() error { return e.Err }

func upstreamError(doing string, u Upstream, err error) error {
	return &UpstreamError{doing + " " + u.String(), u.String(), classifyConnection(context.Background(), err), err}
}
