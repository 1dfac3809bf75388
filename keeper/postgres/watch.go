package postgres

import (
	"os"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
)

// EventKind tells what an Event is.
type EventKind int

const (
	// EventStatus: Status changed (also by an operator's pg_ctl).
	EventStatus EventKind = iota
	// EventRecovered: Postgres wrote "ready" again without a change of Status. Recovery ended, by a promotion or
	// after the crash of a backend (then one more comes before, when that recovery begins). Read Metadata.
	EventRecovered
	// EventExit: the postmaster ended; Event.Exit says how. EventStatus follows.
	EventExit
)

// Event of the local instance.
type Event struct {
	Kind   EventKind
	PID    int
	Status Status
	Exit   Exit // EventExit only
}

// eventBuffer is how far a reader may fall behind.
const eventBuffer = 64

// Watch delivers events, by pidfd and inotify, until Close closes the channel. A reader that falls behind
// loses the oldest events, never the newest. The first event tells the present Status.
func (s *Server) Watch() <-chan Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	events := make(chan Event, eventBuffer)
	if s.closed {
		close(events)
		return events
	}
	s.attach()
	s.observe()
	s.watchers = append(s.watchers, events)
	first := Event{Kind: EventStatus, Status: s.status}
	if s.run != nil {
		first.PID = s.run.pid
	}
	events <- first
	return events
}

// emit needs mu, so there is one sender at a time.
func (s *Server) emit(e Event) {
	for _, w := range s.watchers {
		select {
		case w <- e:
			continue
		default:
		}
		select {
		case <-w:
		default:
		}
		w <- e
	}
}

// folderWatch is the inotify watch of PGDATA. A base backup replaces the folder, so it knows which one it
// watches.
type folderWatch struct {
	watcher *fsnotify.Watcher
	info    os.FileInfo
	ticking bool // the kernel gives no inotify instance: read periodically
}

func (f *folderWatch) close() {
	if f.watcher != nil {
		f.watcher.Close()
	}
}

// refusedInotifyInterval is how often postmaster.pid is read where inotify instances are used up
// (fs.inotify.max_user_instances).
const refusedInotifyInterval = 50 * time.Millisecond

// attach makes sure that the present PGDATA is watched. Needs mu.
func (s *Server) attach() {
	f := &s.folder
	if f.ticking || s.closed {
		return
	}
	info, err := os.Stat(s.config.PGDATA)
	if err != nil || f.info != nil && os.SameFile(info, f.info) {
		return
	}
	if f.watcher == nil {
		if f.watcher, err = fsnotify.NewWatcher(); err != nil {
			s.attachTicker(err)
			return
		}
		go s.watchFolder(f.watcher)
	}
	_ = f.watcher.Remove(s.config.PGDATA)
	if err := f.watcher.Add(s.config.PGDATA); err != nil {
		s.attachTicker(err)
		return
	}
	f.info = info
}

func (s *Server) watchFolder(watcher *fsnotify.Watcher) {
	for {
		select {
		case e, ok := <-watcher.Events:
			if !ok {
				return
			}
			if name := filepath.Base(e.Name); name == "postmaster.pid" || name == "pg_control" {
				s.look()
			}
		case _, ok := <-watcher.Errors: // the queue overflowed: something was lost
			if !ok {
				return
			}
			s.look()
		}
	}
}

func (s *Server) attachTicker(cause error) {
	s.config.Logger.Warn("no inotify: postmaster.pid is read periodically; "+
		"raise fs.inotify.max_user_instances and max_user_watches", "pgdata", s.config.PGDATA, "error", cause)
	s.folder.ticking = true
	go func() {
		ticker := time.NewTicker(refusedInotifyInterval)
		defer ticker.Stop()
		for range ticker.C {
			s.mu.Lock()
			closed := s.closed
			s.mu.Unlock()
			if closed {
				return
			}
			s.look()
		}
	}()
}

// look observes and wakes everyone who waits for a change.
func (s *Server) look() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.observe()
	s.wake()
}

// watchControl watches pg_control too until the returned function is called: it is written when recovery
// ends.
func (s *Server) watchControl() (release func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.attach()
	watcher := s.folder.watcher
	path := filepath.Join(s.config.PGDATA, "global", "pg_control")
	if watcher == nil || watcher.Add(path) != nil {
		return func() {}
	}
	return func() { _ = watcher.Remove(path) }
}
