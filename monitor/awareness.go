package monitor

import (
	"sync"
	"time"
)

const (
	awarenessHalfLife = 5 * time.Second // how fast a slow moment is forgotten
	awarenessFactor   = 4               // a deadline grows by this many times the lateness
	awarenessLimit    = 4               // and to at most this many times itself
)

// Awareness knows how slow the observer itself is at present. All looks share
// one: a starved machine is late for all of them, and a deadline that suits a
// fast observer then measures the wrong one. Safe for concurrent use.
type Awareness struct {
	mu    sync.Mutex
	worst time.Duration // lateness at time at
	at    time.Time
}

// Observe takes one lateness into account.
func (a *Awareness) Observe(now time.Time, lateness time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if lateness >= a.decayed(now) {
		a.worst, a.at = lateness, now
	}
}

// Stretch is the deadline to use instead of d.
func (a *Awareness) Stretch(now time.Time, d time.Duration) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	return min(d+awarenessFactor*a.decayed(now), awarenessLimit*d)
}

// decayed halves the worst lateness once per half-life.
func (a *Awareness) decayed(now time.Time) time.Duration {
	halvings := now.Sub(a.at) / awarenessHalfLife
	if halvings > 30 {
		return 0
	}
	return a.worst >> max(halvings, 0)
}
