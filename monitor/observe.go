package monitor

import (
	"errors"
	"net"
	"slices"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"
)

// weakest orders signs for one look that tried several addresses: what proves
// the least against the node counts.
var weakest = []Sign{SignDenied, SignStarting, SignLate, SignTimeout, SignReset, SignRefused}

// classify says which sign the failure of a connection attempt or a query is,
// with a text for people.
func classify(err error) (Sign, string) {
	if err == nil {
		return SignOK, ""
	}
	best, text := SignRefused, ""
	for _, attempt := range attemptErrors(err) {
		sign, message := classifyOne(attempt)
		if text == "" || slices.Index(weakest, sign) < slices.Index(weakest, best) {
			best, text = sign, message
		}
	}
	return best, text
}

func classifyOne(err error) (Sign, string) {
	var pgErr *pgconn.PgError
	var dnsErr *net.DNSError
	var parseErr *pgconn.ParseConfigError
	switch {
	case errors.As(err, &pgErr):
		return classifyAnswer(pgErr.Code, pgErr.Message)
	case errors.As(err, &parseErr):
		return SignLate, "the monitor service cannot check: " + parseErr.Error()
	case errors.As(err, &dnsErr):
		return classifyLookup(dnsErr)
	case errors.Is(err, syscall.ECONNREFUSED):
		return SignRefused, "connection refused"
	case ownTrouble(err):
		return SignLate, "the monitor service cannot check: " + innermost(err).Error()
	case isTimeout(err), errors.Is(err, syscall.EHOSTUNREACH):
		return SignTimeout, causeOf(err).text
	}
	// EOF, ECONNRESET, EPIPE, and an answer that is not PostgreSQL's
	return SignReset, "the connection broke: " + innermost(err).Error()
}

// classifyAnswer: a server that answers is alive, except while it starts or stops.
func classifyAnswer(sqlState, message string) (Sign, string) {
	switch sqlState {
	case "57P01", "57P02", "57P03": // shutting down, crashed, cannot connect now
		return SignStarting, message
	}
	return SignDenied, message + " (" + sqlState + ")"
}

// classifyLookup: a name that does not exist any more may mean that its machine
// is gone; a name server that fails says nothing about the node.
func classifyLookup(err *net.DNSError) (Sign, string) {
	if err.IsNotFound {
		return SignTimeout, "unknown host " + err.Name
	}
	return SignLate, "the monitor service cannot resolve " + err.Name + ": " + err.Err
}

// ownTrouble reports whether the observer's machine is at fault: out of file
// descriptors, ports or memory, without a network, or forbidden to connect.
func ownTrouble(err error) bool {
	return slices.ContainsFunc([]syscall.Errno{syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM, syscall.ENOBUFS,
		syscall.EADDRNOTAVAIL, syscall.ENETDOWN, syscall.ENETUNREACH, syscall.EACCES, syscall.EPERM},
		func(errno syscall.Errno) bool { return errors.Is(err, errno) })
}
