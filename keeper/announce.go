package keeper

import (
	"fmt"
	"time"

	"pgaf/monitor"
)

// What a keeper tells the service manager.

// startPatience is how long a unit counts as starting while its node is not yet what
// it should be: whatever is ordered after it must not wait for the copy of a terabyte.
const startPatience = 30 * time.Second

// announce is called by the executor each time round.
func (e *executor) announce() {
	m := e.n.manager
	if m.socket == "" {
		return
	}
	m.alive()
	if e.inCharge() {
		m.started()
	}
	m.says(e.describe())
}

// inCharge says whether the start is over: the node is what the monitor wants it to be,
// or waits for others, in which it cannot fail.
func (e *executor) inCharge() bool {
	switch {
	case e.offline != "", bootTime().sub(e.born) > startPatience:
		return true
	}
	return e.contacted && e.mayBeReplaced() && e.retry.failures == 0 && e.state.Current == e.state.Assigned
}

func (e *executor) describe() string {
	text := string(e.state.Current)
	if e.state.Assigned != e.state.Current {
		text = fmt.Sprintf("%s, assigned %s", e.state.Current, e.state.Assigned)
	}
	if e.n.cfg().MonitorDisabled() {
		text += ", without a monitor"
	}
	if e.running != nil && e.running.upkeep != servePeers && e.running.From == e.running.To {
		text += "; " + e.running.describe()
	}
	switch {
	case e.offline != "":
		text += "; the monitor does not answer"
	case !e.contacted:
		text += "; asking the monitor"
	case e.state.Current == monitor.StateMaintenance:
		text += "; Postgres is left to its operator"
	}
	return text
}
