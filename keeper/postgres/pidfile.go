package postgres

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Status of the postmaster, from postmaster.pid and the life of its process.
type Status int

const (
	NotRunning Status = iota
	Starting          // recovery; connections are refused (57P03)
	Ready             // accepts connections: a primary, or a hot standby
	Standby           // in recovery with hot_standby = off: runs, refuses connections
	Stopping
)

func (s Status) String() string {
	switch s {
	case Starting:
		return "starting"
	case Ready:
		return "ready"
	case Standby:
		return "standby"
	case Stopping:
		return "stopping"
	}
	return "not running"
}

// Running is every Status with a postmaster.
func (s Status) Running() bool { return s != NotRunning }

// Up is every Status that Start waits for.
func (s Status) Up() bool { return s == Ready || s == Standby }

// Postmaster is the parsed postmaster.pid.
type Postmaster struct {
	PID        int
	Single     bool // a standalone backend (postgres --single), not a postmaster
	DataDir    string
	StartTime  time.Time
	Port       int
	SocketDir  string // first of unix_socket_directories; "" = none
	ListenAddr string // first of listen_addresses; "" = none
	Status     Status
}

func pidFile(pgdata string) string { return filepath.Join(pgdata, "postmaster.pid") }

// ParsePostmaster parses postmaster.pid. Postgres writes it line by line while it starts, so every line but
// the first may be missing.
func ParsePostmaster(content string) (Postmaster, error) {
	lines := strings.Split(content, "\n")
	line := func(i int) string {
		if i < len(lines) {
			return strings.TrimSpace(lines[i])
		}
		return ""
	}
	p := Postmaster{DataDir: line(1), SocketDir: line(4), ListenAddr: line(5), Status: Starting}
	pid, err := strconv.Atoi(line(0))
	if err != nil || pid == 0 {
		return p, fmt.Errorf("postmaster.pid: no process id in %q", line(0))
	}
	p.PID = max(pid, -pid)
	p.Single = pid < 0
	if seconds, err := strconv.ParseInt(line(2), 10, 64); err == nil {
		p.StartTime = time.Unix(seconds, 0)
	}
	p.Port, _ = strconv.Atoi(line(3))
	switch line(7) {
	case "ready":
		p.Status = Ready
	case "standby":
		p.Status = Standby
	case "stopping":
		p.Status = Stopping
	}
	return p, nil
}

// readPostmaster reads postmaster.pid and reports whether the process it names runs this cluster. The file
// outlives a killed postmaster, and after a reboot its pid may be anybody's.
func readPostmaster(pgdata string) (p Postmaster, running bool) {
	content, err := os.ReadFile(pidFile(pgdata))
	if err != nil {
		return Postmaster{}, false
	}
	if p, err = ParsePostmaster(string(content)); err != nil {
		return p, false
	}
	return p, runs(p.PID, "postgres", pgdata)
}

// refuseRunning is the guard of everything that replaces or overwrites a folder.
func refuseRunning(pgdata string) error {
	p, running := readPostmaster(pgdata)
	switch {
	case running && p.Single:
		return fmt.Errorf("a standalone backend (postgres --single, pid %d) uses %s; end it first", p.PID, pgdata)
	case running:
		return fmt.Errorf("Postgres (pid %d) runs on %s; stop it first", p.PID, pgdata)
	}
	for _, pid := range pids() {
		if clusterProcess(pgdata)(pid) {
			return fmt.Errorf("process %d of an ended Postgres still uses %s; stop it first", pid, pgdata)
		}
	}
	return nil
}
