package keeper

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
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

// How a running service is replaced by the program that is now on disk
// (pgaf reload --exec). It replaces itself in place, by exec: the process, its lock,
// its children and so Postgres stay. What a keeper knows is on disk before anybody
// hears of it, so that the new program goes on where the old one was.

// replaceSignal asks a service to replace itself.
const replaceSignal = syscall.SIGUSR2

// checkPatience bounds each trial run of the new program; replacePatience the wait of
// a command, in which the service may have to end what it is doing.
const (
	checkPatience   = 10 * time.Second
	replacePatience = time.Minute
)

// ownProgram is where this program was started from, as it was named: where a link is
// put to another version, that is the one to be replaced by.
var ownProgram = findOwnProgram()

func findOwnProgram() string {
	if path, err := exec.LookPath(os.Args[0]); err == nil {
		if path, err = filepath.Abs(path); err == nil {
			return path
		}
	}
	path, err := os.Executable()
	if err != nil {
		return os.Args[0]
	}
	return path
}

// successor is the program that a service may be replaced by.
type successor struct {
	lock      *pidLock   // nil: this process cannot be replaced yet
	paths     Paths      // of the node
	arguments []string   // of its command line
	probe     []string   // a command of its that reads the node's files and changes nothing
	checked   chan error // of a check that goes on
	ready     bool       // it was checked and takes over as soon as nothing is under way
}

func newSuccessor(lock *pidLock, paths Paths, options []string, probe ...string) successor {
	arguments := slices.Concat(options, []string{"run", "--pgdata", paths.PGDATA})
	return successor{lock: lock, paths: paths, arguments: arguments, probe: append(probe, "--pgdata", paths.PGDATA), checked: make(chan error, 1)}
}

// newNodeSuccessor is the successor of a data node's keeper: it has to read the state.
func newNodeSuccessor(lock *pidLock, paths Paths, options []string) successor {
	return newSuccessor(lock, paths, options, "show", "state", "--local", "--json")
}

// check makes sure that the program on disk runs and understands the node's files; the
// result comes on s.checked.
func (s *successor) check(ctx context.Context) {
	if s.lock == nil {
		s.refuse(errors.New("the node is still being created; repeat the command when it is"))
		return
	}
	go func() {
		err := tryProgram(ctx, "version")
		if err == nil {
			err = tryProgram(ctx, s.probe...)
		}
		s.checked <- err
	}()
}

// tryProgram runs the program on disk.
func tryProgram(ctx context.Context, args ...string) error {
	ctx, cancel := context.WithTimeout(ctx, checkPatience)
	defer cancel()
	cmd := exec.CommandContext(ctx, ownProgram, args...)
	cmd.WaitDelay = time.Second
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s %s: %w%s", ownProgram, strings.Join(args, " "), err, quoted(complaint.String()))
	}
	return nil
}

// quoted is the first line that a program printed, to end an error with.
func quoted(text string) string {
	first, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	if first == "" {
		return ""
	}
	return ": " + first
}

// refuse tells the waiting command why the service goes on as it is.
func (s *successor) refuse(err error) {
	s.ready = false
	_ = answerReplace(s.paths, replaceAnswer{Error: err.Error()})
}

// takeOver replaces this process. It returns only when that failed.
func (s *successor) takeOver() error {
	err := s.lock.become(ownProgram, append([]string{os.Args[0]}, s.arguments...))
	err = fmt.Errorf("replace this program by %s: %w", ownProgram, err)
	s.refuse(err)
	return err
}

// onReplaceRequest and onChecked are what the executor does about a replacement.
func (e *executor) onReplaceRequest(ctx context.Context) {
	e.n.log.Info("asked to be replaced by the program on disk", "program", ownProgram)
	e.successor.check(ctx)
}

func (e *executor) onChecked(err error) {
	if err != nil {
		e.n.log.Error("the program on disk is not taken; this one goes on", "error", err)
		e.successor.refuse(err)
		return
	}
	e.successor.ready = true
	if !e.mayBeReplaced() {
		e.n.log.Info("the new program takes over when this is done", "doing", e.running.describe())
	}
}

// mayBeReplaced: an action is not interrupted for it. One that is begun again by the
// new program anyway may be.
func (e *executor) mayBeReplaced() bool {
	return e.running == nil || e.running.upkeep == servePeers
}

// replaceProgram lets the new program take over once nothing is under way.
func (e *executor) replaceProgram() {
	if !e.successor.ready || !e.mayBeReplaced() || e.handover != nil {
		return
	}
	e.stopJob()
	e.save()
	if e.unsaved {
		e.successor.refuse(errors.New("the state of this node cannot be written down, and the new program would begin with an older one; see the log of the service"))
		return
	}
	e.n.manager.reloading("being replaced by the program on disk")
	if err := e.successor.takeOver(); err != nil {
		e.n.manager.reloaded()
		e.n.log.Error("this program goes on", "error", err)
	}
}

// lockVariable names the files of the node's locks to the program that takes over.
const lockVariable = "PGAF_INHERITED_LOCKS"

