package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// orphanGrace is how long the backends of a killed postmaster may take to leave on SIGQUIT before they are
// killed.
const orphanGrace = 300 * time.Millisecond

// leftoverLimit bounds the attempts to start while something of an earlier postmaster is still in the way.
const leftoverLimit = 10 * time.Second

// Start starts Postgres or adopts the running one and returns when it accepts connections (Status.Up). ctx
// ends the waiting only: Postgres goes on starting (StartWaiting), see Recovery for its progress. Leftovers
// of a killed postmaster are ended first, so "pre-existing shared memory block" is never the caller's
// problem. Error: *StartError.
func (s *Server) Start(ctx context.Context) error {
	s.mu.Lock()
	s.attach()
	stops := s.stops
	s.mu.Unlock()
	begun := time.Now()
	for {
		mark := markLogs(s.PGDATA())
		r, spawned, err := s.launch(ctx, stops)
		if err != nil {
			return err
		}
		err = s.awaitUp(ctx, r, mark)
		if !spawned && hasExited(r) {
			continue // what we found was at its end; the start is still to come
		}
		var failed *StartError
		if !errors.As(err, &failed) || failed.Kind != startLeftover {
			return err
		}
		if time.Since(begun) > leftoverLimit {
			failed.Kind = StartBusy
			return failed
		}
		// What stood in the way may have gone between Postgres's look and ours: pause for a moment only.
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return s.startError(StartWaiting, err)
		}
	}
}

func hasExited(r *run) bool {
	select {
	case <-r.exited:
		return true
	default:
		return false
	}
}

