package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// process is a process that cannot be confused with a later one of the same pid.
type process struct {
	pid  int
	file *os.File // pidfd, non-blocking and so in Go's poller; nil on kernels before 5.3
}

// openProcess takes hold of pid.
func openProcess(pid int) (*process, error) {
	fd, err := unix.PidfdOpen(pid, 0)
	if errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EPERM) { // EPERM: seccomp profiles of old container runtimes
		return &process{pid: pid}, unix.Kill(pid, 0)
	}
	if err != nil {
		return nil, err
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		unix.Close(fd)
		return nil, err
	}
	return &process{pid: pid, file: os.NewFile(uintptr(fd), "pidfd")}, nil
}

// signal sends sig; a process that is gone is an error (ESRCH).
func (p *process) signal(sig syscall.Signal) error {
	if p.file == nil {
		return unix.Kill(p.pid, sig)
	}
	raw, err := p.file.SyscallConn()
	if err != nil {
		return err
	}
	var sent error
	if err := raw.Control(func(fd uintptr) { sent = unix.PidfdSendSignal(int(fd), sig, nil, 0) }); err != nil {
		return err
	}
	if errors.Is(sent, unix.EPERM) || errors.Is(sent, unix.ENOSYS) {
		return unix.Kill(p.pid, sig)
	}
	return sent
}

// wait returns when the process ended (nil) or close was called (error). It needs no thread while it waits.
func (p *process) wait() error {
	if p.file == nil {
		return p.waitByAsking()
	}
	raw, err := p.file.SyscallConn()
	if err != nil {
		return err
	}
	err = raw.Read(func(fd uintptr) bool {
		poll := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		n, err := unix.Poll(poll, 0)
		return err == nil && n == 1
	})
	if err == nil {
		reap(p.pid)
	}
	return err
}

// waitByAsking is for kernels without pidfd, and only for processes that are not our children.
func (p *process) waitByAsking() error {
	for alive(p.pid) {
		time.Sleep(50 * time.Millisecond)
	}
	reap(p.pid)
	return nil
}

// reap collects a child that the Go runtime does not know: one started before this process replaced itself by
// exec, or an orphan that became ours because we are PID 1.
func reap(pid int) { _, _ = unix.Wait4(pid, nil, unix.WNOHANG, nil) }

func (p *process) close() {
	if p.file != nil {
		p.file.Close()
	}
}

// alive reports whether pid is a process that still runs; a zombie does not.
func alive(pid int) bool {
	stat, ok := procStat(pid)
	return ok && stat.state != 'Z' && stat.state != 'X'
}

// stat is what we use of /proc/<pid>/stat.
type stat struct {
	state byte
	ppid  int
	ticks uint64 // user + system CPU, in clock ticks
}

func procStat(pid int) (stat, bool) {
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return stat{}, false
	}
	// The name in parentheses may hold anything; fields count from behind it.
	fields := strings.Fields(string(content[strings.LastIndexByte(string(content), ')')+1:]))
	if len(fields) < 13 {
		return stat{}, false
	}
	ppid, _ := strconv.Atoi(fields[1])
	user, _ := strconv.ParseUint(fields[11], 10, 64)
	system, _ := strconv.ParseUint(fields[12], 10, 64)
	return stat{state: fields[0][0], ppid: ppid, ticks: user + system}, true
}

// orphaned reports whether the parent of pid has ended. Who then takes its place, init or a subreaper, is an
// ancestor of ours, too.
func orphaned(pid int) bool {
	child, ok := procStat(pid)
	for ancestor := os.Getppid(); ok && ancestor > 1; {
		if child.ppid == ancestor {
			return true
		}
		stat, known := procStat(ancestor)
		if !known {
			break
		}
		ancestor = stat.ppid
	}
	return ok && child.ppid == 1
}

// runs reports whether pid runs program (by its file name) with working directory dir ("" = any).
func runs(pid int, program, dir string) bool {
	exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
	if err != nil || filepath.Base(strings.TrimSuffix(exe, " (deleted)")) != program {
		return false // gone, a zombie, another user's, or something else
	}
	if dir == "" {
		return true
	}
	cwd, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", pid))
	return err == nil && cwd == realPath(dir)
}

