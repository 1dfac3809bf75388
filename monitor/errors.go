package monitor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// SQLError is an error that the monitor's Postgres answered. Error() says what
// was being done, Postgres's own message, its DETAIL and what to do about it.
type SQLError struct {
	Doing    string // "perform failover in formation \"default\", group 0"
	SQLState string
	Message  string
	Detail   string
	Hint     string // Postgres's HINT, else the remedy this package knows for the SQLSTATE
	err      error  // the *pgconn.PgError
}

func (e *SQLError) Error() string {
	var text strings.Builder
	if e.Doing != "" {
		text.WriteString(e.Doing + ": ")
	}
	text.WriteString(e.Message)
	if e.Detail != "" {
		text.WriteString("; " + e.Detail)
	}
	if e.Hint != "" {
		text.WriteString("; " + e.Hint)
	}
	return text.String()
}

func (e *SQLError) Unwrap() error { return e.err }

// LostError tells that the connection broke, or did not answer in time, while
// something was being done; whether that took effect is unknown.
type LostError struct {
	Doing string
	err   error
}

func (e *LostError) Error() string {
	cause := e.err.Error()
	switch {
	case errors.Is(e.err, context.DeadlineExceeded):
		cause = "the monitor did not answer in time"
	case errors.Is(e.err, io.EOF), errors.Is(e.err, io.ErrUnexpectedEOF):
		cause = "the monitor closed the connection"
	case errors.Is(e.err, pgconn.ErrConnClosed):
		cause = "the connection to the monitor is closed"
	}
	return e.Doing + ": " + cause
}

func (e *LostError) Unwrap() error { return e.err }

// SQLState returns the SQLSTATE of the Postgres error in err, or "".
func SQLState(err error) string {
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) {
		return pgErr.Code
	}
	return ""
}

// Retryable reports whether the same call may succeed when it is made again on
// the same connection: serialisation failures, deadlocks, a lack of resources
// and exceeded limits.
func Retryable(err error) bool {
	switch state := SQLState(err); {
	case state == "40001", state == "40003", state == "40P01":
		return true
	default:
		return strings.HasPrefix(state, "53") || strings.HasPrefix(state, "54")
	}
}

// RetryableRegistration is Retryable, and true also while another node of the
// group is being registered (55006).
func RetryableRegistration(err error) bool {
	return Retryable(err) || SQLState(err) == "55006"
}

// connectionLost reports whether err means that the session is over: what the
// server says when it ends one, and every error that is not the server's.
func connectionLost(err error) bool {
	if err == nil {
		return false
	}
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) {
		return pgErr.Severity == "FATAL" || pgErr.SeverityUnlocalized == "FATAL"
	}
	return true
}

// wrap turns an error of pgx into one of this package's types.
func wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) {
		hint := pgErr.Hint
		if hint == "" {
			hint = remedyForState(pgErr)
		}
		return &SQLError{Doing: doing, SQLState: pgErr.Code, Message: pgErr.Message,
			Detail: pgErr.Detail, Hint: hint, err: err}
	}
	if errors.Is(err, context.Canceled) {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return &LostError{Doing: doing, err: err}
}
