package keeper

import (
	"errors"
	"fmt"
)

// Exit codes of the program, the ones that scripts around pg_auto_failover
// already know.
const (
	ExitOK          = 0
	ExitBadArgs     = 1
	ExitBadConfig   = 2
	ExitBadState    = 3
	ExitSQL         = 4 // SQL error on the local Postgres
	ExitPostgres    = 5 // Postgres cannot be started, stopped, or is not ready
	ExitMonitor     = 6
	ExitCoordinator = 7
	ExitKeeper      = 8 // a node cannot be initialised
	ExitReload      = 9
	ExitInternal    = 12
	ExitExtension   = 13 // the monitor lacks the extension
	ExitDropped     = 121
	ExitFatal       = 122
)

// ExitError is an error that knows the exit code of the program. Its text says
// what was being done, what was found, and what to do next.
type ExitError struct {
	Code int
	Err  error
}

func (e *ExitError) Error() string { return e.Err.Error() }
func (e *ExitError) Unwrap() error { return e.Err }

// exitf makes an ExitError as fmt.Errorf makes an error.
func exitf(code int, format string, args ...any) error {
	return &ExitError{Code: code, Err: fmt.Errorf(format, args...)}
}

// ExitCode is the code with which the program ends for err: 0 for nil, the code
// of the first ExitError in its chain, else ExitInternal.
func ExitCode(err error) int {
	if err == nil {
		return ExitOK
	}
	var exit *ExitError
	if errors.As(err, &exit) {
		return exit.Code
	}
	return ExitInternal
}
