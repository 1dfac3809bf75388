package postgres

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// connectTimeout is what libpq programs wait for one connection, in seconds (2 is libpq's minimum).
const connectTimeout = "2"

// tailLines is how much of a program's output an error shows.
const tailLines = 12

// program is one run of an external program.
type program struct {
	path   string
	args   []string
	base   []string          // instead of programEnv
	env    []string          // added to it
	locale bool              // keep our locale (initdb gives it to the cluster) instead of C
	merged bool              // stdout tells about a failure too
	onLine func(line string) // each line of stdout and stderr as it comes
	onOut  func(line string) // instead, each line of stdout
}

// run runs the program in its own process group, so that a signal to our group (a terminal's ^C, a reload
// sent to the group) does not reach it. When ctx ends, the whole group is terminated and, two seconds later,
// killed. It returns the last lines of stderr (merged: of both).
func (p program) run(ctx context.Context) (string, error) {
	var mu sync.Mutex // one line at a time
	out := &lineWriter{mu: &mu, onLine: p.onLine}
	lines := &lineWriter{mu: &mu, onLine: p.onLine}
	cmd := exec.CommandContext(ctx, p.path, p.args...)
	base := p.base
	if base == nil {
		base = programEnv(p.locale)
	}
	if p.merged {
		out = lines
	}
	if p.onOut != nil {
		out.onLine = p.onOut
	}
	cmd.Env = append(base, p.env...)
	cmd.Stdout, cmd.Stderr = out, lines
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = 2 * time.Second
	err := cmd.Run()
	if ctx.Err() != nil && cmd.Process != nil {
		// Children of the program that outlived it (the WAL receiver of pg_basebackup).
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	}
	out.flush()
	lines.flush()
	if err != nil && ctx.Err() != nil {
		err = errors.Join(context.Cause(ctx), err)
	}
	return lines.tail(), err
}

// programEnv is our environment without what would redirect or colour a libpq program: the connection is
// given as an argument, completely. The password file stays usable.
func programEnv(locale bool) []string {
	env := slices.DeleteFunc(os.Environ(), func(kv string) bool {
		name, _, _ := strings.Cut(kv, "=")
		switch {
		case name == "PGPASSFILE":
			return false
		case strings.HasPrefix(name, "PG"), name == "NOTIFY_SOCKET":
			return true
		case !locale && (name == "LANG" || name == "LANGUAGE" || strings.HasPrefix(name, "LC_")):
			return true
		}
		return false
	})
	env = append(env, "PGCONNECT_TIMEOUT="+connectTimeout, "PG_COLOR=never")
	if !locale {
		env = append(env, "LC_ALL=C")
	}
	return env
}

// lineWriter splits output into lines and keeps the last ones.
type lineWriter struct {
	mu     *sync.Mutex
	onLine func(string)
	rest   []byte
	last   []string
}

func (w *lineWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rest = append(w.rest, p...)
	for {
		end := bytes.IndexAny(w.rest, "\r\n") // \r ends a progress line on a terminal
		if end < 0 {
			return len(p), nil
		}
		w.add(string(w.rest[:end]))
		w.rest = w.rest[end+1:]
	}
}

func (w *lineWriter) flush() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.add(string(w.rest))
	w.rest = nil
}

func (w *lineWriter) add(line string) {
	line = strings.TrimRight(line, " ")
	if strings.TrimSpace(line) == "" {
		return
	}
	if w.onLine != nil {
		w.onLine(line)
	}
	if isProgressLine(line) {
		return
	}
	if len(w.last) == tailLines {
		w.last = append(w.last[:0], w.last[1:]...)
	}
	w.last = append(w.last, line)
}

func (w *lineWriter) tail() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(w.last, "\n")
}
