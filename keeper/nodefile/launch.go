package nodefile

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"syscall"

	"pgaf/keeper"
)

// AwaitLaunch reads the file again until deferred(file) no longer holds, and returns
// the file as it then is. A file that is not valid meanwhile is waited for as well.
func AwaitLaunch(ctx context.Context, f *File, step string, deferred func(*File) bool, log *slog.Logger) (*File, error) {
	if !deferred(f) {
		return f, nil
	}
	log.Info("waiting until the node file says so; release it with: pgaf node start "+f.Path, "step", step)
	w := &watcher{path: f.Path, log: log}
	seen := markOf(f.Path)
	for deferred(f) {
		if !pause(ctx, lookPause) {
			return nil, ctx.Err()
		}
		m := markOf(f.Path)
		if m == seen {
			continue
		}
		seen = m
		next, err := Read(f.Path)
		if err != nil {
			w.complain("the node file is not taken", err)
			continue
		}
		f = next
	}
	return f, nil
}

// Release makes both launch keys of the file immediate, and leaves the rest of it as it
// is. It reports whether something had to be changed.
func Release(path string) (changed bool, err error) {
	f, err := Read(path)
	if err != nil {
		return false, err
	}
	if f.LaunchCreate == Immediate && f.LaunchRun == Immediate {
		return false, nil
	}
	content, err := os.ReadFile(path)
	if err == nil {
		err = rewrite(path, released(string(content), f))
	}
	if err != nil {
		return false, &keeper.ExitError{Code: keeper.ExitBadConfig, Err: fmt.Errorf("write the node file: %w", err)}
	}
	return true, nil
}

// released changes the lines that say deferred: a key that is not there is immediate.
func released(content string, f *File) string {
	lines := strings.SplitAfter(content, "\n")
	for _, key := range []string{"launch.create", "launch.run"} {
		if at := f.lines[key] - 1; at >= 0 {
			lines[at] = strings.Replace(lines[at], Deferred, Immediate, 1)
		}
	}
	return strings.Join(lines, "")
}

// rewrite replaces the file; one that is mounted by itself cannot be, and is written to.
func rewrite(path, content string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	err = replaceFile(path, []byte(content), info.Mode().Perm())
	if slices.ContainsFunc([]error{syscall.EBUSY, syscall.EXDEV}, func(target error) bool { return errors.Is(err, target) }) {
		return os.WriteFile(path, []byte(content), info.Mode().Perm())
	}
	return err
}
