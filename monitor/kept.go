package monitor

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
)

// kept is a connection to a node's Postgres that is kept for health checks.
// It speaks the protocol itself: pgconn would open another connection to cancel
// each query that times out, which is no help with a silent machine.
type kept struct {
	conn     net.Conn
	frontend *pgproto3.Frontend
}

// connectKept logs in within the deadline of ctx.
func connectKept(ctx context.Context, config *pgconn.Config) (*kept, error) {
	conn, err := pgconn.ConnectConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	own, err := conn.Hijack()
	if err != nil {
		return nil, err
	}
	return &kept{conn: own.Conn, frontend: own.Frontend}, nil
}

// ask runs a query that needs a working backend and returns when it is
// answered, refused, or the deadline has passed.
func (k *kept) ask(deadline time.Time) error {
	if err := k.conn.SetDeadline(deadline); err != nil {
		return err
	}
	k.frontend.Send(&pgproto3.Query{String: "SELECT 1"})
	if err := k.frontend.Flush(); err != nil {
		return err
	}
	var failed error
	for {
		message, err := k.frontend.Receive()
		if err != nil {
			if failed != nil {
				return failed // what the server said before it closed the connection
			}
			return err
		}
		switch m := message.(type) {
		case *pgproto3.ErrorResponse:
			failed = pgconn.ErrorResponseToPgError(m)
		case *pgproto3.ReadyForQuery:
			return failed
		}
	}
}

// receive reads what a server may say to an idle client, until the connection
// ends or its read deadline passes.
func (k *kept) receive() error {
	for {
		message, err := k.frontend.Receive()
		if err != nil {
			return err
		}
		if m, ok := message.(*pgproto3.ErrorResponse); ok {
			return fmt.Errorf("the server ended the session: %w", pgconn.ErrorResponseToPgError(m))
		}
	}
}

// close drops the connection; polite tells the server first.
func (k *kept) close(polite bool) {
	if polite {
		_ = k.conn.SetWriteDeadline(time.Now().Add(100 * time.Millisecond))
		k.frontend.Send(&pgproto3.Terminate{})
		_ = k.frontend.Flush()
	}
	_ = k.conn.Close()
}
