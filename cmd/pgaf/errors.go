package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/alecthomas/kong"

	"pgaf/keeper"
	"pgaf/monitor"
)

// Exit codes that this package decides on; all of them are listed in package
// keeper.
const (
	exitOK          = keeper.ExitOK
	exitBadArgs     = keeper.ExitBadArgs
	exitBadConfig   = keeper.ExitBadConfig
	exitBadState    = keeper.ExitBadState
	exitSQL         = keeper.ExitSQL
	exitMonitor     = keeper.ExitMonitor
	exitInternal    = keeper.ExitInternal
	exitInterrupted = 130 // by SIGINT, as shells have it
)

// cliError is an error with its exit code and, when something can be done about
// it, one line of remedy.
type cliError struct {
	code   int
	cause  error
	remedy string
}

func (e *cliError) Error() string { return e.cause.Error() }
func (e *cliError) Unwrap() error { return e.cause }

// usageError is a mistake in the command line: exit code 1.
func usageError(remedy, format string, args ...any) error {
	return failure(exitBadArgs, remedy, format, args...)
}

// failure is an error with the exit code that scripts expect for it.
func failure(code int, remedy, format string, args ...any) error {
	return &cliError{code: code, cause: fmt.Errorf(format, args...), remedy: remedy}
}

// hasExitCode reports whether err says by itself how the program ends.
func hasExitCode(err error) bool {
	var own *cliError
	var fromKeeper *keeper.ExitError
	return errors.As(err, &own) || errors.As(err, &fromKeeper) || errors.Is(err, context.Canceled)
}

// onMonitor gives the error of a call to the monitor its exit code.
func onMonitor(err error) error {
	if err == nil || hasExitCode(err) {
		return err
	}
	if errors.Is(err, monitor.ErrNoExtension) {
		return &cliError{code: keeper.ExitExtension, cause: err}
	}
	return &cliError{code: exitMonitor, cause: err}
}

// exitCode maps err to the exit code of the program.
func exitCode(err error) int {
	var own *cliError
	if errors.As(err, &own) {
		return own.code
	}
	if errors.Is(err, context.Canceled) {
		return exitInterrupted
	}
	return keeper.ExitCode(err)
}

// fail prints err, cause and remedy on one line each, and returns its exit code.
func (a *app) fail(err error) int {
	var parse *kong.ParseError
	if errors.As(err, &parse) {
		return a.failParse(parse)
	}
	code := exitCode(err)
	cause, remedy := causeAndRemedy(err)
	switch {
	case code != exitInterrupted:
		a.log.Error(a.asCalled(cause))
	case hasOwnWords(err):
		a.log.Warn(a.asCalled(cause)) // a wait that the user ended, and what becomes of the change
	default:
		a.log.Warn("interrupted")
		return code
	}
	if remedy != "" {
		a.hint("%s", a.asCalled(remedy))
	}
	return code
}

// hint logs one line of advice, whatever the verbosity.
func (a *app) hint(format string, args ...any) {
	a.log.Log(context.Background(), levelHint, fmt.Sprintf(format, args...))
}

// hasOwnWords reports whether err is one of this package's.
func hasOwnWords(err error) bool {
	var own *cliError
	return errors.As(err, &own)
}

// asCalled puts the name by which the program was called into the commands that
// an error of another package, or of the monitor, recommends.
func (a *app) asCalled(text string) string {
	if a.name == "pgaf" || a.parser == nil {
		return text
	}
	for _, command := range a.parser.Model.Children {
		text = strings.ReplaceAll(text, "pgaf "+command.Name, a.name+" "+command.Name)
	}
	return text
}

// causeAndRemedy splits the text of an error. Our own errors hold the two apart;
// those of the other packages end with the remedy, after a semicolon.
func causeAndRemedy(err error) (cause, remedy string) {
	cause = err.Error()
	var own *cliError
	if errors.As(err, &own) && own.remedy != "" {
		return cause, own.remedy
	}
	var connect *monitor.ConnectError
	var sql *monitor.SQLError
	switch {
	case errors.As(err, &connect):
		remedy = connect.Remedy
	case errors.As(err, &sql):
		remedy = sql.Hint
	default:
		if at := strings.LastIndex(cause, "; "); at > 0 {
			remedy = cause[at+2:]
		}
	}
	if rest, ok := strings.CutSuffix(cause, "; "+remedy); ok && remedy != "" {
		return rest, remedy
	}
	return cause, ""
}

// failParse prints what is wrong with the command line. A command without its
// sub-command shows the usage of the level reached.
func (a *app) failParse(err *kong.ParseError) int {
	node := err.Context.Model.Node
	if selected := err.Context.Selected(); selected != nil {
		node = selected
	}
	if len(node.Children) > 0 && strings.HasPrefix(err.Error(), "expected ") {
		if err := err.Context.PrintUsage(false); err != nil {
			return a.fail(err)
		}
		return exitBadArgs
	}
	return a.fail(explainParseError(node, err.Error()))
}
