package model

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"pgaf/keeper"
	"pgaf/monitor"
)

// keeperState is a simulated keeper. What it may do it reads from the keeper's own
// table of transitions; how an action of that table is done is in actions.go.
type keeperState struct {
	alive  bool
	exited bool // for good: the node was removed

	// in the state file
	current, assigned monitor.State
	dirty             bool // an action away from current was begun
	promoted          bool // wait_primary was reached and the monitor has not acknowledged it
	fenced            bool // assigned is demote_timeout because the lease ran out
	acked             int64

	// in memory
	contacted  bool
	conn       int
	peers      []int64
	seen       map[int64]int64 // when a standby was last seen to stream
	job        *job
	waiting    *outstanding
	witnessed  bool // the replication connection was last seen, and said, to be up
	giveUps    int  // failed attempts to start Postgres
	assignedAt int64
	told       report
	timeline   int // the number to begin at the promotion that is being prepared
	introduced int // the timeline whose history the monitor was told last
}

// outstanding is a report that waits for its answer.
type outstanding struct {
	conn     int
	report   report
	sent     int64
	answered bool
	goal     monitor.State
}

// job is an action under way, or done and not yet taken note of.
type job struct {
	from, to monitor.State
	action   string
	reenter  bool
	step     int
	finished bool

	peer   int64
	names  syncSet
	target int32
	end    lsn
}

// Times of the keeper, in ms.
const (
	leaseTimeout = 20_000
	callLimit    = 5_000
	stopPatience = 3_000
	keepalive    = 10_000 // after which a broken connection is noticed
)

// restartAttempts to start Postgres fail before the monitor hears that it is down.
const restartAttempts = 3

// transitions is the keeper's own table, by pair of states, for a node that is no
// part of a Citus formation.
var transitions = func() map[keeper.Edge]keeper.Transition {
	m := map[keeper.Edge]keeper.Transition{}
	for _, t := range keeper.Transitions {
		e := keeper.Edge{From: t.From, To: t.To}
		if _, known := m[e]; !known && t.Kind == keeper.KindAny {
			m[e] = t
		}
	}
	return m
}()

func transition(from, to monitor.State) (keeper.Transition, bool) {
	t, found := transitions[keeper.Edge{From: from, To: to}]
	if !found {
		t, found = transitions[keeper.Edge{From: keeper.Any, To: to}]
	}
	return t, found
}

// reentries make a state true again after an action away from it was begun and the
// goal came back.
var reentries = map[monitor.State]string{
	monitor.StateSingle:           "disable_replication",
	monitor.StateWaitPrimary:      "disable_sync_rep",
	monitor.StatePrimary:          "start_postgres",
	monitor.StateCatchingup:       "follow_new_primary",
	monitor.StateSecondary:        "follow_new_primary",
	monitor.StateReportLSN:        "report_lsn",
	monitor.StateJoinSecondary:    "report_lsn",
	monitor.StateFastForward:      "report_lsn",
	monitor.StatePreparePromotion: "prepare_standby_for_promotion",
	monitor.StateDraining:         "stop_postgres",
	monitor.StateDemoted:          "stop_postgres",
	monitor.StateDemoteTimeout:    "stop_postgres",
}

// acts says whether the node's keeper can do anything now.
func (n *Node) acts() bool { return n.up && !n.frozen && n.keeper.alive }

func stopsPostgres(s monitor.State) bool {
	switch s {
	case monitor.StateDraining, monitor.StateDemoteTimeout, monitor.StateDemoted, monitor.StateDropped:
		return true
	}
	return false
}

func runsPostgres(s monitor.State) bool {
	switch s {
	case monitor.StatePreparePromotion, monitor.StateStopReplication, monitor.StateCatchingup,
		monitor.StateSecondary, monitor.StateReportLSN, monitor.StateFastForward:
		return true
	}
	return s.Writable()
}

func followsPrimary(s monitor.State) bool {
	return s == monitor.StateSecondary || s == monitor.StateCatchingup
}

// ---- what it does next

// wanted is the job that state and goal ask for; "" for none.
func (w *World) wanted(n *Node) (j job, found bool) {
	k := &n.keeper
	if !k.contacted && !stopsPostgres(k.assigned) {
		return j, false
	}
	if k.current != k.assigned {
		t, known := transition(k.current, k.assigned)
		return job{from: k.current, to: k.assigned, action: t.Action}, known
	}
	j = job{from: k.current, to: k.current}
	if action, known := reentries[k.current]; known && k.dirty {
		j.action, j.reenter = action, true
		return j, true
	}
	switch {
	case stopsPostgres(k.current) && n.pg.running:
		j.action = "stop_postgres"
	case runsPostgres(k.current) && !n.pg.running:
		j.action = "restart"
	case followsPrimary(k.current) && n.pg.running && w.strayed(n):
		j.action = "follow_new_primary"
	default:
		return j, false
	}
	return j, true
}

