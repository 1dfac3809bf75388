package monitor

import (
	"slices"
	"sync"
	"time"
)

// NodeVerdict is a verdict and the node it is about.
type NodeVerdict struct {
	NodeID int64
	Verdict
}

// outbox decides which verdicts are worth telling the monitor, and when: a
// change at once, anything else once per refresh interval, so that the load of
// 2,000 healthy nodes is that of their changes. Safe for concurrent use.
type outbox struct {
	refresh time.Duration

	mu      sync.Mutex
	sent    map[int64]sentVerdict
	pending map[int64]Verdict
	urgent  bool
	wake    chan struct{} // holds a token while something urgent is pending
}

type sentVerdict struct {
	verdict Verdict
	at      time.Time
}

func newOutbox(refresh time.Duration) *outbox {
	return &outbox{refresh: refresh, sent: make(map[int64]sentVerdict),
		pending: make(map[int64]Verdict), wake: make(chan struct{}, 1)}
}

// put hands over a verdict.
func (o *outbox) put(now time.Time, nodeID int64, v Verdict) {
	o.mu.Lock()
	defer o.mu.Unlock()
	last, known := o.sent[nodeID]
	latest := last.verdict
	waiting, isWaiting := o.pending[nodeID]
	if isWaiting {
		latest = waiting
	}
	changed := !known && !isWaiting || latest.Health != v.Health || latest.Sign != v.Sign
	stale := now.Sub(last.at) >= o.refresh
	switch {
	case v.Sign == SignLate && (isWaiting || !stale):
		return // no evidence: whatever was said before stands
	case !changed && !stale:
		return
	}
	o.pending[nodeID] = v
	if changed && v.Sign != SignLate && !o.urgent {
		o.urgent = true
		select {
		case o.wake <- struct{}{}:
		default:
		}
	}
}

// take empties the outbox, ordered by node, and remembers the content as sent;
// urgent tells that something in it changed.
func (o *outbox) take(now time.Time) (list []NodeVerdict, urgent bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for id, v := range o.pending {
		list = append(list, NodeVerdict{id, v})
		o.sent[id] = sentVerdict{v, now}
	}
	slices.SortFunc(list, func(a, b NodeVerdict) int { return int(a.NodeID - b.NodeID) })
	clear(o.pending)
	urgent, o.urgent = o.urgent, false
	return list, urgent
}

// putBack undoes take for a list that did not arrive; newer verdicts stand.
func (o *outbox) putBack(list []NodeVerdict) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, v := range list {
		delete(o.sent, v.NodeID)
		if _, newer := o.pending[v.NodeID]; !newer {
			o.pending[v.NodeID] = v.Verdict
		}
	}
}

func (o *outbox) isUrgent() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.urgent
}

// forget drops what is known of a node that is checked no longer.
func (o *outbox) forget(nodeID int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.sent, nodeID)
	delete(o.pending, nodeID)
}
