package keeper

import (
	"context"
	"fmt"
	"time"

	"pgaf/monitor"
)

// handover is the attempt of a primary that is told to stop to have a standby take
// over first. It is a planned switchover like any other: the monitor decides whether
// and to whom, this node drains, and leaves once its successor serves. It leaves as a
// demoted node, so that its next start makes it a standby without anybody's help.
type handover struct {
	answer chan error       // of the monitor: nil, or why nobody can take over
	until  <-chan time.Time // the end of the patience
	agreed bool
	begun  bool // this node was told to drain
}

// answered and expired block for ever where nothing is handed over.
func (h *handover) answered() <-chan error {
	if h == nil {
		return nil
	}
	return h.answer
}

func (h *handover) expired() <-chan time.Time {
	if h == nil {
		return nil
	}
	return h.until
}

// errStop ends the executor because it was asked to: leaving is what follows.
var errStop = context.Canceled

// stopPolitely is what SIGTERM does: a primary hands over, every other node stops.
func (e *executor) stopPolitely() error {
	patience := e.n.cfg().Timeout.HandOver
	settled := e.state.Current == monitor.StatePrimary && e.state.Assigned == monitor.StatePrimary
	if !settled || patience == 0 || e.limit != nil || !e.contacted || e.n.cfg().MonitorDisabled() {
		return errStop
	}
	if e.offline != "" {
		e.n.log.Warn("this primary stops without handing over: the monitor does not answer")
		return errStop
	}
	e.n.log.Info("asked to stop: a standby takes over first", "patience", patience)
	e.n.manager.stopping("a standby takes over first")
	h := &handover{answer: make(chan error, 1), until: time.After(patience)}
	e.handover = h
	e.n.background.Go(func() { h.answer <- e.n.requestHandOver() })
	return nil
}

// requestHandOver asks the monitor for a switchover away from this node.
func (n *node) requestHandOver() error {
	v, formation := n.view(), n.cfg().Formation
	return n.link.do(n.life, func(ctx context.Context, c *monitor.Client) error {
		// A request names the group, not the node: it must not depose another one.
		primary, err := c.Primary(ctx, formation, v.GroupID)
		if err == nil && primary.ID != v.NodeID {
			err = fmt.Errorf("%s is the primary", primary.Name)
		}
		if err != nil {
			return err
		}
		return c.PerformFailover(ctx, formation, v.GroupID, monitor.FailoverOptions{Reason: "its service was told to stop"})
	})
}

func (e *executor) onHandOver(refusal error) error {
	e.handover.answer = nil
	if refusal != nil {
		e.n.log.Warn("this primary stops without handing over", "reason", refusal)
		return errStop
	}
	e.handover.agreed = true
	e.n.link.poke()
	return nil
}

func (e *executor) giveUpHandOver() error {
	e.n.log.Warn("no standby has taken over in time; this node stops now", "patience", e.n.cfg().Timeout.HandOver,
		"current", string(e.state.Current), "assigned", string(e.state.Assigned))
	return errStop
}

// handedOver ends the executor once there is nothing more to wait for.
func (e *executor) handedOver() error {
	h := e.handover
	if h == nil || !h.agreed {
		return nil
	}
	h.begun = h.begun || e.state.Assigned != monitor.StatePrimary
	switch {
	case !h.begun:
		return nil
	case e.state.Assigned.Writable():
		e.n.log.Warn("the monitor has called the hand-over off; this node stops all the same")
		return errStop
	case e.state.Current == monitor.StateDemoted && e.state.Assigned != monitor.StateDemoted:
		// The next goal comes only when the successor serves.
		e.n.log.Info("a standby has taken over")
		return errStop
	case stopsPostgres(e.state.Current) && e.offline != "":
		e.n.log.Warn("this node has stopped serving, and the monitor does not answer any more: a standby may not have taken over")
		return errStop
	}
	return nil
}
