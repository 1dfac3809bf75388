package monitor

import (
	"cmp"
	"slices"
)

// eventWindow is how far behind the newest event id one may still appear.
// Ids are drawn before their transaction commits, so groups that decide at the
// same time commit out of order; within a group a lock keeps the order.
const eventWindow = 4096

// eventLog remembers which events were seen: all up to low, and single ones above.
type eventLog struct {
	started bool
	low     int64 // nothing at or below is new
	high    int64 // the highest id seen
	ids     map[int64]struct{}
}

// begin starts a log with the newest events of the history; older ones are not
// of interest.
func (l *eventLog) begin(newest []Event) {
	*l = eventLog{started: true}
	if len(newest) > 0 {
		l.low = slices.MinFunc(newest, byID).ID - 1
	}
}

func (l *eventLog) has(id int64) bool {
	_, ok := l.ids[id]
	return ok || id <= l.low && id > 0
}

// add marks id as seen and reports whether it was new.
func (l *eventLog) add(id int64) bool {
	if l.has(id) {
		return false
	}
	if l.ids == nil {
		l.ids = make(map[int64]struct{})
	}
	l.ids[id] = struct{}{}
	l.high = max(l.high, id)
	if len(l.ids) > 2*eventWindow {
		l.forget()
	}
	return true
}

// forget drops single ids that fell out of the window.
func (l *eventLog) forget() {
	l.low = max(l.low, l.high-eventWindow)
	for id := range l.ids {
		if id <= l.low {
			delete(l.ids, id)
		}
	}
}

// from is the id after which events must be read again when a connection was
// lost: some of them were seen, none was missed before.
func (l *eventLog) from() int64 { return max(l.low, l.high-eventWindow) }

// continuedBy reports whether newest, the last events of the monitor, belong to
// the history of which some were seen. Ids never go back in one history, and
// retention removes the oldest first.
func (l *eventLog) continuedBy(newest []Event) bool {
	if l.high == 0 || len(newest) == 0 {
		return true
	}
	return slices.MaxFunc(newest, byID).ID >= l.high
}

func byID(a, b Event) int { return cmp.Compare(a.ID, b.ID) }