// become replaces this process and hands its locks on.
func (l *pidLock) become(program string, argv []string) error {
	// No child may be born meanwhile: it would hold the locks.
	syscall.ForkLock.Lock()
	defer syscall.ForkLock.Unlock()
	var numbers []string
	for _, file := range []*os.File{l.file, l.state} {
		fd := int(file.Fd())
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_SETFD, 0); err != nil {
			return err
		}
		defer unix.CloseOnExec(fd)
		numbers = append(numbers, strconv.Itoa(fd))
	}
	return syscall.Exec(program, argv, append(os.Environ(), lockVariable+"="+strings.Join(numbers, ":")))
}

// inheritLocks takes over the locks of the process that this one replaces; nil when
// it replaces none, or that of another node.
func inheritLocks(paths Paths) *pidLock {
	numbers := strings.Split(os.Getenv(lockVariable), ":")
	os.Unsetenv(lockVariable) // not for children
	if len(numbers) != 2 {
		return nil
	}
	l := &pidLock{inherited: true}
	for i, target := range []**os.File{&l.file, &l.state} {
		fd, err := strconv.Atoi(numbers[i])
		if err != nil || fd < 3 {
			return nil
		}
		unix.CloseOnExec(fd)
		*target = os.NewFile(uintptr(fd), []string{paths.Pid, paths.Lock}[i])
	}
	if !sameFile(l.file, paths.Pid) || !sameFile(l.state, paths.Lock) {
		l.file.Close()
		l.state.Close()
		return nil
	}
	return l
}

// replaceAnswer is what the service says to the command that asked.
type replaceAnswer struct {
	Version string `json:"version,omitempty"` // of the program that has taken over
	Error   string `json:"error,omitempty"`   // why none did
}

func answerReplace(paths Paths, a replaceAnswer) error {
	content, err := json.Marshal(a)
	if err != nil {
		return err
	}
	return writeFileAtomically(paths.Exec, content, 0o600)
}

// confirm tells the waiting command that this program has taken over.
func (l *pidLock) confirm(paths Paths, version string) error {
	if !l.inherited {
		return nil
	}
	return answerReplace(paths, replaceAnswer{Version: version})
}

// Replace makes the running service of pgdata replace itself by the program on disk,
// without touching Postgres, and returns the version that has taken over. When the
// service goes on as it is the error is an ExitError with ExitReload.
func Replace(ctx context.Context, pgdata string) (version string, err error) {
	paths, err := PathsOf(pgdata)
	if err != nil {
		return "", err
	}
	return replaceService(ctx, paths)
}

// replaceService needs of paths: PGDATA, Pid and Exec.
func replaceService(ctx context.Context, paths Paths) (version string, err error) {
	running, err := ReadPidFile(paths.Pid)
	if errors.Is(err, os.ErrNotExist) {
		return "", exitf(ExitInternal, "nothing to replace: pgaf does not run for %s; start it with: pgaf run --pgdata %s", paths.PGDATA, paths.PGDATA)
	}
	if err != nil {
		return "", err
	}
	if !catches(running.Pid, replaceSignal) {
		return "", exitf(ExitReload, "the running service (process %d, version %s) cannot replace itself; it is replaced when it is restarted", running.Pid, running.Version)
	}
	if err := removeFile(paths.Exec); err != nil {
		return "", exitf(ExitReload, "remove the answer to an earlier request: %w", err)
	}
	if err := syscall.Kill(running.Pid, replaceSignal); err != nil {
		return "", exitf(ExitReload, "send %v to pgaf, process %d: %w", replaceSignal, running.Pid, err)
	}
	return awaitReplace(ctx, paths)
}

func awaitReplace(ctx context.Context, paths Paths) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, replacePatience)
	defer cancel()
	for ctx.Err() == nil {
		var a replaceAnswer
		content, err := os.ReadFile(paths.Exec)
		if err == nil {
			err = json.Unmarshal(content, &a)
		}
		switch {
		case err == nil && a.Error != "":
			removeFile(paths.Exec)
			return "", exitf(ExitReload, "the service goes on with the program it has: %s", a.Error)
		case err == nil:
			removeFile(paths.Exec)
			return a.Version, nil
		case !errors.Is(err, os.ErrNotExist):
			return "", exitf(ExitReload, "read the answer of the service: %w", err)
		}
		if _, err := ReadPidFile(paths.Pid); errors.Is(err, os.ErrNotExist) {
			return "", exitf(ExitReload, "the service has ended while it was being replaced; Postgres is left as it was. See its log, and start it with: pgaf run --pgdata %s", paths.PGDATA)
		}
		sleep(ctx, 20*time.Millisecond)
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		return "", ctx.Err()
	}
	return "", exitf(ExitReload, "the service has not replaced itself within %s: it does so when what it is doing is done; see its log", replacePatience)
}

// catches says whether a process handles a signal: one that does not would end by it.
func catches(pid int, sig syscall.Signal) bool {
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(content)) {
		if mask, found := strings.CutPrefix(line, "SigCgt:"); found {
			caught, err := strconv.ParseUint(strings.TrimSpace(mask), 16, 64)
			return err == nil && caught&(1<<(sig-1)) != 0
		}
	}
	return false
}
