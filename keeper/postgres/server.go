package postgres

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"sync"
	"syscall"
	"time"
)

// ServerConfig describes the one local instance.
type ServerConfig struct {
	Bin             Bin
	PGDATA          string
	Port            int      // -p; 0 = as configured
	ListenAddresses string   // -h; "" = as configured
	SocketDir       string   // -k; "" = as configured
	Database        string   // for own SQL; default postgres
	User            string   // superuser for own SQL; default the OS user
	Options         []string // further arguments for postgres
	Logger          *slog.Logger
}

// Server is the local Postgres instance. Safe for concurrent use; Stop may be called while Start waits.
type Server struct {
	// spawn holds a token while someone decides whether a postmaster is to be started.
	spawn chan struct{}

	mu      sync.Mutex
	config  ServerConfig
	run     *run          // the postmaster that runs, as far as we know
	status  Status        // last observed
	touched time.Time     // when postmaster.pid was last written
	changed chan struct{} // closed and replaced when there may be something new to see
	stops   int           // number of Stop calls: one that came after a Start was called wins
	closed  bool

	folder   folderWatch
	watchers []chan Event
	idle     []keptConn
	synced   syncProof
	located  located
}

// run is the life of one postmaster.
type run struct {
	pid       int
	proc      *process
	child     bool
	requested bool          // Stop was called
	exited    chan struct{} // closed after exit is set
	exit      Exit
}

// Exit says how a postmaster ended.
type Exit struct {
	PID       int
	Known     bool           // false for an adopted one: it was not our child, so nobody tells us
	Code      int            // exit code when it ended by itself
	Signal    syscall.Signal // 0 = none
	Requested bool           // by Stop
}

// ErrNotRunning is returned by calls that need a running Postgres.
var ErrNotRunning = errors.New("Postgres is not running")

// NewServer touches nothing; a running postmaster is adopted when first looked at.
func NewServer(c ServerConfig) *Server {
	return &Server{config: c.withDefaults(), spawn: make(chan struct{}, 1), changed: make(chan struct{})}
}

func (c ServerConfig) withDefaults() ServerConfig {
	c.PGDATA = absolute(c.PGDATA)
	if c.Database == "" {
		c.Database = "postgres"
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// Configure replaces port, listen addresses, user… for the next start and connection. PGDATA must stay.
func (s *Server) Configure(c ServerConfig) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.PGDATA = s.config.PGDATA
	s.config = c.withDefaults()
}

func (s *Server) settings() ServerConfig {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.config
}

// PGDATA of the server.
func (s *Server) PGDATA() string { return s.settings().PGDATA }

// Close ends supervision and SQL connections; Postgres keeps running.
func (s *Server) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	if s.run != nil {
		s.run.proc.close()
	}
	for _, w := range s.watchers {
		close(w)
	}
	s.watchers = nil
	s.dropIdle()
	s.folder.close()
	return nil
}

// Status looks; it is cheap: one small file and two links in /proc.
func (s *Server) Status() Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.observe()
	return s.status
}

// Postmaster describes the running postmaster; false when none runs.
func (s *Server) Postmaster() (Postmaster, bool) {
	p, running := readPostmaster(s.PGDATA())
	return p, running && !p.Single
}

// observe brings run and status up to date with postmaster.pid and tells watchers. Needs mu.
func (s *Server) observe() {
	if s.closed {
		return
	}
	p, running := readPostmaster(s.config.PGDATA)
	info, _ := os.Stat(pidFile(s.config.PGDATA)) // after reading, or a change between the two would count twice
	running = running && !p.Single
	if running && s.run == nil {
		s.adopt(p.PID)
	}
	status := NotRunning
	switch {
	case s.run == nil:
	case running && p.PID == s.run.pid:
		status = p.Status
	case s.status == Ready || s.status == Standby || s.status == Stopping:
		status = Stopping // it removes its file just before it ends
	default:
		status = Starting // it has not written its file yet
	}
	again := status == Ready && s.status == Ready && info != nil && info.ModTime().After(s.touched)
	if info != nil {
		s.touched = info.ModTime()
	}
	switch {
	case status != s.status:
		s.setStatus(status)
	case again:
		s.emit(Event{Kind: EventRecovered, PID: s.run.pid, Status: status})
	}
}

func (s *Server) setStatus(status Status) {
	s.status = status
	e := Event{Kind: EventStatus, Status: status}
	if s.run != nil {
		e.PID = s.run.pid
	}
	s.emit(e)
}

// adopt takes hold of a postmaster that we did not start. Needs mu.
func (s *Server) adopt(pid int) {
	proc, err := openProcess(pid)
	if err != nil {
		return // gone meanwhile
	}
	if !runs(pid, "postgres", s.config.PGDATA) {
		proc.close()
		return
	}
	r := &run{pid: pid, proc: proc, exited: make(chan struct{}), exit: Exit{PID: pid}}
	s.run = r
	go func() {
		if err := proc.wait(); err == nil {
			s.ended(r)
		}
	}()
}

// ended is called once when the postmaster of r has ended; r.exit is set.
func (s *Server) ended(r *run) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r.exit.Requested = r.requested
	close(r.exited)
	r.proc.close()
	if s.closed {
		return
	}
	if s.run == r {
		s.run = nil
		s.dropIdle()
	}
	s.emit(Event{Kind: EventExit, PID: r.pid, Status: NotRunning, Exit: r.exit})
	s.observe()
	s.wake()
}

// wake lets everyone look again who waits for a change. Needs mu.
func (s *Server) wake() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// await returns when done says so, which is asked again after every change.
func (s *Server) await(ctx context.Context, done func() bool) error {
	for {
		s.mu.Lock()
		changed := s.changed
		s.mu.Unlock()
		if done() {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
