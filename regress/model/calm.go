package model

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pglogrepl"

	"pgaf/monitor"
)

// What a group does while nothing disturbs it.

// roundLimit bounds how long a group may take to be well again. A round is a second, or
// more when nothing happens, and no timeout of the monitor is longer than half a minute.
const roundLimit = 120

// settleLimit is the same for a group that is made.
const settleLimit = 40

// step does a step of which it does not matter whether it can happen.
func (w *World) step(ctx context.Context, s Step) error {
	_, err := w.apply(ctx, s)
	return err
}

// rounds lets the group go on by itself until it rests. It says whether it does.
func (w *World) rounds(ctx context.Context, limit int) (rests bool, err error) {
	idle := 0
	for range limit {
		changed, err := w.round(ctx)
		if err != nil {
			return false, err
		}
		if changed {
			idle = 0
			continue
		}
		if idle++; idle >= 2 && w.isWell() {
			return true, nil
		}
		if idle >= 5 {
			return false, nil
		}
	}
	return false, nil
}

// round is about a second in which everybody does what there is to do.
func (w *World) round(ctx context.Context) (changed bool, err error) {
	before := w.states()
	for range 20 {
		steps := w.useful(nil)
		if len(steps) == 0 {
			break
		}
		acted := false
		seen := map[Step]bool{}
		for _, s := range steps {
			if seen[s] {
				continue
			}
			seen[s] = true
			version := w.states()
			if err := w.step(ctx, s); err != nil {
				return false, err
			}
			acted = acted || w.states() != version
		}
		if !acted {
			break
		}
	}
	pass := int64(1000)
	if w.states() == before {
		pass = 11_000
	}
	if err := w.step(ctx, Step{Kind: Pass, Value: pass}); err != nil {
		return false, err
	}
	for _, n := range w.nodes {
		if w.canReport(n) {
			if err := w.step(ctx, Step{Kind: Report, Node: n.id}); err != nil {
				return false, err
			}
		}
	}
	if err := w.step(ctx, Step{Kind: Tick}); err != nil {
		return false, err
	}
	return w.states() != before, nil
}

// states is what has to come to rest.
func (w *World) states() string {
	var b strings.Builder
	for _, row := range w.look.nodes {
		b.WriteString(string(row.reported) + ">" + string(row.goal) + " ")
		b.WriteByte(byte('0' + row.health + 1))
	}
	for _, n := range w.nodes {
		k := &n.keeper
		b.WriteString("|" + string(k.current) + ">" + string(k.assigned))
		if k.job != nil {
			b.WriteString(k.job.action)
			b.WriteByte(byte('a' + k.job.step))
		}
		for _, f := range []bool{k.dirty, k.alive, k.contacted, n.pg.running, n.pg.streaming, n.pg.standby} {
			if f {
				b.WriteByte('+')
			} else {
				b.WriteByte('-')
			}
		}
		b.WriteByte(byte(len(n.pg.wal)))
	}
	return b.String()
}

// isWell: a node serves, and all others follow it as secondary.
func (w *World) isWell() bool {
	writable := 0
	for _, row := range w.look.nodes {
		n := w.node(row.id)
		switch {
		case row.goal != row.reported || n.keeper.current != row.goal:
			return false
		case row.goal == monitor.StateMaintenance:
		case row.goal.Writable():
			if !n.writable() {
				return false
			}
			writable++
		case row.goal == monitor.StateSecondary:
		default:
			return false
		}
	}
	return writable == 1 && !w.waitsForStandby()
}

// waitsForStandby: there is a secondary that commits could wait for, and the primary
// goes on without.
func (w *World) waitsForStandby() bool {
	p := w.look.primary()
	return p.goal == monitor.StateWaitPrimary && slices.ContainsFunc(w.look.nodes, func(n nodeRow) bool {
		return n.goal == monitor.StateSecondary && n.health == 1 && n.quorum
	})
}

// endFaults are the steps that put an end to all faults. The dead stay dead.
func (w *World) endFaults(dead int64) []Step {
	var steps []Step
	for _, l := range w.cuts() {
		steps = append(steps, Step{Kind: Heal, Node: l.a, Other: l.b})
	}
	for _, n := range w.nodes {
		if n.id == dead {
			steps = append(steps, Step{Kind: Crash, Node: n.id})
			continue
		}
		for _, kind := range []Kind{Thaw, Boot, Repair, StartKeeper} {
			if w.ails(n, kind) || kind == StartKeeper && w.ails(n, Boot) {
				steps = append(steps, Step{Kind: kind, Node: n.id})
			}
		}
	}
	return steps
}

// checkNotStuck lets all faults end, but for one machine that may stay dead, and the
// group go on by itself. It has to be well again, or, where a machine is missing, to
// say for whom it waits.
func (w *World) checkNotStuck(ctx context.Context, dead int64) error {
	for _, s := range w.endFaults(dead) {
		if err := w.step(ctx, s); err != nil {
			return err
		}
	}
	rests, err := w.rounds(ctx, roundLimit)
	if err != nil || rests {
		return err
	}
	if !w.canServe(dead) {
		return nil
	}
	explanation, err := w.groupExplanation(ctx)
	if err != nil {
		return violation("Explain", "explain() fails: %v", err)
	}
	if dead != 0 && w.hasWritable() {
		return nil
	}
	if few, err := w.writesWait(ctx); err != nil || few {
		return err
	}
	if w.belowFloor(dead) && strings.Contains(explanation, "--allow-data-loss") {
		return nil
	}
	if w.namesMissing(explanation, dead) {
		provable, err := w.provable(ctx, dead)
		if err != nil || !provable {
			return err
		}
	}
	return violation("NoStuckState", "no fault is left (machine %d is dead; 0: none) and the group is not well: %s", dead, explanation)
}

