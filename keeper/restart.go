package keeper

import "time"

// restarts decides how long a keeper goes on trying to start a Postgres that went
// down before it tells the monitor. While attempts go on the monitor is told that
// Postgres runs, so that a crash that one restart repairs is no failover.
//
// It has no clock of its own.
type restarts struct {
	maxFailures int
	patience    time.Duration // without progress

	failures int
	since    instant // start of the trouble, or the last progress
	trouble  bool
}

// trying notes that an attempt begins.
func (r *restarts) trying(now instant) {
	if !r.trouble {
		r.trouble = true
		r.since = now
	}
}

// failed notes that an attempt failed.
func (r *restarts) failed(now instant) {
	r.trying(now)
	r.failures++
}

// progress notes that the attempt under way advances: crash recovery replays WAL.
func (r *restarts) progress(now instant) {
	if r.trouble {
		r.since = now
	}
}

// running notes that Postgres serves again.
func (r *restarts) running() { r.failures, r.trouble = 0, false }

// givenUp says whether the monitor has to know that Postgres is down. The keeper
// goes on trying.
func (r *restarts) givenUp(now instant) bool {
	if !r.trouble {
		return false
	}
	return r.failures >= r.maxFailures || now.sub(r.since) >= r.patience
}

// delay is the pause before the next attempt: none for the first, as a crash is
// most often over when it is noticed; short ones while the monitor waits.
func (r *restarts) delay() time.Duration {
	switch r.failures {
	case 0:
		return 0
	case 1:
		return 200 * time.Millisecond
	case 2:
		return time.Second
	}
	return 2 * time.Second
}
