package keeper

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// How a running pg_autoctl is ended without its Postgres. It is a supervisor and its
// services, one of which has the postmaster as its child and stops it when it is told to
// end, or finds its supervisor gone. So none of them may notice anything: all are frozen
// first, the supervisor before those that it would start again, and then killed. The
// postmaster does not look at its parent.

// olderProgram is the file name of the program of pg_auto_failover.
const olderProgram = "pg_autoctl"

// olderService is a running pg_autoctl: the supervisor first, then its services.
type olderService struct {
	pids []int
}

func (s olderService) running() bool { return len(s.pids) > 0 }

func (s olderService) String() string {
	numbers := make([]string, len(s.pids))
	for i, pid := range s.pids {
		numbers[i] = strconv.Itoa(pid)
	}
	return strings.Join(numbers, ", ")
}

// findOlderService finds the pg_autoctl of a node by its pid files, or as the parent of
// the postmaster: a pid file is in a folder that depends on XDG_RUNTIME_DIR, which a
// service of systemd does not have and a login shell has.
func findOlderService(pidFiles []string, pgdata string, postmaster int) olderService {
	for _, path := range pidFiles {
		if pid := olderPid(path, pgdata); pid > 0 {
			return olderService{pids: append([]int{pid}, servicesOf(pid)...)}
		}
	}
	controller := parentOf(postmaster)
	if programOf(controller) != olderProgram {
		return olderService{}
	}
	pid := parentOf(controller)
	if programOf(pid) != olderProgram {
		return olderService{pids: []int{controller}}
	}
	return olderService{pids: append([]int{pid}, servicesOf(pid)...)}
}

// olderPid is the supervisor that a pid file names, 0 when it is not that any more.
func olderPid(path, pgdata string) int {
	content, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	lines := strings.Split(string(content), "\n")
	if len(lines) < 2 {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(lines[0]))
	if dir, resolveErr := resolve(strings.TrimSpace(lines[1])); err != nil || resolveErr != nil || dir != pgdata || programOf(pid) != olderProgram {
		return 0
	}
	return pid
}

// servicesOf are the children of a supervisor that are pg_autoctl, too.
func servicesOf(supervisor int) []int {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var pids []int
	for _, entry := range entries {
		if pid, err := strconv.Atoi(entry.Name()); err == nil && parentOf(pid) == supervisor && programOf(pid) == olderProgram {
			pids = append(pids, pid)
		}
	}
	return pids
}

// programOf is the file name of the program that a process runs; "" when it has ended or
// is another user's.
func programOf(pid int) string {
	exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
	if err != nil {
		return ""
	}
	return filepath.Base(strings.TrimSuffix(exe, " (deleted)"))
}

// parentOf is 0 when there is no such process.
func parentOf(pid int) int {
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(content)) {
		if value, found := strings.CutPrefix(line, "PPid:"); found {
			parent, _ := strconv.Atoi(strings.TrimSpace(value))
			return parent
		}
	}
	return 0
}

// freeze stops the processes where they are, the supervisor first.
func (s *olderService) freeze() error {
	if !s.running() {
		return nil
	}
	if err := s.signal(s.pids[:1], syscall.SIGSTOP); err != nil {
		return err
	}
	// What the supervisor had started meanwhile; now it starts nothing more.
	s.pids = append(s.pids[:1], servicesOf(s.pids[0])...)
	if err := s.signal(s.pids[1:], syscall.SIGSTOP); err != nil {
		return errors.Join(err, s.thaw())
	}
	return nil
}

// thaw lets frozen processes go on, the supervisor last.
func (s *olderService) thaw() error {
	backwards := slices.Clone(s.pids)
	slices.Reverse(backwards)
	return s.signal(backwards, syscall.SIGCONT)
}

// kill ends frozen processes and waits until they are gone.
func (s *olderService) kill() error {
	for _, pid := range s.pids {
		fd, err := unix.PidfdOpen(pid, 0)
		if errors.Is(err, unix.ESRCH) || programOf(pid) != olderProgram {
			continue
		}
		if err := s.signal([]int{pid}, syscall.SIGKILL); err != nil {
			return err
		}
		if err != nil {
			continue // a kernel without pidfd: nothing that was frozen runs again before it dies
		}
		poll := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		n, err := unix.Poll(poll, int(killPatience.Milliseconds()))
		unix.Close(fd)
		if n == 0 {
			return exitf(ExitBadState, "pg_autoctl (process %d) was killed and does not end: %w", pid, err)
		}
	}
	return nil
}