// strayed says whether a standby receives from a node that is not the primary, or
// from nobody.
func (w *World) strayed(n *Node) bool {
	p := w.look.primary()
	if p == nil || p.id == n.id || !p.reported.Writable() || !slices.Contains(n.keeper.peers, p.id) {
		return false
	}
	up := w.node(n.pg.upstream)
	return n.pg.upstream != p.id || !n.pg.standby || up != nil && !n.pg.wal.startOf(up.pg.wal)
}

// work makes a keeper do its next step. The variant chooses where more than one
// thing may happen.
func (w *World) work(ctx context.Context, n *Node, variant int) (did bool, err error) {
	if !n.acts() {
		return false, nil
	}
	if w.checkLease(n) {
		did = true
	}
	k := &n.keeper
	if k.job != nil && k.job.finished {
		w.arrive(n)
		return true, nil
	}
	want, found := w.wanted(n)
	if k.job != nil && contradicts(want, *k.job, found) {
		k.job = nil
	}
	if k.job == nil {
		if !found {
			return did, nil
		}
		k.job = &want
		if want.from != want.to {
			k.dirty = true
		}
		if want.action == "" {
			w.arrive(n)
			return true, nil
		}
	}
	if n.pg.stopping && k.job.step == 0 && w.drained(n) { // an earlier job began to stop it, and was given up
		w.endStop(n)
		return true, nil
	}
	step, known := actions[k.job.action]
	if !known {
		return did, fmt.Errorf("the model has no action %q", k.job.action)
	}
	before, tries := k.job.step, k.giveUps
	outcome, err := step(ctx, w, n, k.job, variant)
	if err != nil {
		return did, err
	}
	switch outcome {
	case stepDone:
		k.job.finished = true
	case stepNext:
		k.job.step++
	case stepAgain:
		k.job.step = 0
		return did || before > 0, nil
	case stepWait:
		return did || n.keeper.giveUps != tries, nil
	}
	return true, nil
}

// contradicts says whether a running job stands in the way of the wanted one. What keeps
// a state true that is still wanted may end in its own time.
func contradicts(want, running job, found bool) bool {
	if running.from == running.to && (!found || want.from == running.from && want.to == running.to) {
		return want.action == "stop_postgres" && running.action != want.action
	}
	return !found || want.from != running.from || want.to != running.to || want.action != running.action
}

// arrive takes note of a finished job.
func (w *World) arrive(n *Node) {
	k := &n.keeper
	j := k.job
	k.job = nil
	switch {
	case j.from != j.to:
		k.current, k.dirty = j.to, false
		k.promoted = j.to == monitor.StateWaitPrimary
		if j.to != monitor.StatePreparePromotion {
			k.timeline = 0
		}
	case j.reenter:
		k.dirty = false
	}
}

// ---- reports

// compose is what the keeper would say now.
func (w *World) compose(n *Node) report {
	k := &n.keeper
	r := report{state: k.current, running: n.pg.running}
	tli, end := w.position(n.pg.wal)
	r.tli = tli
	switch {
	case n.pg.running:
		r.lsn = end
	case n.pg.clean && len(n.pg.wal) > 0:
		r.lsn = w.log[n.pg.wal[len(n.pg.wal)-1]].start
	}
	if !n.pg.running && k.current.Writable() {
		r.running = k.contacted && k.giveUps < restartAttempts
	}
	if k.current == monitor.StateReportLSN && k.dirty {
		r.lsn = 0
	}
	if n.pg.running && !n.pg.standby {
		for _, s := range w.nodes {
			if s.pg.streaming && s.pg.upstream == n.id && w.reaches(s, n) {
				r.sync = "async"
				if slices.Contains(n.pg.names.members, s.id) {
					r.sync = "quorum"
					break
				}
			}
		}
	}
	return r
}

// connect opens the keeper's session, when it has none.
func (w *World) connect(ctx context.Context, n *Node) error {
	k := &n.keeper
	if s := w.conns[k.conn]; k.conn != 0 && s != nil && s.ends == 0 {
		return nil
	}
	w.nextConn++
	k.conn = w.nextConn
	w.conns[k.conn] = &session{node: n.id}
	_, err := w.monitorCall(ctx, w.environment(k.conn), "SELECT pgautofailover.open_session($1)::text", n.id)
	return w.orRemoved(n, err)
}

// disconnect ends the keeper's session. The monitor notices at once where the
// network lets it.
func (w *World) disconnect(n *Node, abruptly bool) {
	k := &n.keeper
	if s := w.conns[k.conn]; s != nil && s.ends == 0 {
		s.ends = w.now + 1
		if abruptly || !w.linked(n.id, monitorHost) {
			s.ends = w.now + keepalive
		}
	}
	k.conn, k.waiting = 0, nil
}

