package model

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"pgaf/monitor"
)

// Violation is a property that does not hold.
type Violation struct {
	Name string // of the property: those of docs/safety.md, or Reachable, Events, Explain, Evaluate, SilentDivergence
	Text string
}

func (v *Violation) Error() string { return v.Name + ": " + v.Text }

func violation(name, format string, args ...any) error {
	return &Violation{Name: name, Text: fmt.Sprintf(format, args...)}
}

// check looks at the group after a step.
func (w *World) check() error {
	row := w.look.primary()
	if row == nil {
		return nil
	}
	p := w.node(row.id)
	if p == nil || !p.pg.running || p.pg.standby || !p.up {
		return nil
	}
	if promotion, made := w.lastPromotion(p); made && w.serving[p.id] != promotion {
		if err := w.checkPromotion(p, promotion); err != nil {
			return err
		}
		w.serving[p.id] = promotion
	}
	for i := range w.acks {
		if err := w.checkAck(p, &w.acks[i]); err != nil {
			return err
		}
	}
	return nil
}

func (w *World) lastPromotion(n *Node) (id int32, made bool) {
	for i := len(n.pg.wal) - 1; i >= 0; i-- {
		switch w.log[n.pg.wal[i]].kind {
		case recordPromotion, recordBegin:
			return n.pg.wal[i], true
		}
	}
	return 0, false
}

// checkPromotion looks at a new primary once.
func (w *World) checkPromotion(p *Node, promotion int32) error {
	if w.lossAllowed {
		w.lossy[promotion] = true
		w.lossAllowed = w.look.group.loss
	}
	for i := range w.acks {
		a := &w.acks[i]
		if a.lost || p.pg.wal.contains(a.record) {
			continue
		}
		switch {
		case w.lossy[promotion] || w.gone(a):
			a.lost = true
		case a.safe:
			return w.checkAck(p, a)
		case w.tookOver(p.id):
			return violation("CleanSwitchover", "node %d was promoted after a planned switchover and does not have commit %d, which node %d acknowledged", p.id, a.record, a.node)
		default:
			a.lost = true
			w.stats.LostAsync++
		}
	}
	return nil
}

// gone says whether no node of the group has a commit any more: its operator has
// removed those that had, or is removing them. The one that acknowledged it hands over
// before it goes, if it is the primary still.
func (w *World) gone(a *ack) bool {
	return !slices.ContainsFunc(w.nodes, func(n *Node) bool {
		row := w.look.node(n.id)
		return row != nil && (row.goal != monitor.StateDropped || n.id == a.node && n.handsOver) && n.pg.wal.contains(a.record)
	})
}

// tookOver says whether the monitor chose the node in a planned switchover.
func (w *World) tookOver(id int64) bool { return w.chosenBy[id] == "takeover" }

// checkAck: the primary has every commit that was acknowledged.
func (w *World) checkAck(p *Node, a *ack) error {
	if a.lost || p.pg.wal.contains(a.record) {
		return nil
	}
	other := w.node(a.node)
	switch {
	case w.gone(a), anotherCluster(p, other):
		a.lost = true
	case w.lossyLine(p):
		a.lost = true
	case a.safe && a.late:
		return violation("OnePrimaryAcks", "node %d acknowledged commit %d under synchronous replication while node %d was the primary", a.node, a.record, p.id)
	case a.safe:
		return violation("NoAckedLoss", "node %d is the primary and does not have commit %d, which node %d acknowledged in state primary", p.id, a.record, a.node)
	case a.late && !w.excused(other):
		return violation("LeaseFence", "node %d acknowledged commit %d while node %d was the primary", a.node, a.record, p.id)
	default:
		a.lost = true
		w.stats.LostAsync++
	}
	return nil
}

// anotherCluster: the operator has removed all nodes and begun anew.
func anotherCluster(p, n *Node) bool {
	return n != nil && len(n.pg.wal) > 0 && n.pg.wal[0] != p.pg.wal[0]
}

// lossyLine says whether the primary's history contains a promotion for which an
// operator accepted the loss of commits.
func (w *World) lossyLine(p *Node) bool {
	promotion, _ := w.lastPromotion(p)
	return w.lossy[promotion]
}

// excused: nobody can fence a node whose keeper was killed and not started again, nor
// one that is just being stopped, having thawed with its clients.
func (w *World) excused(n *Node) bool {
	return n == nil || !n.keeper.alive || n.keeper.mustStop()
}

// checkEvents: each event says that something changed, each change has its event.
func (w *World) checkEvents(before *look) error {
	type states struct{ reported, goal monitor.State }
	known := map[int64]states{}
	for _, n := range before.nodes {
		known[n.id] = states{n.reported, n.goal}
	}
	for _, e := range w.look.events {
		was, seen := known[e.node]
		now := states{e.reported, e.goal}
		if seen && was == now && !w.otherwiseChanged(before, e) {
			return violation("Events", "the event by %s of node %d changes nothing", e.rule, e.node)
		}
		known[e.node] = now
		if e.goal == monitor.StatePreparePromotion || e.goal == monitor.StateFastForward {
			if was.goal != e.goal && was.goal != monitor.StateFastForward {
				w.chosenBy[e.node] = e.rule
			}
		}
	}
	for _, n := range w.look.nodes {
		if now := (states{n.reported, n.goal}); known[n.id] != now {
			return violation("Events", "node %d went from %v to %v and no event says so", n.id, known[n.id], now)
		}
	}
	return nil
}

// otherwiseChanged says whether an event stands for a change of something else than
// a state.
func (w *World) otherwiseChanged(before *look, e eventRow) bool {
	was, now := before.node(e.node), w.look.node(e.node)
	if was == nil || now == nil {
		return true
	}
	switch e.rule {
	case "health_check":
		return was.health != now.health
	case "set_node_candidate_priority", "set_node_replication_quorum":
		return true
	}
	return false
}

// checkExplain: whoever waits is told for what, and explain never fails.
func (w *World) checkExplain(ctx context.Context) error {
	if !slices.ContainsFunc(w.look.nodes, func(n nodeRow) bool { return n.goal != monitor.StateDropped }) {
		return nil
	}
	text, err := w.ask(ctx, `
SELECT string_agg(coalesce(node_name, 'the group') || ' (' || coalesce(reported_state || ' ➜ ' || assigned_state, '') || ')', ', ')
  FROM pgautofailover.explain('default', 0)
 WHERE doing IS NULL OR doing = ''
    OR (coalesce(waiting_for, '') = '' AND (reported_state <> assigned_state OR reported_state IN
        ('wait_standby', 'catchingup', 'report_lsn', 'demoted', 'draining', 'demote_timeout', 'join_secondary')))`)
	if err != nil {
		return violation("Explain", "explain() fails: %v", err)
	}
	if text != "" {
		return violation("Explain", "explain() does not say for what these wait: %s", text)
	}
	return nil
}

// groupExplanation is explain's row about the group.
func (w *World) groupExplanation(ctx context.Context) (string, error) {
	text, err := w.ask(ctx, `
SELECT concat_ws(' | ', doing, 'waiting for: ' || waiting_for, ends, action)
  FROM pgautofailover.explain('default', 0) WHERE node_id IS NULL`)
	return strings.TrimSpace(text), err
}
