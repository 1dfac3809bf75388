package monitor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// ConnectError tells at the first attempt why no connection was made and what
// to do. It never holds a password. SQLState works on it when Postgres answered.
type ConnectError struct {
	Target string // "10.0.0.5:5432, database pg_auto_failover, user autoctl_node"
	Cause  string // "connection refused"; with several hosts "10.0.0.5:5432: connection refused; …"
	Remedy string // may be empty
	err    error
}

func (e *ConnectError) Error() string {
	text := "connect to monitor " + e.Target + ": " + e.Cause
	if e.Remedy != "" {
		text += "; " + e.Remedy
	}
	return text
}

func (e *ConnectError) Unwrap() error { return e.err }

// Permanent reports whether trying again is pointless until somebody changes
// something: a refused login, a missing database, an unusable URI.
func (e *ConnectError) Permanent() bool {
	state := SQLState(e.err)
	return strings.HasPrefix(state, "28") || state == "3D000" || state == "42501"
}

func newConnectError(ctx context.Context, config *pgconn.Config, err error) error {
	if ctx.Err() != nil && errors.Is(ctx.Err(), context.Canceled) {
		return fmt.Errorf("connect to monitor: %w", ctx.Err())
	}
	target := fmt.Sprintf("%s, database %s, user %s", hostList(config), config.Database, config.User)
	attempts := tellingErrors(attemptErrors(err))
	several := len(hosts(config)) > 1
	var texts []string
	var best cause
	for _, attempt := range attempts {
		c := causeOf(attempt)
		text := c.text
		if several {
			text = addressOf(attempt) + text
		}
		if !slices.Contains(texts, text) {
			texts = append(texts, text)
		}
		if c.rank > best.rank {
			best = c
		}
	}
	if !several && best.rank > 0 { // TLS and plain attempts on one host: only the telling one
		texts = []string{best.text}
	}
	return &ConnectError{Target: target, Cause: strings.Join(texts, "; "), Remedy: best.remedy, err: err}
}

// attemptErrors splits the error of a connection attempt into those of its
// single dials: one per address and SSL mode.
func attemptErrors(err error) []error {
	for e := err; e != nil; e = errors.Unwrap(e) {
		if joined, ok := e.(interface{ Unwrap() []error }); ok {
			return joined.Unwrap()
		}
	}
	return []error{err}
}

// tellingErrors drops attempts with SSL that a server without SSL refused,
// where another one without it followed (sslmode=prefer).
func tellingErrors(attempts []error) []error {
	var telling []error
	for i, attempt := range attempts {
		followed := i+1 < len(attempts) && addressOf(attempts[i+1]) == addressOf(attempt)
		if !followed || !strings.Contains(attempt.Error(), refusedTLS) {
			telling = append(telling, attempt)
		}
	}
	return telling
}

// addressOf is "host:port: " of a single dial's error, which begins with the
// address and the host's name in brackets.
func addressOf(err error) string {
	address, rest, found := strings.Cut(err.Error(), " (")
	if !found || strings.Contains(address, " ") {
		return ""
	}
	if name, _, ok := strings.Cut(rest, ")"); ok && !strings.Contains(address, name) {
		address = name + " " + address
	}
	return address + ": "
}

func hosts(config *pgconn.Config) []string {
	list := []string{hostPort(config.Host, config.Port)}
	for _, fallback := range config.Fallbacks {
		if one := hostPort(fallback.Host, fallback.Port); !slices.Contains(list, one) {
			list = append(list, one)
		}
	}
	return list
}

func hostList(config *pgconn.Config) string { return strings.Join(hosts(config), ",") }

func hostPort(host string, port uint16) string {
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return fmt.Sprintf("%s:%d", host, port)
}
