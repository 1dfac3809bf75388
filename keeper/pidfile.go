package keeper

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// PidFile is the content of a running service's pid file: line 1 the process id,
// 2 PGDATA, 3 the program's version, 4 the extension's version, 5 a semaphore id
// (always 0: pgaf is one process and needs none), then "<pid> <service>" lines.
type PidFile struct {
	Pid              int
	PGDATA           string
	Version          string
	ExtensionVersion string
	SemaphoreID      int
	Services         []PidService
}

// PidService is one service of a running node.
type PidService struct {
	Pid  int
	Name string
}

// ReadPidFile reads the pid file of the running service. When none runs the error
// is os.ErrNotExist, whether or not a stale file is there.
//
// The lock decides, not the number: a service holds it for as long as it lives, so
// a file left behind by SIGKILL is recognised even when its pid is in use again.
func ReadPidFile(path string) (PidFile, error) {
	file, err := os.Open(path)
	if err != nil {
		return PidFile{}, err
	}
	defer file.Close()
	lock := wholeFile()
	if err := unix.FcntlFlock(file.Fd(), unix.F_OFD_GETLK, &lock); err != nil {
		return PidFile{}, fmt.Errorf("look at the lock of %s: %w", path, err)
	}
	if lock.Type == unix.F_UNLCK {
		return PidFile{}, fmt.Errorf("%s is left over from a process that has ended: %w", path, os.ErrNotExist)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return PidFile{}, err
	}
	return parsePidFile(string(content))
}

func parsePidFile(content string) (PidFile, error) {
	lines := strings.Split(strings.TrimRight(content, "\n"), "\n")
	if len(lines) < 5 {
		return PidFile{}, fmt.Errorf("a pid file has at least 5 lines, this one %d", len(lines))
	}
	p := PidFile{PGDATA: lines[1], Version: lines[2], ExtensionVersion: lines[3]}
	var err error
	if p.Pid, err = strconv.Atoi(lines[0]); err != nil {
		return PidFile{}, fmt.Errorf("line 1 of the pid file: %w", err)
	}
	if p.SemaphoreID, err = strconv.Atoi(lines[4]); err != nil {
		return PidFile{}, fmt.Errorf("line 5 of the pid file: %w", err)
	}
	for _, line := range lines[5:] {
		number, name, _ := strings.Cut(line, " ")
		pid, err := strconv.Atoi(number)
		if err != nil {
			return PidFile{}, fmt.Errorf("pid file line %q: %w", line, err)
		}
		p.Services = append(p.Services, PidService{Pid: pid, Name: name})
	}
	return p, nil
}

func (p PidFile) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d\n%s\n%s\n%s\n%d\n", p.Pid, p.PGDATA, p.Version, p.ExtensionVersion, p.SemaphoreID)
	for _, service := range p.Services {
		fmt.Fprintf(&b, "%d %s\n", service.Pid, service.Name)
	}
	return b.String()
}

// wholeFile describes an exclusive lock of a whole file. It belongs to the open
// file, so asking who holds it never disturbs a service that is just starting.
func wholeFile() unix.Flock_t {
	return unix.Flock_t{Type: unix.F_WRLCK, Whence: io.SeekStart}
}

// pidLock is the pid file held by this process, and the lock beside the node's state.
type pidLock struct {
	file      *os.File
	state     *os.File // nil: only the pid file is held
	inherited bool     // from the program that this one replaced

	// Requests to read the configuration again, and to be replaced. Whoever finds the
	// lock held may send them.
	reload, replace chan os.Signal
}

// errRunning is wrapped by the error of acquirePidFile when another process holds
// the file.
var errRunning = errors.New("already running")

// lockNode makes this process the one service of a node. The pid file alone would not
// do: its folder depends on XDG_RUNTIME_DIR, which a login shell has and a service of
// systemd has not, while the state file is where it is.
func lockNode(paths Paths, content PidFile) (l *pidLock, err error) {
	// Before the lock: SIGHUP would end a process that does not await it.
	reload, replace := notifyOf(reloadSignal), notifyOf(replaceSignal)
	defer func() {
		if err != nil {
			signal.Stop(reload)
			signal.Stop(replace)
			return
		}
		l.reload, l.replace = reload, replace
	}()
	if l := inheritLocks(paths); l != nil {
		if err := writePid(l.file, content); err != nil {
			return nil, exitf(ExitBadState, "write the pid file %s: %w", paths.Pid, err)
		}
		return l, nil
	}
	if l, err = acquirePidFile(paths.Pid, content); err != nil {
		return nil, err
	}
	if l.state, err = os.OpenFile(paths.Lock, os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		l.release()
		return nil, exitf(ExitBadState, "open the lock of the node's state: %w", err)
	}
	lock := wholeFile()
	if err := unix.FcntlFlock(l.state.Fd(), unix.F_OFD_SETLK, &lock); err != nil {
		l.release()
		return nil, exitf(ExitBadState, "pgaf is %w for %s, with its pid file elsewhere than %s (another XDG_RUNTIME_DIR); stop it first", errRunning, content.PGDATA, paths.Pid)
	}
	return l, nil
}

// acquirePidFile takes the lock and writes the file. It fails at once when another
// process holds the lock.
func acquirePidFile(path string, content PidFile) (*pidLock, error) {
	for {
		file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
		if err != nil {
			return nil, exitf(ExitBadState, "open the pid file: %w; its folder must be writable for user %s", err, osUser())
		}
		lock := wholeFile()
		if err := unix.FcntlFlock(file.Fd(), unix.F_OFD_SETLK, &lock); err != nil {
			file.Close()
			return nil, runningError(path, content.PGDATA)
		}
		// The holder before us may have removed the file between our open and our
		// lock: then we hold the lock of a file that nobody else can see.
		if !sameFile(file, path) {
			file.Close()
			continue
		}
		if err := writePid(file, content); err != nil {
			file.Close()
			return nil, exitf(ExitBadState, "write the pid file %s: %w", path, err)
		}
		return &pidLock{file: file}, nil
	}
}

func runningError(path, pgdata string) error {
	running, err := ReadPidFile(path)
	if err != nil {
		return exitf(ExitBadState, "pgaf is %w for %s", errRunning, pgdata)
	}
	return exitf(ExitBadState, "pgaf is %w for %s as process %d; stop it first with: pgaf stop --pgdata %s", errRunning, pgdata, running.Pid, pgdata)
}

func sameFile(file *os.File, path string) bool {
	ours, err := file.Stat()
	if err != nil {
		return false
	}
	there, err := os.Stat(path)
	return err == nil && os.SameFile(ours, there)
}

// writePid never leaves less in the file than a whole content: somebody may be reading.
func writePid(file *os.File, content PidFile) error {
	text := []byte(content.String())
	if _, err := file.WriteAt(text, 0); err != nil {
		return err
	}
	return file.Truncate(int64(len(text)))
}

// notifyOf is a channel of one signal.
func notifyOf(sig os.Signal) chan os.Signal {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, sig)
	return signals
}

// release removes the file and gives up the lock, in that order.
func (l *pidLock) release() {
	os.Remove(l.file.Name())
	l.file.Close()
	if l.state != nil {
		l.state.Close() // the file stays: whoever removes it would unlock another service
	}
	if l.reload != nil {
		signal.Stop(l.reload)
		signal.Stop(l.replace)
	}
}
