package keeper

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
)

// reloadSignal makes a service read its configuration, and what operators left for it.
const reloadSignal = syscall.SIGHUP

// Signal sends a signal to the running service of pgdata: SIGTERM, SIGINT and
// SIGQUIT stop it (and its Postgres: fast, fast, immediate), SIGHUP makes it read
// its configuration again. When no service runs the error wraps os.ErrNotExist.
func Signal(pgdata string, sig syscall.Signal) error {
	paths, err := PathsOf(pgdata)
	if err != nil {
		return err
	}
	running, err := ReadPidFile(paths.Pid)
	if err != nil {
		return err
	}
	if err := syscall.Kill(running.Pid, sig); err != nil {
		return exitf(ExitInternal, "send %v to pgaf, process %d: %w", sig, running.Pid, err)
	}
	return nil
}

// Stop asks the running service of pgdata to end, with SIGTERM, SIGINT, SIGQUIT
// or SIGKILL, and does not wait for it.
func Stop(pgdata string, sig syscall.Signal) error {
	err := Signal(pgdata, sig)
	if errors.Is(err, os.ErrNotExist) {
		return exitf(ExitInternal, "nothing to stop: pgaf does not run for %s", pgdata)
	}
	return err
}

// Reload asks the running service of pgdata to read its configuration file again.
// It is no error when none runs.
func Reload(pgdata string) error {
	err := Signal(pgdata, reloadSignal)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// RefuseRoot is the error for a user who may not run Postgres, with the command to
// use instead; nil for everyone else.
func RefuseRoot() error {
	if os.Geteuid() != 0 {
		return nil
	}
	program := "pgaf"
	if len(os.Args) > 0 {
		program = filepath.Base(os.Args[0])
	}
	return exitf(ExitBadArgs, "Postgres refuses to run as root, so %s does too; run it as the user who owns the data, for instance: runuser -u postgres -- %s …", program, program)
}