// namesMissing says whether an explanation names somebody who is not there.
func (w *World) namesMissing(explanation string, dead int64) bool {
	return strings.Contains(explanation, "a node that was removed") || strings.Contains(explanation, "the primary that was removed") ||
		strings.Contains(explanation, "whose candidate priority is 0") || slices.ContainsFunc(w.look.nodes, func(n nodeRow) bool {
		return (n.id == dead || n.goal == monitor.StateMaintenance) && strings.Contains(explanation, `"`+nodeName(n.id)+`"`)
	})
}

// belowFloor says whether claim 2 forbids to go on: none of the living candidates has
// what the monitor knows to be acknowledged, nor all that is.
func (w *World) belowFloor(dead int64) bool {
	timeline, position, _ := strings.Cut(w.look.group.floor, "/")
	floorTLI, err := strconv.Atoi(timeline)
	if err != nil {
		return false // the group has no row
	}
	floor, err := pglogrepl.ParseLSN(position)
	if err != nil {
		return false
	}
	for _, row := range w.look.nodes {
		if row.id == dead || row.priority <= 0 {
			continue
		}
		n := w.node(row.id)
		if tli, end := w.position(n.pg.wal); tli > floorTLI || tli == floorTLI && end >= floor {
			return false
		}
		if !slices.ContainsFunc(w.acks, func(a ack) bool { return !n.pg.wal.contains(a.record) }) {
			return false
		}
	}
	return true
}

// writesWait says whether the primary serves, fewer standbys are left than number_sync_standbys
// asks for, and explain tells the operator so.
func (w *World) writesWait(ctx context.Context) (bool, error) {
	p := w.look.primary()
	if p == nil || p.goal != monitor.StatePrimary || !w.node(p.id).writable() {
		return false, nil
	}
	text, err := w.ask(ctx, "SELECT waiting_for FROM pgautofailover.explain('default', 0) WHERE node_id = $1", p.id)
	return strings.Contains(text, "writes wait, as number_sync_standbys"), err
}

func (w *World) hasWritable() bool {
	p := w.look.primary()
	return p != nil && p.goal == p.reported && w.node(p.id).writable()
}

// provable says whether the living suffice to prove that nothing acknowledged under
// synchronous replication is lost, and that nothing more is acknowledged: then the
// group need not wait for the dead.
func (w *World) provable(ctx context.Context, dead int64) (bool, error) {
	var living []int64
	candidate := false
	for _, n := range w.look.nodes {
		if n.id != dead && n.goal != monitor.StateDropped && n.goal != monitor.StateMaintenance {
			living = append(living, n.id)
			candidate = candidate || n.priority > 0
		}
	}
	text, err := w.ask(ctx, "SELECT pgautofailover.covers(syncsets, $1::bigint[])::text FROM pgautofailover.node_group", living)
	return text == "true" && candidate, err
}

// canServe says whether the operator has left somebody who may be the primary and has said that it has data.
func (w *World) canServe(dead int64) bool {
	return slices.ContainsFunc(w.look.nodes, func(n nodeRow) bool {
		return n.reported != monitor.StateInit && n.reported != monitor.StateWaitStandby && n.id != dead && n.priority > 0 && len(w.node(n.id).pg.wal) > 0 && n.goal != monitor.StateMaintenance && n.goal != monitor.StatePrepareMaintenance && n.goal != monitor.StateDropped
	})
}

// turnLimit bounds the steps of an action within a turn.
const turnLimit = 20

// turn: a keeper reports and does what it is told, until it has to wait.
func (w *World) turn(ctx context.Context, id int64) error {
	for range 3 {
		if err := w.step(ctx, Step{Kind: Report, Node: id}); err != nil {
			return err
		}
		for range turnLimit {
			if did, err := w.apply(ctx, Step{Kind: Work, Node: id}); err != nil || !did {
				if err != nil {
					return err
				}
				break
			}
			if err := w.step(ctx, Step{Kind: Receive, Node: id}); err != nil {
				return err
			}
		}
		n := w.node(id)
		if n == nil || !w.canReport(n) || !w.worthReporting(n) {
			break
		}
	}
	return w.step(ctx, Step{Kind: Witness, Node: id})
}

// notice: two checks of each node, and two seconds later the monitor looks again.
func (w *World) notice(ctx context.Context) error {
	for range 2 {
		for _, n := range w.nodes {
			if err := w.step(ctx, Step{Kind: Health, Node: n.id}); err != nil {
				return err
			}
		}
	}
	if err := w.step(ctx, Step{Kind: Pass, Value: 3000}); err != nil {
		return err
	}
	for _, n := range w.nodes {
		if w.canReport(n) {
			if err := w.step(ctx, Step{Kind: Report, Node: n.id}); err != nil {
				return err
			}
		}
	}
	return w.step(ctx, Step{Kind: Tick})
}