func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

func realPath(path string) string {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	return absolute(path)
}

// commandLine is the arguments of pid, or the title that Postgres gave itself.
func commandLine(pid int) []string {
	content, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	return strings.Split(strings.TrimRight(string(content), "\x00 "), "\x00")
}

// pids of all processes.
func pids() []int {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var all []int
	for _, entry := range entries {
		if pid, err := strconv.Atoi(entry.Name()); err == nil {
			all = append(all, pid)
		}
	}
	return all
}

// clusterProcess matches the postgres processes of the cluster in pgdata, except the logger: it detached from
// shared memory and ends by itself when its last writer has. A process without a command line has given up its
// memory and is about to be gone, whatever it was.
func clusterProcess(pgdata string) func(pid int) bool {
	return func(pid int) bool {
		if !runs(pid, "postgres", pgdata) {
			return false
		}
		title := commandLine(pid)[0]
		return title != "" && !strings.Contains(title+" ", ": logger ")
	}
}

// loggerLimit is how long the logger of a postmaster that ended may take to write what it still has.
const loggerLimit = time.Second

// awaitLogger waits until the last lines of a postmaster that ended are in the log. A logger that has not run yet
// does not call itself one.
func awaitLogger(ctx context.Context, pgdata string) {
	const nothing = syscall.Signal(0)
	_, _ = signalAndWait(ctx, nothing, loggerLimit, func(pid int) bool { return runs(pid, "postgres", pgdata) })
}

// endLeftovers kills runs of a client program on dir that a killed predecessor of ours left behind: two of
// them on one folder would destroy it.
func endLeftovers(ctx context.Context, name, dir string) error {
	return endProcesses(ctx, 0, leftover(name, dir))
}

func leftover(name, dir string) func(pid int) bool {
	return func(pid int) bool { return runs(pid, name, "") && slices.Contains(commandLine(pid), dir) }
}

// endProcesses ends all processes that match: with SIGQUIT (to Postgres: leave at once), after grace with
// SIGKILL. It returns when none is left.
func endProcesses(ctx context.Context, grace time.Duration, match func(pid int) bool) error {
	sig, limit := unix.SIGQUIT, grace
	if grace == 0 {
		sig, limit = unix.SIGKILL, killLimit
	}
	for {
		left, err := signalAndWait(ctx, sig, limit, match)
		if err != nil || left == 0 {
			return err
		}
		if sig == unix.SIGKILL {
			return fmt.Errorf("%d leftover processes do not end even when killed; they hang in the kernel (disk?)", left)
		}
		sig, limit = unix.SIGKILL, killLimit
	}
}

// killLimit is how long a killed process may need: it may sit in an uninterruptible disk wait.
const killLimit = time.Minute

// signalAndWait signals all processes that match, waits for their end at most for limit and returns how many
// are left. When none was left but some were found it looks again, for what those may have started.
func signalAndWait(ctx context.Context, sig syscall.Signal, limit time.Duration, match func(pid int) bool) (left int, err error) {
	timeout := time.NewTimer(limit)
	defer timeout.Stop()
	for {
		found := hold(match)
		if len(found) == 0 {
			return 0, nil
		}
		done := make(chan *process, len(found))
		for _, p := range found {
			_ = p.signal(sig)
			go func() { _ = p.wait(); done <- p }()
		}
		for left = len(found); left > 0 && err == nil; {
			select {
			case <-done:
				left--
				continue
			case <-timeout.C:
			case <-ctx.Done():
				err = fmt.Errorf("wait for %d leftover processes to end: %w", left, context.Cause(ctx))
			}
			break
		}
		for _, p := range found {
			p.close()
		}
		if left > 0 || err != nil {
			return left, err
		}
	}
}

// hold opens all processes that match; a pid that was recycled in between no longer matches.
func hold(match func(pid int) bool) []*process {
	var held []*process
	for _, pid := range pids() {
		if !match(pid) {
			continue
		}
		p, err := openProcess(pid)
		if err != nil {
			continue
		}
		if !match(pid) {
			p.close()
			continue
		}
		held = append(held, p)
	}
	return held
}
