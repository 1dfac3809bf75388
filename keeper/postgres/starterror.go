package postgres

import (
	"fmt"
	"regexp"
	"strings"
)

// StartKind classifies a failed start.
type StartKind int

const (
	StartUnknown   StartKind = iota
	StartWaiting             // ctx ended while Postgres is still starting; it goes on
	StartNoSpace             // disk full
	StartPort                // address already in use
	StartConfig              // a configuration file, library or certificate is wrong
	StartRewinding           // RewindPending: the folder must not be started
	StartBusy                // a standalone backend (postgres --single) or something that does not end uses the folder
	StartStopped             // Stop was called meanwhile
	StartNoCluster           // PGDATA holds no cluster
	startLeftover            // something of an earlier postmaster is still there; Start tries again
)

// startErrorLines is how many lines of each log an error shows.
const startErrorLines = 10

// StartError is a failed start with Postgres's own last lines.
type StartError struct {
	Kind   StartKind
	PGDATA string
	Port   int
	Exit   Exit   // zero unless the postmaster exited
	Log    string // last lines of startup.log and of the server log since this start
	Err    error
}

func (e *StartError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "start Postgres on %s", e.PGDATA)
	if e.Port != 0 {
		fmt.Fprintf(&b, " (port %d)", e.Port)
	}
	switch {
	case e.Kind == StartWaiting:
		b.WriteString(": still starting")
	case e.Exit.Signal != 0:
		fmt.Fprintf(&b, ": ended by signal %d (%s)", e.Exit.Signal, e.Exit.Signal)
	case e.Exit.PID != 0:
		fmt.Fprintf(&b, ": exit code %d", e.Exit.Code)
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	if e.Log != "" {
		b.WriteString(": " + telling(e.Log))
	}
	if hint := e.hint(); hint != "" {
		b.WriteString("; " + hint)
	}
	return b.String()
}

func (e *StartError) hint() string {
	switch e.Kind {
	case StartNoSpace:
		return "free space on this file system"
	case StartPort:
		return "another server uses this port or its socket: stop it or change the port"
	case StartConfig:
		return "correct the configuration named there"
	}
	return ""
}

// Unwrap returns the cause, if there is one besides the exit.
func (e *StartError) Unwrap() error { return e.Err }

func (s *Server) startError(kind StartKind, err error) *StartError {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.startErrorLocked(kind, err)
}

func (s *Server) startErrorLocked(kind StartKind, err error) *StartError {
	return &StartError{Kind: kind, PGDATA: s.config.PGDATA, Port: s.config.Port, Err: err}
}

// startPatterns are looked for in what the server wrote; the first kind that matches counts.
var startPatterns = []struct {
	kind    StartKind
	pattern *regexp.Regexp
}{
	{StartNoSpace, anyOf(`no space left on device`, `disk quota exceeded`)},
	{startLeftover, anyOf(`pre-existing shared memory block`, `lock file "postmaster\.pid" already exists`)},
	{StartPort, anyOf(
		`address already in use`, `could not create any (tcp/ip|unix-domain) sockets`,
		`lock file "[^"]*\.s\.pgsql\.\d+\.lock"`,
	)},
	{StartConfig, anyOf(
		`configuration file "[^"]*" contains errors`, `could not open (configuration|include) file`, `syntax error in file`,
		`unrecognized configuration parameter`, `invalid value for parameter`, `parameter "[^"]*" (requires|cannot|must)`,
		`insufficient parameter settings`, `could not access file`, `could not load .*pg_hba\.conf`,
		`could not load (library|server certificate|private key|root certificate)`,
		`could not access private key`, `private key file "[^"]*" (has|must)`,
	)},
}

func classifyStart(log string) StartKind {
	for _, s := range startPatterns {
		if s.pattern.MatchString(log) {
			return s.kind
		}
	}
	return StartUnknown
}
