package monitor

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"
)

// remedyForState says what to do about an error for which Postgres gives no
// HINT of its own; "" when there is nothing to add.
func remedyForState(err *pgconn.PgError) string {
	switch err.Code {
	case "28000":
		if strings.Contains(err.Message, "pg_hba.conf") {
			return "add a matching line to pg_hba.conf on the monitor and reload it, " +
				"or create the monitor with --pg-hba-lan"
		}
		return "create the role, or give it LOGIN, on the monitor"
	case "28P01":
		return "put the right password into the monitor URI, PGPASSWORD or ~/.pgpass"
	case "3D000":
		return "the monitor's database is pg_auto_failover unless it was created with another one: " +
			"correct the URI, or run pgaf create monitor there"
	case "3F000", "42883", "42P01":
		if strings.Contains(err.Message, "pgautofailover") {
			return "this database holds no pgaf monitor of this version: " +
				"run pgaf create monitor on it, or correct the URI"
		}
	case "42501":
		return "connect as autoctl_node, or as a role with the same grants"
	case "53300":
		return "raise max_connections on the monitor or close idle sessions there"
	case "57P03":
		return "the monitor is starting or stopping: try again shortly"
	case "57P01", "57P02":
		return "the monitor's Postgres is shutting down: try again once it is back"
	}
	return ""
}

// cause is the reason why one address refused a connection.
type cause struct {
	text   string
	remedy string
	rank   int // the remedy of the highest rank is shown
}

// causeOf explains err, the failure of one connection attempt.
func causeOf(err error) cause {
	var pgErr *pgconn.PgError
	var dnsErr *net.DNSError
	switch {
	case errors.As(err, &pgErr):
		remedy := pgErr.Hint
		if remedy == "" {
			remedy = remedyForState(pgErr)
		}
		return cause{pgErr.Message, remedy, 5}
	case errors.As(err, &dnsErr) && dnsErr.IsNotFound:
		return cause{"unknown host " + dnsErr.Name,
			"check the spelling of the host name in the URI and this machine's name resolution", 4}
	case errors.As(err, &dnsErr):
		return cause{"cannot resolve " + dnsErr.Name + " (" + dnsErr.Err + ")",
			"check this machine's name resolution (/etc/resolv.conf)", 3}
	case errors.Is(err, syscall.ECONNREFUSED):
		return cause{"connection refused",
			"check that the monitor's Postgres runs (pgaf run) and that host and port in the URI are right", 3}
	case errors.Is(err, os.ErrNotExist):
		return cause{"no Unix socket there",
			"check that the monitor's Postgres runs, or name its host in the URI", 3}
	case errors.Is(err, os.ErrPermission):
		return cause{"no permission to use the Unix socket", "connect as a user who may read the socket's folder", 4}
	case isTimeout(err):
		return cause{"no answer in time",
			"check the network, firewalls and the address in the URI; a larger connect_timeout helps on a slow network", 2}
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return cause{"no route to the host", "check the network and the address in the URI", 3}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET):
		return cause{"the server closed the connection",
			"look at its log; is it a PostgreSQL server that listens there?", 3}
	case strings.Contains(err.Error(), refusedTLS):
		return cause{"the server does not offer SSL",
			"switch SSL on there (ssl = on), or use sslmode=prefer", 4}
	case strings.Contains(err.Error(), "tls"), strings.Contains(err.Error(), "x509"):
		return cause{"SSL: " + innermost(err).Error(),
			"check sslmode, sslrootcert and sslcrl in the URI against the server's certificate", 4}
	case strings.Contains(err.Error(), "ValidateConnect"):
		return cause{"not the kind of server that target_session_attrs asks for (" + innermost(err).Error() + ")",
			"the URI lists no reachable server that matches", 3}
	}
	return cause{innermost(err).Error(), "", 1}
}

// refusedTLS is pgconn's text for a server that answers N to an SSLRequest.
const refusedTLS = "server refused TLS connection"

func isTimeout(err error) bool {
	var netErr net.Error
	return errors.Is(err, context.DeadlineExceeded) || pgconn.Timeout(err) ||
		errors.As(err, &netErr) && netErr.Timeout() || errors.Is(err, syscall.ETIMEDOUT)
}

// innermost unwraps err as far as it is a single chain.
func innermost(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}
