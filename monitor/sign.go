package monitor

// Sign is what one look at a node's Postgres showed.
type Sign string

const (
	SignOK       Sign = "ok"       // it answered a query
	SignRefused  Sign = "refused"  // nobody listens on its port
	SignReset    Sign = "reset"    // it closes connections before they are usable
	SignTimeout  Sign = "timeout"  // it does not answer within the deadline
	SignStarting Sign = "starting" // it answers that it is starting, recovering or stopping (57P0x)
	SignDenied   Sign = "denied"   // it answers with another error: alive, but misconfigured
	SignLate     Sign = "late"     // the observer was too slow, or in trouble itself: no evidence
)

// good tells that the node is alive.
func (s Sign) good() bool { return s == SignOK || s == SignDenied }