// launch returns the running postmaster or a new one (spawned).
func (s *Server) launch(ctx context.Context, stops int) (r *run, spawned bool, err error) {
	select {
	case s.spawn <- struct{}{}:
	case <-ctx.Done():
		return nil, false, s.startError(StartWaiting, context.Cause(ctx))
	}
	defer func() { <-s.spawn }()
	if ctx.Err() != nil {
		return nil, false, s.startError(StartWaiting, context.Cause(ctx))
	}
	pgdata := s.PGDATA()
	s.mu.Lock()
	s.observe()
	r = s.run
	s.mu.Unlock()
	if r != nil {
		return r, false, nil
	}
	switch p, running := readPostmaster(pgdata); {
	case running && p.Single:
		return nil, false, s.startError(StartBusy, refuseRunning(pgdata))
	case !HasCluster(pgdata):
		return nil, false, s.startError(StartNoCluster, errors.New("the folder holds no cluster (no global/pg_control)"))
	case RewindPending(pgdata):
		return nil, false, s.startError(StartRewinding, fmt.Errorf("a pg_rewind of this folder did not finish; "+
			"rewind it again or replace it by a base backup (only if you know that nothing was changed: remove %s)",
			rewindMarker))
	}
	err = endProcesses(ctx, orphanGrace, orphan(pgdata))
	if err != nil {
		return nil, false, s.startError(StartBusy, err)
	}
	if err := removeStaleLocks(pgdata, s.settings()); err != nil {
		return nil, false, s.startError(StartUnknown, err)
	}
	removed, err := removeUnfinishedSwitch(pgdata)
	if len(removed) > 0 {
		s.settings().Logger.Warn("removed the beginning of a WAL segment that this standby was killed while receiving, before anything of its timeline; it is received anew", "segments", removed)
	}
	if err != nil {
		return nil, false, s.startError(StartUnknown, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.attach()
	if s.stops != stops || s.closed {
		return nil, false, s.startErrorLocked(StartStopped, errors.New("a stop was requested meanwhile"))
	}
	if r, err = s.spawnPostmaster(); err != nil {
		return nil, false, s.startErrorLocked(StartUnknown, err)
	}
	return r, true, nil
}

// orphan matches the children of a postmaster that was killed. They may still be committing and hold its
// shared memory. Most have given themselves a title. One that was just forked, or whose client has not said yet
// who it is, still has the command line of its postmaster. It has lost its parent and does not own the lock file:
// so it cannot be confused with a postmaster, but for one that someone starts at this moment, before it touched
// anything.
func orphan(pgdata string) func(pid int) bool {
	cluster := clusterProcess(pgdata)
	return func(pid int) bool {
		if !cluster(pid) {
			return false
		}
		args := commandLine(pid)
		if strings.HasPrefix(args[0], "postgres: ") {
			return true
		}
		owner, _ := readPostmaster(pgdata)
		return pid != owner.PID && orphaned(pid) && !runsAlone(args)
	}
}

// runsAlone reports whether the arguments are those of a postgres that is no postmaster.
func runsAlone(args []string) bool {
	return len(args) > 1 && slices.Contains([]string{"--single", "--boot", "--check", "--describe-config"}, args[1])
}

// spawnPostmaster starts a child in its own session: no signal to our terminal or group reaches it, and it
// outlives us. Needs mu.
func (s *Server) spawnPostmaster() (*run, error) {
	c := s.config
	log, err := openStartupLog(c.PGDATA)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd := exec.Command(c.Bin.Path("postgres"), c.args()...)
	cmd.Dir = c.PGDATA
	cmd.Env = serverEnv()
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	pid := cmd.Process.Pid
	proc, err := openProcess(pid) // not reaped before Wait below
	if err != nil {
		proc = &process{pid: pid}
	}
	r := &run{pid: pid, proc: proc, child: true, exited: make(chan struct{}), exit: Exit{PID: pid}}
	s.run = r
	s.observe()
	c.Logger.Info("Postgres started", "pgdata", c.PGDATA, "pid", pid, "port", c.Port)
	go func() {
		_ = cmd.Wait()
		if state := cmd.ProcessState; state != nil {
			status := state.Sys().(syscall.WaitStatus)
			r.exit.Known = true
			r.exit.Code, r.exit.Signal = status.ExitStatus(), 0
			if status.Signaled() {
				r.exit.Code, r.exit.Signal = 0, status.Signal()
			}
		}
		s.ended(r)
	}()
	return r, nil
}

func (c ServerConfig) args() []string {
	args := []string{"-D", c.PGDATA}
	if c.Port != 0 {
		args = append(args, "-p", strconv.Itoa(c.Port))
	}
	if c.ListenAddresses != "" {
		args = append(args, "-h", c.ListenAddresses)
	}
	if c.SocketDir != "" {
		args = append(args, "-k", c.SocketDir)
	}
	return append(args, c.Options...)
}

// serverEnv is our environment without client settings, but with our locale: messages of the server are for
// people. What a unit file says about the out-of-memory killer is for the server.
func serverEnv() []string {
	env := programEnv(true)
	kept := env[:0]
	for _, kv := range env {
		if !strings.HasPrefix(kv, "PG") {
			kept = append(kept, kv)
		}
	}
	for _, name := range []string{"PG_OOM_ADJUST_FILE", "PG_OOM_ADJUST_VALUE"} {
		if value := os.Getenv(name); value != "" {
			kept = append(kept, name+"="+value)
		}
	}
	return kept
}

// awaitUp returns when the server is up, or an error when r ended or ctx did.
func (s *Server) awaitUp(ctx context.Context, r *run, mark logMark) error {
	up := false
	err := s.await(ctx, func() bool {
		if hasExited(r) {
			return true
		}
		up = s.Status().Up()
		return up
	})
	switch {
	case up:
		return nil
	case err != nil:
		e := s.startError(StartWaiting, err)
		e.Log = mark.since(startErrorLines)
		return e
	}
	awaitLogger(ctx, s.PGDATA())
	e := s.startError(StartUnknown, nil)
	e.Exit, e.Log = r.exit, mark.since(startErrorLines)
	e.Kind = classifyStart(e.Log)
	if r.exit.Requested {
		e.Kind = StartStopped
	}
	return e
}

// Recovery is a sample of how far a starting server is; any change between two samples is progress.
type Recovery struct {
	Title string        // of the startup process, e.g. "recovering 000000010000000000000003"
	CPU   time.Duration // used by the startup process
	IO    uint64        // bytes read and written by it
}

// clockTick is the unit of CPU time in /proc: USER_HZ is 100 on every Linux that Postgres runs on.
const clockTick = 10 * time.Millisecond

// Recovery samples the startup process; false when there is none.
func (s *Server) Recovery() (Recovery, bool) {
	pid, title := s.startupProcess()
	if pid == 0 {
		return Recovery{}, false
	}
	r := Recovery{Title: title}
	if stat, ok := procStat(pid); ok {
		r.CPU = time.Duration(stat.ticks) * clockTick
	}
	io, _ := os.ReadFile(fmt.Sprintf("/proc/%d/io", pid))
	for line := range strings.Lines(string(io)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		if name == "rchar" || name == "wchar" {
			n, _ := strconv.ParseUint(value, 10, 64)
			r.IO += n
		}
	}
	return r, true
}

// startupProcess finds the child that recovers, and what its title says after "startup".
func (s *Server) startupProcess() (pid int, title string) {
	s.mu.Lock()
	r := s.run
	s.mu.Unlock()
	if r == nil {
		return 0, ""
	}
	for _, pid := range pids() {
		if stat, ok := procStat(pid); !ok || stat.ppid != r.pid {
			continue
		}
		if _, title, ok := strings.Cut(commandLine(pid)[0]+" ", ": startup "); ok {
			return pid, strings.TrimSpace(title)
		}
	}
	return 0, ""
}

// pause waits for d.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