// orRemoved ends the keeper of a node that the monitor does not know any more, with
// its Postgres.
func (w *World) orRemoved(n *Node, err error) error {
	if sqlState(err) != "42704" {
		return err
	}
	w.disconnect(n, false)
	n.keeper.alive, n.keeper.exited, n.keeper.job = false, true, nil
	w.stopNow(n, false)
	return nil
}

// canReport says whether a report can leave the keeper.
func (w *World) canReport(n *Node) bool {
	return n.acts() && n.keeper.waiting == nil && w.linked(n.id, monitorHost)
}

// send composes a report. It is on its way until it is executed.
func (w *World) send(ctx context.Context, n *Node) error {
	if err := w.connect(ctx, n); err != nil || n.keeper.exited {
		return err
	}
	k := &n.keeper
	r := w.compose(n)
	k.waiting = &outstanding{conn: k.conn, report: r, sent: w.now}
	w.nextCall++
	w.calls = append(w.calls, call{id: w.nextCall, conn: k.conn, node: n.id, report: r, sent: w.now})
	return nil
}

const nodeActive = `SELECT assigned_group_state::text
  FROM pgautofailover.node_active('default', $1, 0, $2::text::pgautofailover.replication_state, $3, $4, '0/0'::pg_lsn + $5::bigint, $6)`

// execute makes the monitor take in a report that is on its way. The answer reaches
// the keeper when it still waits for it.
func (w *World) execute(ctx context.Context, i int) error {
	c := w.calls[i]
	w.calls = slices.Delete(w.calls, i, i+1)
	n := w.node(c.node)
	answer, err := w.monitorCall(ctx, w.environment(c.conn), nodeActive,
		c.node, string(c.report.state), c.report.running, c.report.tli, int64(c.report.lsn), c.report.sync)
	if n == nil {
		return err
	}
	k := &n.keeper
	mine := k.waiting != nil && k.waiting.conn == c.conn
	if sqlState(err) == "42704" {
		if mine {
			return w.orRemoved(n, err)
		}
		return nil
	}
	if err != nil {
		if !mine && sqlState(err) == "55000" {
			return nil // refused: it came over a session that its keeper has given up
		}
		return err
	}
	if mine {
		k.waiting.answered, k.waiting.goal = true, monitor.State(answer)
		k.told = c.report
	}
	return w.introduce(ctx, n)
}

// introduce tells the monitor the history of the timeline that a node is on, once; while the monitor cannot be reached,
// that waits for a later report.
func (w *World) introduce(ctx context.Context, n *Node) error {
	if n == nil || !n.acts() || !n.pg.running || !w.linked(n.id, monitorHost) {
		return nil
	}
	tli, _ := w.position(n.pg.wal)
	if tli == n.keeper.introduced || tli <= 1 {
		return nil
	}
	n.keeper.introduced = tli
	var history []string
	for i, id := range n.pg.wal[1:] {
		if before := w.log[n.pg.wal[i]]; before.tli != w.log[id].tli {
			history = append(history, fmt.Sprintf(`{"tli": %d, "parenttli": %d, "switchpoint": "%s"}`, w.log[id].tli, before.tli, before.end))
		}
	}
	_, err := w.monitorCall(ctx, w.environment(n.keeper.conn), "SELECT pgautofailover.report_timeline_history($1, $2::text::jsonb)::text",
		n.id, "["+strings.Join(history, ", ")+"]")
	if sqlState(err) == "23503" {
		return nil // it was removed
	}
	return err
}

// take makes the keeper act on the answer to its report.
func (w *World) take(n *Node) error {
	k := &n.keeper
	w.checkLease(n)
	o := k.waiting
	k.waiting = nil
	k.contacted = true
	k.acked = max(k.acked, o.sent)
	if o.report.state == k.current {
		k.promoted = false
	}
	k.peers = k.peers[:0:0]
	for _, row := range w.look.nodes {
		if row.id != n.id && row.goal != monitor.StateDropped {
			k.peers = append(k.peers, row.id)
		}
	}
	if o.report.state != k.current {
		return nil
	}
	if o.goal == monitor.StateDropped && o.report.state == monitor.StateDropped {
		w.disconnect(n, false)
		k.alive, k.exited = false, true
		return nil
	}
	if k.fenced && k.current != monitor.StateDemoteTimeout {
		return nil
	}
	if o.goal != k.current {
		if _, known := transition(k.current, o.goal); !known {
			return violation("Reachable", "node %d is %s and is told to be %s: its keeper has no such transition", n.id, k.current, o.goal)
		}
	}
	k.assign(o.goal, false, w.now)
	return nil
}

// giveUp closes a connection whose call takes too long. The report may still arrive.
func (w *World) giveUp(n *Node) { w.disconnect(n, false) }

