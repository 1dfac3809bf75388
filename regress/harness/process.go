package harness

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Process is one child of the harness that stays in the foreground, such as
// `pgaf run`, with its output in a log file.
type Process struct {
	PID  int
	Log  string // path of the file with its stdout and stderr
	args []string
	done chan struct{}
	err  error // of Wait, valid once done is closed
}

// spawn starts cmd on its host, appending its output to log.
func spawn(cmd *exec.Cmd, host *Host, log string) (*Process, error) {
	out, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	if err := host.start(cmd); err != nil {
		return nil, fmt.Errorf("start %s: %w", strings.Join(cmd.Args, " "), err)
	}
	p := &Process{PID: cmd.Process.Pid, Log: log, args: cmd.Args, done: make(chan struct{})}
	go func() {
		p.err = cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Running tells whether the process has not ended yet.
func (p *Process) Running() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// exitCode of a process that has ended; -1 when a signal killed it.
func (p *Process) exitCode() int {
	var exit *exec.ExitError
	if errors.As(p.err, &exit) {
		return exit.ExitCode()
	}
	return 0
}

// Signal sends one signal; a process that has ended is no error.
func (p *Process) Signal(s syscall.Signal) error {
	if !p.Running() {
		return nil
	}
	if err := syscall.Kill(p.PID, s); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("signal %v to %s (pid %d): %w", s, p.args[0], p.PID, err)
	}
	return nil
}

// ended describes the end of the process with the last lines that it logged.
func (p *Process) ended() error {
	status := "exit status 0"
	if p.err != nil {
		status = p.err.Error()
	}
	return fmt.Errorf("%s ended: %s; last lines of %s:\n%s", strings.Join(p.args, " "), status, p.Log, Tail(p.Log, 15))
}

// Tail returns the last lines of a file, or the reason why it cannot be read.
func Tail(path string, lines int) string {
	content, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	all := strings.Split(strings.TrimRight(string(content), "\n"), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

// processesBelow lists the processes whose working directory is dir or below it.
func processesBelow(dir string) []int {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var pids []int
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		cwd, err := os.Readlink(filepath.Join("/proc", entry.Name(), "cwd"))
		if err != nil {
			continue // ended, a zombie, or somebody else's
		}
		cwd = strings.TrimSuffix(cwd, " (deleted)")
		if cwd == dir || strings.HasPrefix(cwd, dir+"/") {
			pids = append(pids, pid)
		}
	}
	return pids
}

// KillBelow kills every process that works in dir or below it, those which are
// born meanwhile included, and returns when all have ended.
func KillBelow(dir string) error {
	for range 100 {
		pids := processesBelow(dir)
		if len(pids) == 0 {
			return nil
		}
		if err := killAll(pids); err != nil {
			return fmt.Errorf("kill the processes below %s: %w", dir, err)
		}
	}
	return fmt.Errorf("processes below %s keep appearing: %v", dir, processesBelow(dir))
}

// EndBelow ends every process that works in dir or below it: first pgaf with SIGTERM, which
// stops its Postgres and removes its sockets; what still runs after ten seconds with SIGKILL.
func EndBelow(dir string) error {
	var ending []int
	for _, pid := range processesBelow(dir) {
		if exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid)); err == nil && filepath.Base(strings.TrimSuffix(exe, " (deleted)")) == "pgaf" {
			if syscall.Kill(pid, syscall.SIGTERM) == nil {
				ending = append(ending, pid)
			}
		}
	}
	deadline := time.Now().Add(10 * time.Second)
	for _, pid := range ending {
		_ = WaitExit(pid, time.Until(deadline))
	}
	return KillBelow(dir)
}

// killAll sends SIGKILL to all of pids first and then waits for the end of each.
func killAll(pids []int) error {
	var fds []unix.PollFd
	for _, pid := range pids {
		fd, err := unix.PidfdOpen(pid, 0)
		if errors.Is(err, unix.ESRCH) {
			continue
		}
		if err != nil {
			return fmt.Errorf("pidfd of %d: %w", pid, err)
		}
		defer unix.Close(fd)
		if err := unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0); err != nil && !errors.Is(err, unix.ESRCH) {
			return fmt.Errorf("SIGKILL to %d: %w", pid, err)
		}
		fds = append(fds, unix.PollFd{Fd: int32(fd), Events: unix.POLLIN})
	}
	deadline := time.Now().Add(20 * time.Second)
	for i := range fds {
		if err := pollUntil(fds[i:i+1], deadline); err != nil {
			return fmt.Errorf("a process survived SIGKILL: %w", err)
		}
	}
	return nil
}

// WaitExit waits until the process pid has ended.
func WaitExit(pid int, within time.Duration) error {
	fd, err := unix.PidfdOpen(pid, 0)
	if errors.Is(err, unix.ESRCH) {
		return nil
	}
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if err := pollUntil([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, time.Now().Add(within)); err != nil {
		return fmt.Errorf("process %d did not end: %w", pid, err)
	}
	return nil
}

// pollUntil waits until a file descriptor is ready.
func pollUntil(fds []unix.PollFd, deadline time.Time) error {
	for {
		n, err := unix.Poll(fds, int(max(0, time.Until(deadline).Milliseconds())))
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return err
		case n > 0:
			return nil
		default:
			return os.ErrDeadlineExceeded
		}
	}
}

// stopBelow sends SIGSTOP to every process below dir until none runs that could
// start another.
func stopBelow(dir string) error {
	stopped := map[int]bool{}
	for {
		fresh := 0
		for _, pid := range processesBelow(dir) {
			if stopped[pid] {
				continue
			}
			if err := syscall.Kill(pid, syscall.SIGSTOP); err == nil {
				stopped[pid] = true
				fresh++
			} else if !errors.Is(err, syscall.ESRCH) {
				return fmt.Errorf("SIGSTOP to %d: %w", pid, err)
			}
		}
		if fresh == 0 {
			return nil
		}
	}
}

// continueBelow sends SIGCONT to every process below dir.
func continueBelow(dir string) error {
	for _, pid := range processesBelow(dir) {
		if err := syscall.Kill(pid, syscall.SIGCONT); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("SIGCONT to %d: %w", pid, err)
		}
	}
	return nil
}

// postmasterPID reads the first line of PGDATA/postmaster.pid; 0 when there is no
// live postmaster.
func postmasterPID(pgdata string) int {
	content, err := os.ReadFile(filepath.Join(pgdata, "postmaster.pid"))
	if err != nil {
		return 0
	}
	first, _, _ := strings.Cut(string(content), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(first))
	if err != nil || pid <= 0 {
		return 0
	}
	// The file of a killed postmaster stays behind, and its pid may be anyone's.
	cwd, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", pid))
	if err != nil || cwd != pgdata {
		return 0
	}
	return pid
}
