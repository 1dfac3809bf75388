package keeper

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Every service of this machine that runs a program is replaced at once, after a
// package has put another one in its place.

// ReplaceAll makes the running services of the program at path replace themselves, one
// after the other, each of which goes on as it is when that fails. It returns how many
// did, and what went wrong with the others.
func ReplaceAll(ctx context.Context, program string, log *slog.Logger) (replaced int, err error) {
	log = logger(log)
	var failures []error
	for _, paths := range runningServices(program) {
		version, err := replaceService(ctx, paths)
		if err != nil {
			failures = append(failures, fmt.Errorf("the service of %s: %w", paths.PGDATA, err))
			continue
		}
		log.Info("the service is replaced", "pgdata", paths.PGDATA, "version", version)
		replaced++
	}
	return replaced, errors.Join(failures...)
}

// runningServices finds the services of a program by the pid files that they hold open:
// where those are, only their own environments know.
func runningServices(program string) []Paths {
	processes, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var services []Paths
	for _, process := range processes {
		if _, err := strconv.Atoi(process.Name()); err != nil {
			continue
		}
		dir := filepath.Join("/proc", process.Name())
		// What was replaced on disk is still what the process runs.
		running, err := os.Readlink(filepath.Join(dir, "exe"))
		if err != nil || strings.TrimSuffix(running, " (deleted)") != program {
			continue
		}
		if paths, found := serviceOf(dir); found {
			services = append(services, paths)
		}
	}
	return services
}

func serviceOf(process string) (Paths, bool) {
	files, err := os.ReadDir(filepath.Join(process, "fd"))
	if err != nil {
		return Paths{}, false
	}
	for _, file := range files {
		path, err := os.Readlink(filepath.Join(process, "fd", file.Name()))
		if err != nil || filepath.Base(path) != pidFileName {
			continue
		}
		if running, err := ReadPidFile(path); err == nil && strconv.Itoa(running.Pid) == filepath.Base(process) {
			return Paths{PGDATA: running.PGDATA, Pid: path, Exec: filepath.Join(filepath.Dir(path), execFileName)}, true
		}
	}
	return Paths{}, false
}
