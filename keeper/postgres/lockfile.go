package postgres

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// removeStaleLocks removes the lock files of an earlier postmaster whose process id now belongs to somebody
// else, as after the restart of a container, or to a zombie that nobody collects: Postgres would take that
// process for a postmaster. All other cases Postgres decides rightly itself. The caller has seen that no
// process of the cluster is left.
func removeStaleLocks(pgdata string, c ServerConfig) error {
	content, p := readPIDFile(pgdata)
	dir, port := p.SocketDir, p.Port
	if c.SocketDir != "" {
		dir = c.SocketDir
	}
	if c.Port != 0 {
		port = c.Port
	}
	if dir == "" {
		dir = DefaultSocketDir
	}
	// The lock of the socket outlives PGDATA: a copy that replaces it has no postmaster.pid. It says at its
	// fifth line which folder it belongs to, but its pid is what counts.
	socket := filepath.Join(dir, fmt.Sprintf(".s.PGSQL.%d.lock", port))
	if lock, err := os.ReadFile(socket); err == nil && misleads(string(lock), "") {
		if err := removeFile(socket); err != nil {
			return err
		}
	}
	if content != "" && misleads(content, pgdata) && !sharedMemoryUsed(content) {
		return removeFile(pidFile(pgdata))
	}
	return nil
}

// DefaultSocketDir is where the servers of Debian and Red Hat make their sockets unless told otherwise.
const DefaultSocketDir = "/var/run/postgresql"

// readPIDFile returns postmaster.pid as it is and what it says; nothing where there is none.
func readPIDFile(pgdata string) (string, Postmaster) {
	content, err := os.ReadFile(pidFile(pgdata))
	if err != nil {
		return "", Postmaster{}
	}
	p, err := ParsePostmaster(string(content))
	if err != nil {
		return "", Postmaster{}
	}
	return string(content), p
}

// misleads reports whether a lock file names a process that Postgres would take for a postmaster but which is
// none.
func misleads(lock, pgdata string) bool {
	p, err := ParsePostmaster(lock)
	return err == nil && unix.Kill(p.PID, 0) == nil && !runs(p.PID, "postgres", pgdata)
}

// sharedMemoryUsed looks at the segment that postmaster.pid names: the file guards it.
func sharedMemoryUsed(lock string) bool {
	lines := strings.Split(lock, "\n")
	if len(lines) < 7 {
		return false
	}
	fields := strings.Fields(lines[6]) // key and id
	if len(fields) != 2 {
		return false
	}
	id, err := strconv.Atoi(fields[1])
	if err != nil {
		return false
	}
	var segment unix.SysvShmDesc
	_, err = unix.SysvShmCtl(id, unix.IPC_STAT, &segment)
	return err == nil && segment.Nattch > 0
}
