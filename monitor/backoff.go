package monitor

import (
	"math/rand/v2"
	"time"
)

// Backoff spaces attempts with decorrelated jitter, so that a thousand keepers
// do not return to a restarted monitor in step. The zero value begins at 5 ms
// and stays below 2 s.
type Backoff struct {
	Base time.Duration
	Cap  time.Duration
	last time.Duration
}

// Next is the pause before the next attempt: random between the base and three
// times the previous pause, at most the cap.
func (b *Backoff) Next() time.Duration {
	base, limit := b.Base, b.Cap
	if base <= 0 {
		base = 5 * time.Millisecond
	}
	if limit <= 0 {
		limit = 2 * time.Second
	}
	span := max(3*b.last, base+1) - base
	b.last = min(limit, base+rand.N(span))
	return b.last
}

// Reset starts over, after a success.
func (b *Backoff) Reset() { b.last = 0 }
