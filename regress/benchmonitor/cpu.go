package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// clockTick is the unit of CPU times in /proc/<pid>/stat, the same on all Linux platforms that Go supports.
const clockTick = 10 * time.Millisecond

// endedCPU is the CPU time (utime + stime) of all processes of the server that have ended.
func (s *server) endedCPU() (time.Duration, error) {
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.Postmaster.PID))
	if err != nil {
		return 0, err
	}
	// The second field, the program's name in parentheses, may contain anything; the third is fields[0].
	fields := strings.Fields(string(content[bytes.LastIndexByte(content, ')')+1:]))
	var ticks int64
	for _, field := range []int{16, 17} { // cutime, cstime
		n, err := strconv.ParseInt(fields[field-3], 10, 64)
		if err != nil {
			return 0, err
		}
		ticks += n
	}
	return time.Duration(ticks) * clockTick, nil
}

// backends lists the processes of the server.
func (s *server) backends() ([]string, error) {
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", s.Postmaster.PID, s.Postmaster.PID))
	return strings.Fields(string(content)), err
}

// cpuOf measures the CPU time of all sessions that doing opens and closes.
func (s *server) cpuOf(ctx context.Context, doing func() error) (time.Duration, error) {
	standing, err := s.backends()
	if err != nil {
		return 0, err
	}
	before, err := s.endedCPU()
	if err != nil {
		return 0, err
	}
	if err := doing(); err != nil {
		return 0, err
	}
	for {
		now, err := s.backends()
		if err != nil {
			return 0, err
		}
		if !slices.ContainsFunc(now, func(pid string) bool { return !slices.Contains(standing, pid) && isSession(pid) }) {
			break
		}
		// A backend ends some time after its client; nobody tells when.
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
	after, err := s.endedCPU()
	return after - before, err
}

// isSession tells the backend of a client from other processes of the server by its title, which it loses when it ends,
// some time before the postmaster collects it.
func isSession(pid string) bool {
	title, err := os.ReadFile("/proc/" + pid + "/cmdline")
	return err == nil && (len(title) == 0 || bytes.HasPrefix(title, []byte("postgres: "+role+" ")))
}

// machineCPU is the CPU time that all processes of this machine have used, and that its host withheld from it.
func machineCPU() (time.Duration, error) {
	content, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, err
	}
	first, _, _ := strings.Cut(string(content), "\n")
	fields := strings.Fields(first) // cpu user nice system idle iowait irq softirq steal …
	var ticks int64
	for _, field := range []int{1, 2, 3, 6, 7, 8} {
		n, err := strconv.ParseInt(fields[field], 10, 64)
		if err != nil {
			return 0, err
		}
		ticks += n
	}
	return time.Duration(ticks) * clockTick, nil
}

// ownCPU is the CPU time of this process and of its children that have ended: pgbench.
func ownCPU() time.Duration {
	var sum time.Duration
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var usage syscall.Rusage
		if syscall.Getrusage(who, &usage) == nil {
			sum += time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
		}
	}
	return sum
}

// sessionCPU is the CPU time of a living process, to the nanosecond: the scheduler's own account of what stat rounds
// to ticks.
func sessionCPU(pid uint32) (time.Duration, error) {
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/schedstat", pid))
	if err != nil {
		return 0, err
	}
	running, _, _ := strings.Cut(string(content), " ")
	n, err := strconv.ParseInt(running, 10, 64)
	return time.Duration(n), err
}
