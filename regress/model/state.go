package model

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
)

// hash names the state of a world, so that a search finds out where it has been. Two
// worlds with the same name do the same next, but for how long things have lasted
// already: of times only whether they exceed one of the monitor's thresholds counts.
func (w *World) hash() uint64 {
	h := fnv.New64a()
	h.Write([]byte(w.summary()))
	return h.Sum64()
}

// thresholds of the monitor and the keeper, in ms.
var thresholds = []int64{1000, 2500, 10_000, 15_000, leaseTimeout, 30_000}

func bucket(age int64) byte {
	b := byte('a')
	for _, t := range thresholds {
		if age >= t {
			b++
		}
	}
	return b
}

func flags(set ...bool) string {
	text := make([]byte, len(set))
	for i, s := range set {
		text[i] = '.'
		if s {
			text[i] = 'x'
		}
	}
	return string(text)
}

func (w *World) summary() string {
	var b strings.Builder
	ranks := w.ranks()
	for _, n := range w.nodes {
		k := &n.keeper
		row := w.look.node(n.id)
		if row == nil && k.exited && !n.pg.running {
			continue
		}
		fmt.Fprintf(&b, "%d %s %s>%s ", n.id, flags(n.up, n.frozen, k.alive, k.exited, k.contacted, k.dirty, k.promoted, k.fenced, k.witnessed,
			n.pg.running, n.pg.standby, n.pg.stopping, n.pg.streaming, n.pg.clean, n.pg.broken, len(n.pg.pending) > 0), k.current, k.assigned)
		fmt.Fprintf(&b, "%d%v%d%d%c ", n.pg.upstream, n.pg.names.members, n.pg.names.number, ranks[n.id], bucket(w.now-k.acked))
		if k.job != nil {
			fmt.Fprintf(&b, "%s%d%t ", k.job.action, k.job.step, k.job.finished)
		}
		if k.waiting != nil {
			fmt.Fprintf(&b, "?%s%t%s", k.waiting.report.state, k.waiting.answered, k.waiting.goal)
		}
		if row != nil {
			fmt.Fprintf(&b, "%s>%s %s%d%s%d%c%c", row.reported, row.goal, flags(row.running, row.fresh, row.quorum, row.sessionLost, row.upstreamLost, row.stalled),
				row.health, row.sign, row.priority, bucket(row.reportAge), bucket(row.since))
		}
		b.WriteByte('\n')
	}
	g := &w.look.group
	fmt.Fprintf(&b, "%d%s%s%d%c", g.primary, g.syncSets, flags(g.frozen, g.loss, g.stoppedAt != "", g.switchover >= 0, g.stopped >= 0, g.gone >= 0), g.target, bucket(g.switchover))
	for _, l := range w.cuts() {
		fmt.Fprintf(&b, " %d-%d", l.a, l.b)
	}
	for _, c := range w.calls {
		fmt.Fprintf(&b, " %d!%s%t", c.node, c.report.state, c.report.running)
	}
	return b.String()
}

// ranks order the nodes by what they have: equal histories have equal ranks.
func (w *World) ranks() map[int64]int {
	var ends []int32
	last := func(n *Node) int32 {
		if len(n.pg.wal) == 0 {
			return -1
		}
		return n.pg.wal[len(n.pg.wal)-1]
	}
	for _, n := range w.nodes {
		ends = append(ends, last(n))
	}
	// a commit that somebody was promised is another matter than one that nobody was
	for _, a := range w.acks {
		if a.safe && !a.lost {
			ends = append(ends, a.record)
		}
	}
	slices.Sort(ends)
	ends = slices.Compact(ends)
	ranks := map[int64]int{}
	for _, n := range w.nodes {
		ranks[n.id] = slices.Index(ends, last(n)) - len(ends)
	}
	return ranks
}
