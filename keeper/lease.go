package keeper

import (
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/jackc/pglogrepl"

	"pgaf/monitor"
)

// lease decides whether a primary that the monitor does not answer may go on
// serving. It is the one thing that a keeper decides itself.
//
// The monitor promotes another node in a group without proof of a fence only once
// the old primary's lease must have run out. So the lease counts from the moment a
// report was *sent*, the monitor counts from its *receipt*, and no clock has to
// agree with another. A standby that follows the primary is as good as the monitor:
// it cannot have been promoted. lease does no I/O and has no clock of its own.
type lease struct {
	timeout time.Duration

	acked instant // sending of the last report that the monitor acknowledged

	peers     []string            // application names of the group's other nodes
	standbys  map[string]sighting // by application name
	connected map[string]bool     // those of the latest look
}

// sighting is the last sign of life of a standby.
type sighting struct {
	at    instant
	pid   int
	flush pglogrepl.LSN
	reply time.Time // of its last message, by its own clock
}

// standbyRow is what pg_stat_replication says about one standby.
type standbyRow struct {
	Name  string // application name
	PID   int
	Flush pglogrepl.LSN
	Reply time.Time // of its last message, by its own clock, which may jump either way
}

// replyInterval bounds the silence of a living standby: it replies at least every
// wal_receiver_status_interval (10 s). The row in pg_stat_replication alone proves
// nothing, it outlives a cut network by wal_sender_timeout.
const replyInterval = 12 * time.Second

func newLease(timeout time.Duration, acked instant) *lease {
	return &lease{timeout: timeout, acked: acked, standbys: map[string]sighting{}, connected: map[string]bool{}}
}

// ack notes that the monitor acknowledged a report sent at that instant.
func (l *lease) ack(sent instant) {
	if sent > l.acked {
		l.acked = sent
	}
}

// setPeers notes which standbys the group has.
func (l *lease) setPeers(names []string) { l.peers = names }

// look notes the standbys that are connected, as read by a query sent at that
// instant. A standby counts as alive when it connected, replied, or confirmed WAL
// since the look before.
func (l *lease) look(sent instant, rows []standbyRow) {
	clear(l.connected)
	for _, row := range rows {
		l.connected[row.Name] = true
		last, known := l.standbys[row.Name]
		if known && last.pid == row.PID && last.flush == row.Flush && row.Reply.Equal(last.reply) {
			continue
		}
		l.standbys[row.Name] = sighting{at: sent, pid: row.PID, flush: row.Flush, reply: row.Reply}
	}
}

// needsLease says whether a node serves only as long as its lease lasts: every one
// that may be written to, also half way to a writable state. writable says that its
// Postgres runs and is not in recovery, as far as known.
//
// A single node needs none: nobody could be promoted in its place. Neither does a
// primary that waits for a standby, once the monitor has acknowledged that: it
// replaces such a one only when its keeper confirms that it stops. Until then, and
// when the monitor wants it to be something else, it may be replaced.
func needsLease(s State, writable bool) bool {
	switch {
	case s.Current == monitor.StateSingle, s.Assigned == monitor.StateSingle:
		return false
	case s.Current == monitor.StateMaintenance:
		return false // Postgres is the operator's
	case s.Current == monitor.StateWaitPrimary && s.Assigned == monitor.StateWaitPrimary:
		return s.Unconfirmed
	}
	halfWay := s.Dirty && s.Assigned.Writable()
	return writable || halfWay || s.Current.Writable()
}

// waitsForStandbys says whether a standby that follows vouches for this primary.
// One that was told to wait for nobody may be about to do so.
func waitsForStandbys(s State, synchronous bool) bool {
	return synchronous && s.Assigned != monitor.StateWaitPrimary && s.Assigned != monitor.StateSingle
}

// expired says whether a node that needs its lease must stop serving, and why.
// synchronous says that commits wait for a standby.
func (l *lease) expired(now instant, synchronous bool) (reason string, expired bool) {
	silence := now.sub(l.acked)
	if silence < l.timeout || l.standbysHold(now, synchronous) {
		return "", false
	}
	return fmt.Sprintf("the monitor acknowledged nothing for %s and no standby vouches for this node (limit %s)",
		silence.Round(100*time.Millisecond), l.timeout), true
}

// standbysHold says whether the standbys prove that none of them was promoted.
func (l *lease) standbysHold(now instant, synchronous bool) bool {
	if synchronous {
		return slices.ContainsFunc(l.peers, func(name string) bool {
			last, seen := l.standbys[name]
			return seen && now.sub(last.at) < l.timeout
		})
	}
	// Nothing but this lease keeps an asynchronous primary from acknowledging
	// commits that nobody else gets, and one standby vouches only for itself.
	candidates := l.candidates()
	if len(candidates) == 0 {
		return false
	}
	limit := min(l.timeout, replyInterval)
	for _, name := range candidates {
		if !l.connected[name] || now.sub(l.standbys[name].at) >= limit {
			return false
		}
	}
	return true
}

// candidates are the standbys that the monitor may have found fit to be promoted
// since it last answered: those that streamed not long before.
func (l *lease) candidates() []string {
	since := l.acked.add(-l.timeout)
	var names []string
	for _, name := range l.peers {
		if last, seen := l.standbys[name]; seen && last.at >= since {
			names = append(names, name)
		}
	}
	return names
}

// leaseFile keeps the instant of the last acknowledgement in the runtime folder: a
// keeper that is restarted while it is cut off must not get a new lease by that.
// The file is not synced to disk: after a crash of the machine Postgres is down
// too, and does not start before the monitor answers.
type leaseFile struct {
	file *os.File
	boot string
}

// openLeaseFile opens or creates the file at path.
func openLeaseFile(path string) (*leaseFile, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, exitf(ExitBadState, "open the lease file: %w", err)
	}
	return &leaseFile{file: file, boot: bootID()}, nil
}

// A record has a fixed length and is written in one call, so that it is never
// found half written.
const leaseFormat = "%36s %020d\n"

func (f *leaseFile) save(acked instant) error {
	_, err := f.file.WriteAt(fmt.Appendf(nil, leaseFormat, f.boot, acked), 0)
	return err
}

// load returns the instant of the file, or now when it has none of this boot.
func (f *leaseFile) load(now instant) instant {
	content, err := io.ReadAll(io.NewSectionReader(f.file, 0, 100))
	if err != nil {
		return now
	}
	var boot string
	var acked instant
	if _, err := fmt.Sscanf(string(content), "%s %d", &boot, &acked); err != nil || boot != f.boot || acked > now {
		return now
	}
	return acked
}

func (f *leaseFile) close() { f.file.Close() }
