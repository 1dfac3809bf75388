package monitor

import "time"

// Look is one finished look at a node.
type Look struct {
	Due      time.Time     // when it should have begun
	Begun    time.Time     // when it did
	Ended    time.Time     // when its result was noticed
	Deadline time.Duration // how long it was allowed to take
	Sign     Sign
	Message  string // the error, for people
}

// Lateness is how much later than it should have the observer itself acted: at
// the beginning of the look, or at the end of its deadline. The node has no
// part in either.
func (l Look) Lateness() time.Duration {
	late := max(l.Begun.Sub(l.Due), 0)
	return max(late, l.Ended.Sub(l.Begun)-l.Deadline)
}

// Verdict is what the looks at a node amount to; a row of report_health().
type Verdict struct {
	Health  Health // HealthUnknown: below the threshold, only the sign counts
	Sign    Sign
	Message string
}

// Suspicion counts failures in a row of one node. It has no clock: time comes
// with the looks.
type Suspicion struct {
	// Threshold is the number of failures in a row that make a node bad. One
	// lost packet is one failure.
	Threshold int
	// Spacing is the time between two failures that count as two. What comes
	// sooner confirms the sign, but says no more about how long it lasts: a
	// restart of Postgres resets and refuses within a millisecond.
	Spacing time.Duration

	failures int
	counted  time.Time // the last failure that was counted
}

// Judge takes one look into account. Only silence can be the observer's own
// fault: who answers or refuses was reached, however late the observer was.
func (s *Suspicion) Judge(l Look) Verdict {
	switch {
	case l.Sign.good():
		s.failures = 0
		return Verdict{HealthGood, l.Sign, l.Message}
	case l.Sign == SignLate:
		return Verdict{HealthUnknown, SignLate, l.Message}
	case l.Sign == SignTimeout && l.Lateness() > l.Deadline/4:
		return Verdict{HealthUnknown, SignLate, "the monitor service was " +
			l.Lateness().Round(time.Millisecond).String() + " late; no evidence"}
	}
	if s.failures == 0 || l.Ended.Sub(s.counted) >= s.Spacing {
		s.failures++
		s.counted = l.Ended
	}
	if s.failures >= s.Threshold {
		return Verdict{HealthBad, l.Sign, l.Message}
	}
	return Verdict{HealthUnknown, l.Sign, l.Message}
}