// reportNow is a report that nothing disturbs.
func (w *World) reportNow(ctx context.Context, n *Node) error {
	if err := w.send(ctx, n); err != nil || n.keeper.exited {
		return err
	}
	if err := w.execute(ctx, len(w.calls)-1); err != nil || n.keeper.waiting == nil {
		return err
	}
	return w.take(n)
}

// ---- the lease

// needsLease says whether a node serves only as long as its lease lasts.
func (n *Node) needsLease() bool {
	k := &n.keeper
	switch k.current {
	case monitor.StatePrimary, monitor.StateJoinPrimary, monitor.StateApplySettings:
		return true
	case monitor.StateWaitPrimary:
		return k.promoted || k.assigned != monitor.StateWaitPrimary
	case monitor.StateSingle:
		return false
	}
	if k.assigned == monitor.StateSingle {
		return false // nobody else is left
	}
	// On its way to or from a state in which it serves.
	return n.pg.running && !n.pg.standby
}

// observe notes which standbys receive from a primary.
func (w *World) observe(n *Node) {
	if !n.acts() || !n.pg.running || n.pg.standby {
		return
	}
	for _, s := range w.nodes {
		if s.pg.streaming && s.pg.upstream == n.id && w.reaches(s, n) {
			n.keeper.seen[s.id] = w.now
		}
	}
}

// checkLease stops a node whose lease has run out. It says whether it did so now.
func (w *World) checkLease(n *Node) bool {
	if !n.acts() {
		return false
	}
	w.observe(n)
	k := &n.keeper
	if k.mustStop() {
		return false
	}
	if w.now-k.acked < leaseTimeout || !n.needsLease() || w.standbysHold(n) {
		return false
	}
	if _, known := transition(k.current, monitor.StateDemoteTimeout); !known && k.current != monitor.StateDemoteTimeout {
		return false
	}
	k.assign(monitor.StateDemoteTimeout, true, w.now)
	return true
}

// assign takes a goal: the monitor's, or its own when the lease has run out.
func (k *keeperState) assign(goal monitor.State, fenced bool, now int64) {
	if goal != k.assigned {
		k.assignedAt = now
	}
	k.assigned, k.fenced = goal, fenced
}

// mustStop says whether Postgres has to be stopped at once.
func (k *keeperState) mustStop() bool {
	switch k.assigned {
	case monitor.StateDemoteTimeout, monitor.StateDemoted, monitor.StateDropped:
		return true
	}
	return false
}

// standbysHold says whether the standbys prove that none of them was promoted.
func (w *World) standbysHold(n *Node) bool {
	k := &n.keeper
	if n.pg.names.number > 0 {
		return slices.ContainsFunc(k.peers, func(id int64) bool {
			at, seen := k.seen[id]
			return seen && w.now-at < leaseTimeout
		})
	}
	candidates := 0
	for _, id := range k.peers {
		if at, seen := k.seen[id]; seen && at >= k.acked-leaseTimeout {
			candidates++
			if at != w.now {
				return false
			}
		}
	}
	return candidates > 0
}

// ---- time

// pass lets time go by. Keepers that run look at their lease every second, and one
// that has to stop has done so a little later.
func (w *World) pass(d int64) {
	for d > 0 {
		step := min(d, 1000)
		d -= step
		w.now += step
		for _, n := range w.nodes {
			if !n.acts() {
				continue
			}
			w.checkLease(n)
			if n.keeper.mustStop() && n.pg.running && w.now-n.keeper.assignedAt >= stopPatience {
				w.stopNow(n, true)
			}
			if o := n.keeper.waiting; o != nil && w.now-o.sent >= callLimit {
				w.giveUp(n)
			}
		}
		for _, s := range w.conns {
			if s.ends == 0 && (!w.linked(s.node, monitorHost) || !w.node(s.node).up) {
				w.lingering(s)
			}
		}
	}
}

// lingering: the monitor's side of a connection ends when nothing was heard for a while.
func (w *World) lingering(s *session) {
	n := w.node(s.node)
	if n.lostAt == 0 {
		n.lostAt = w.now
	}
	if w.now-n.lostAt >= keepalive {
		s.ends = w.now
	}
}

// parseSyncNames reads the text of synchronous_standby_names().
func parseSyncNames(text string) (s syncSet) {
	rest, found := strings.CutPrefix(text, "ANY ")
	if !found {
		return s
	}
	number, list, _ := strings.Cut(rest, " ")
	s.number, _ = strconv.Atoi(number)
	for _, name := range strings.Split(strings.Trim(list, "()"), ", ") {
		id, _ := strconv.ParseInt(strings.TrimPrefix(name, "pgautofailover_standby_"), 10, 64)
		s.members = append(s.members, id)
	}
	return s
}