// killPatience is how long a killed process may hang in the kernel.
const killPatience = time.Minute

func (s *olderService) signal(pids []int, sig syscall.Signal) error {
	for _, pid := range pids {
		if programOf(pid) != olderProgram {
			continue // it has ended
		}
		if err := unix.Kill(pid, sig); err != nil && !errors.Is(err, unix.ESRCH) {
			return exitf(ExitBadState, "send %v to pg_autoctl, process %d: %w; run this command as the user who runs pg_autoctl", sig, pid, err)
		}
	}
	return nil
}

// checkEnd refuses to end a supervisor when somebody would end Postgres with it.
func (s olderService) checkEnd(ctx context.Context) error {
	if !s.running() {
		return nil
	}
	if s.pids[0] == 1 {
		return exitf(ExitBadState, "pg_autoctl is process 1 of a container, which ends with it; replace the container by one that runs pgaf, and adopt its data there")
	}
	cgroup, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", s.pids[0]))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return exitf(ExitBadState, "look whether systemd runs pg_autoctl: %w", err)
	}
	unit, manager := unitOf(string(cgroup))
	if unit == "" {
		return nil
	}
	main, mode, err := askSystemd(ctx, unit, manager)
	if err != nil {
		// A machine without D-Bus, where only root may ask. What we advise says enough.
		advised, readErr := os.ReadFile(filepath.Join("/run/systemd/system", unit+".d", "adopt.conf"))
		if readErr != nil {
			return exitf(ExitBadState, "ask systemd about %s, which pg_autoctl (process %d) belongs to: %w; "+
				"make sure that it leaves Postgres alone, as docs/migrating.md says: KillMode=process in /run/systemd/system/%s.d/adopt.conf", unit, s.pids[0], err, unit)
		}
		main, mode = s.pids[0], killMode(string(advised))
	}
	if main != s.pids[0] || mode == "process" || mode == "none" {
		return nil
	}
	return exitf(ExitBadState, "pg_autoctl (process %d) is the service %s, with which systemd would end Postgres, too (KillMode=%s); "+
		"tell systemd to leave it alone, as root, and repeat: d=/run/systemd/system/%s.d && mkdir -p $d && printf '[Service]\\nKillMode=process\\nRestart=no\\n' >$d/adopt.conf && systemctl daemon-reload",
		s.pids[0], unit, mode, unit)
}

// askSystemd returns the main process of a unit and its KillMode.
func askSystemd(ctx context.Context, unit string, manager []string) (main int, mode string, err error) {
	query := append(slices.Clone(manager), "show", "--property=MainPID,KillMode", unit)
	out, err := exec.CommandContext(ctx, "systemctl", query...).Output()
	if err != nil {
		return 0, "", err
	}
	for line := range strings.Lines(string(out)) {
		if value, found := strings.CutPrefix(strings.TrimSpace(line), "MainPID="); found {
			main, err = strconv.Atoi(value)
		}
	}
	return main, killMode(string(out)), err
}

// killMode is the value of KillMode in the lines of a unit.
func killMode(lines string) (mode string) {
	for line := range strings.Lines(lines) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		if strings.TrimSpace(name) == "KillMode" {
			mode = strings.TrimSpace(value)
		}
	}
	return mode
}

// unitOf finds the service of systemd in the content of /proc/PID/cgroup, and the
// options with which systemctl finds its manager. "" for a login session, or no systemd.
func unitOf(cgroup string) (unit string, manager []string) {
	for line := range strings.Lines(cgroup) {
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(fields) != 3 || fields[1] != "" && fields[1] != "name=systemd" {
			continue
		}
		path := strings.Split(fields[2], "/")
		last := path[len(path)-1]
		if !strings.HasSuffix(last, ".service") || strings.HasPrefix(last, "user@") {
			continue
		}
		if slices.ContainsFunc(path[:len(path)-1], func(part string) bool { return strings.HasPrefix(part, "user@") }) {
			return last, []string{"--user"}
		}
		return last, nil
	}
	return "", nil
}
