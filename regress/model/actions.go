package model

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"pgaf/monitor"
)

// An action is done in steps, so that everything else may happen in between: the
// keeper may be killed after any of them, and begins again at the first.
type actionStep func(ctx context.Context, w *World, n *Node, j *job, variant int) (outcome, error)

type outcome int

const (
	stepWait  outcome = iota // nothing happened: it waits
	stepNext                 // go on
	stepAgain                // begin anew
	stepDone
)

// actions are the actions that the keeper's table names, and those that keep a state
// true.
var actions map[string]actionStep

func init() {
	actions = map[string]actionStep{
		"init_primary":                          initPrimary,
		"disable_replication":                   serveAlone,
		"resume_as_primary":                     serveAlone,
		"prepare_replication":                   nothing,
		"disable_sync_rep":                      disableSyncRep,
		"enable_sync_rep":                       enableSyncRep,
		"start_postgres":                        startAsPrimary,
		"stop_postgres":                         stopPostgres,
		"stop_postgres_for_primary_maintenance": drain,
		"stop_postgres_and_setup_standby":       stopAsStandby,
		"start_maintenance_on_standby":          nothing,
		"init_standby":                          initStandby,
		"init_from_standby":                     initFromStandby,
		"rewind_or_init":                        rejoin,
		"restart_standby":                       rejoin,
		"follow_new_primary":                    followPrimary,
		"prepare_for_secondary":                 prepareForSecondary,
		"prepare_standby_for_promotion":         prepareForPromotion,
		"promote_standby":                       promote,
		"stop_replication":                      promote,
		"promote_standby_to_primary":            nothing,
		"report_lsn":                            reportLSN,
		"report_lsn_and_drop_replication_slots": reportLSN,
		"fast_forward":                          fastForward,
		"cleanup_as_primary":                    nothing,
		"checkpoint_and_stop_postgres":          start,
		"drop_node":                             stopPostgres,
		"restart":                               start,
	}
}

func nothing(context.Context, *World, *Node, *job, int) (outcome, error) { return stepDone, nil }

func start(_ context.Context, _ *World, n *Node, _ *job, _ int) (outcome, error) {
	if !n.startPostgres() {
		return stepWait, nil
	}
	return stepDone, nil
}

func initPrimary(_ context.Context, w *World, n *Node, _ *job, _ int) (outcome, error) {
	if len(n.pg.wal) == 0 {
		w.write(n, recordBegin)
	}
	if !n.startPostgres() {
		return stepWait, nil
	}
	return stepDone, nil
}

// ---- serving

func (w *World) startWritable(ctx context.Context, n *Node) (serves bool, err error) {
	if !n.startPostgres() {
		return false, nil
	}
	return w.promoteNow(ctx, n)
}

// promoteNow ends recovery, if Postgres is in recovery, when the monitor has said which
// timeline begins.
func (w *World) promoteNow(ctx context.Context, n *Node) (serves bool, err error) {
	if !n.pg.standby {
		return true, nil
	}
	timeline := n.keeper.timeline
	n.keeper.timeline = 0
	if tli, _ := w.position(n.pg.wal); timeline <= tli {
		if timeline, err = w.issueTimeline(ctx, n); err != nil || timeline == 0 {
			return false, err
		}
	}
	w.promotePostgres(n, timeline)
	return true, nil
}

// issueTimeline asks the monitor for the number of a timeline; 0 when it does not answer.
func (w *World) issueTimeline(ctx context.Context, n *Node) (timeline int, err error) {
	if !w.linked(n.id, monitorHost) {
		return 0, nil
	}
	answer, err := w.monitorCall(ctx, w.environment(n.keeper.conn), "SELECT pgautofailover.issue_timeline($1)::text", n.id)
	if err != nil {
		return 0, w.orRemoved(n, err)
	}
	return strconv.Atoi(answer)
}

func serveAlone(ctx context.Context, w *World, n *Node, j *job, _ int) (outcome, error) {
	if j.step == 0 {
		if serves, err := w.startWritable(ctx, n); !serves {
			return stepWait, err
		}
		return stepNext, nil
	}
	return w.waitForNobody(n), nil
}

// waitForNobody lets commits through that wait for a standby, and all later ones.
func (w *World) waitForNobody(n *Node) outcome {
	if !n.pg.running {
		return stepAgain
	}
	n.pg.names = syncSet{}
	w.acknowledge(n)
	return stepDone
}

func disableSyncRep(_ context.Context, w *World, n *Node, j *job, _ int) (outcome, error) {
	if j.step == 0 {
		if !n.startPostgres() {
			return stepWait, nil
		}
		return stepNext, nil
	}
	return w.waitForNobody(n), nil
}

func enableSyncRep(ctx context.Context, w *World, n *Node, j *job, _ int) (outcome, error) {
	if j.step == 0 {
		if !n.startPostgres() {
			return stepWait, nil
		}
		return stepNext, nil
	}
	return w.enable(ctx, n, j, j.step-1)
}

// enable fetches the names, sets them, and waits until as many standbys as commits wait
// for have all that was committed before. A wait that takes too long begins anew, with
// new names.
func (w *World) enable(ctx context.Context, n *Node, j *job, step int) (outcome, error) {
	if !n.pg.running {
		return stepAgain, nil
	}
	switch step {
	case 0:
		names, known, err := w.askSyncNames(ctx, n)
		if err != nil || !known {
			return stepWait, err
		}
		j.names = names
		return stepNext, nil
	case 1:
		n.pg.names = j.names
		w.acknowledge(n)
		if j.names.number == 0 {
			return stepDone, nil
		}
		j.target = n.pg.wal[len(n.pg.wal)-1]
		return stepNext, nil
	}
	if !n.satisfied(j.target) {
		return stepAgain, nil
	}
	return stepDone, nil
}

func (w *World) askSyncNames(ctx context.Context, n *Node) (names syncSet, known bool, err error) {
	if !w.linked(n.id, monitorHost) {
		return names, false, nil
	}
	text, err := w.ask(ctx, `SELECT primary_node_id || ' ' || pgautofailover.synchronous_standby_names('default', 0)
  FROM pgautofailover.get_primary('default', 0)`)
	switch sqlState(err) {
	case "42P17", "XX000":
		return names, false, nil // all nodes of the group were removed, and this one does not know yet
	}
	if err != nil {
		return names, false, err
	}
	primary, text, _ := strings.Cut(text, " ")
	return parseSyncNames(text), primary == fmt.Sprint(n.id), nil
}

func startAsPrimary(ctx context.Context, w *World, n *Node, j *job, _ int) (outcome, error) {
	switch j.step {
	case 0:
		if serves, err := w.startWritable(ctx, n); !serves {
			return stepWait, err
		}
		return stepNext, nil
	case 1:
		names, known, err := w.askSyncNames(ctx, n)
		if err != nil || !known {
			return stepWait, err
		}
		if names.equal(n.pg.names) {
			return stepDone, nil
		}
		return stepNext, nil
	}
	return w.enable(ctx, n, j, j.step-2)
}

func promote(ctx context.Context, w *World, n *Node, j *job, _ int) (outcome, error) {
	if j.step == 0 {
		if !n.startPostgres() {
			return stepWait, nil
		}
		return stepNext, nil
	}
	if !n.pg.running {
		return stepAgain, nil
	}
	if serves, err := w.promoteNow(ctx, n); !serves {
		return stepWait, err
	}
	return stepDone, nil
}

func prepareForPromotion(ctx context.Context, w *World, n *Node, _ *job, _ int) (outcome, error) {
	if !n.startPostgres() {
		return stepWait, nil
	}
	timeline, err := w.issueTimeline(ctx, n)
	if err != nil || timeline == 0 {
		return stepWait, err
	}
	n.keeper.timeline = timeline
	return stepDone, nil
}

// ---- stopping

// stopPostgres hands over in good order where the goal is draining, else it is quick.
func stopPostgres(ctx context.Context, w *World, n *Node, j *job, variant int) (outcome, error) {
	if j.to == monitor.StateDraining && j.from != j.to {
		return drain(ctx, w, n, j, variant)
	}
	w.stopNow(n, variant%2 == 1)
	return stepDone, nil
}

// drain stops when all connected standbys have received everything.
func drain(_ context.Context, w *World, n *Node, j *job, variant int) (outcome, error) {
	if !n.pg.running {
		return stepDone, nil
	}
	if j.step == 0 {
		w.beginStop(n)
		return stepNext, nil
	}
	if !w.drained(n) {
		return stepWait, nil
	}
	w.endStop(n)
	return stepDone, nil
}

func stopAsStandby(_ context.Context, w *World, n *Node, _ *job, variant int) (outcome, error) {
	w.stopNow(n, variant%2 == 1)
	n.pg.standby, n.pg.upstream, n.pg.names = true, 0, syncSet{}
	return stepDone, nil
}

// ---- following

// origin is the primary of the group, when it answers.
func (w *World) origin(ctx context.Context, n *Node) (*Node, error) {
	if !w.linked(n.id, monitorHost) {
		return nil, nil
	}
	text, err := w.ask(ctx, "SELECT primary_node_id::text FROM pgautofailover.get_primary('default', 0)")
	if sqlState(err) == "XX000" {
		return nil, nil // there is none
	}
	if err != nil {
		return nil, err
	}
	return w.identify(n, text), nil
}

// identify is a node, when it answers another.
func (w *World) identify(n *Node, id string) *Node {
	for _, up := range w.nodes {
		if fmt.Sprint(up.id) == id && up.id != n.id && up.serves() && !up.pg.stopping && w.linked(n.id, up.id) {
			return up
		}
	}
	return nil
}

// checkHistory fails where the keeper takes another node's data for the continuation
// of its own, and it is not.
func (w *World) checkHistory(n, up *Node, r relation) error {
	if r != relationDiverged && !n.pg.wal.startOf(up.pg.wal) {
		return violation("SilentDivergence", "node %d compares its history with that of node %d and finds no difference, but there is one", n.id, up.id)
	}
	return nil
}

func followPrimary(ctx context.Context, w *World, n *Node, j *job, variant int) (outcome, error) {
	switch j.step {
	case 0:
		if n.pg.standby {
			// What it has may be asked for, whether or not the primary answers.
			n.startPostgres()
		}
		up, err := w.origin(ctx, n)
		if err != nil || up == nil {
			return stepWait, err
		}
		r := w.compare(n.pg.wal, up.pg.wal)
		if n.pg.running && !n.pg.standby {
			r = relationDiverged
		}
		if err := w.checkHistory(n, up, r); err != nil {
			return stepWait, err
		}
		j.peer = up.id
		if r == relationDiverged {
			j.step = rejoinSteps
		}
		return stepNext, nil
	case 1:
		if n.pg.running && !n.pg.standby {
			return stepAgain, nil
		}
		n.pg.standby, n.pg.upstream, n.pg.streaming = true, j.peer, false
		if !n.startPostgres() {
			return stepWait, nil
		}
		return stepNext, nil
	case 2:
		return w.awaitStream(n), nil
	}
	return w.rejoinFrom(n, j, j.step-rejoinSteps, variant)
}

// rejoinSteps is where followPrimary goes on as rejoin does.
const rejoinSteps = 9

// awaitStream waits until the standby receives from its upstream.
func (w *World) awaitStream(n *Node) outcome {
	w.receive(n, 0)
	if !n.pg.streaming {
		return stepAgain
	}
	return stepDone
}

func rejoin(ctx context.Context, w *World, n *Node, j *job, variant int) (outcome, error) {
	if j.step == 0 {
		up, err := w.origin(ctx, n)
		if err != nil || up == nil {
			return stepWait, err
		}
		j.peer = up.id
		return stepNext, nil
	}
	return w.rejoinFrom(n, j, j.step, variant)
}

func (w *World) rejoinFrom(n *Node, j *job, step, variant int) (outcome, error) {
	switch step {
	case 1:
		w.stopNow(n, variant%2 == 1)
		return stepNext, nil
	case 2:
		up := w.identify(n, fmt.Sprint(j.peer))
		if up == nil {
			return stepAgain, nil
		}
		if err := w.followUp(n, up); err != nil {
			return stepWait, err
		}
		n.pg.standby, n.pg.upstream, n.pg.names, n.pg.broken = true, up.id, syncSet{}, false
		return stepNext, nil
	case 3:
		if !n.startPostgres() {
			return stepWait, nil
		}
		return stepNext, nil
	}
	return w.awaitStream(n), nil
}

// followUp makes a stopped node's data the beginning of an upstream's: as they are
// where they are that already, else rewound or copied. pg_rewind knows timelines by
// their numbers and finds nothing to do where they are the same.
func (w *World) followUp(n, up *Node) error {
	tli, _ := w.position(n.pg.wal)
	upTLI, _ := w.position(up.pg.wal)
	untouched := n.pg.clean && len(n.pg.wal) > 0 || tli == upTLI
	if untouched && w.compare(n.pg.wal, up.pg.wal) != relationDiverged {
		return w.checkHistory(n, up, relationSame)
	}
	n.pg.wal = append(wal(nil), up.pg.wal...)
	return nil
}

func initStandby(ctx context.Context, w *World, n *Node, j *job, variant int) (outcome, error) {
	if j.step < 5 {
		out, err := rejoin(ctx, w, n, j, variant)
		if out == stepDone {
			out = stepNext
		}
		return out, err
	}
	return w.publishIdentity(ctx, n)
}

func (w *World) publishIdentity(ctx context.Context, n *Node) (outcome, error) {
	if !w.linked(n.id, monitorHost) {
		return stepWait, nil
	}
	_, err := w.monitorCall(ctx, w.environment(n.keeper.conn), "SELECT pgautofailover.set_node_system_identifier($1, $2)::text", n.id, systemIdentifier)
	return stepDone, w.orRemoved(n, err)
}

const systemIdentifier = 7000000000000000001

func (w *World) askMostAdvanced(ctx context.Context, n *Node) (peer *Node, end lsn, found bool, err error) {
	var id string
	id, err = w.ask(ctx, "SELECT node_id || ' ' || (node_lsn - '0/0')::bigint FROM pgautofailover.get_most_advanced_standby('default', 0, $1)", n.id)
	if err != nil || id == "" {
		return nil, 0, false, err
	}
	var peerID, position int64
	fmt.Sscan(id, &peerID, &position)
	return w.identify(n, fmt.Sprint(peerID)), lsn(position), true, nil
}

func initFromStandby(ctx context.Context, w *World, n *Node, j *job, variant int) (outcome, error) {
	if j.step > 0 {
		return w.publishIdentity(ctx, n)
	}
	if !w.linked(n.id, monitorHost) {
		return stepWait, nil
	}
	up, _, found, err := w.askMostAdvanced(ctx, n)
	if err != nil || !found || up == nil {
		return stepWait, err
	}
	n.pg.wal = append(wal(nil), up.pg.wal...)
	n.pg.standby, n.pg.upstream, n.pg.names = true, 0, syncSet{}
	n.startPostgres()
	return stepNext, nil
}

func prepareForSecondary(ctx context.Context, w *World, n *Node, j *job, variant int) (outcome, error) {
	if j.step > 0 {
		return w.rejoinFrom(n, j, j.step, variant)
	}
	if !n.startPostgres() {
		return stepWait, nil
	}
	up, err := w.origin(ctx, n)
	if err != nil || up == nil {
		return stepWait, err
	}
	r := w.compare(n.pg.wal, up.pg.wal)
	if err := w.checkHistory(n, up, r); err != nil {
		return stepWait, err
	}
	switch r {
	case relationSame:
		return stepDone, nil
	case relationAncestor:
		return stepWait, nil
	}
	j.peer = up.id
	return stepNext, nil
}

// ---- elections

// reportLSN stops receiving: by a reload, whose effect comes a little later, or as a
// standby of nobody that is started.
func reportLSN(_ context.Context, w *World, n *Node, j *job, variant int) (outcome, error) {
	if j.step == 0 {
		if n.pg.running && n.pg.standby {
			return stepNext, nil
		}
		w.stopNow(n, variant%2 == 1)
		n.pg.standby, n.pg.upstream, n.pg.names = true, 0, syncSet{}
		if !n.startPostgres() {
			return stepWait, nil
		}
		return stepDone, nil
	}
	if !n.pg.running {
		return stepAgain, nil
	}
	n.pg.upstream, n.pg.streaming = 0, false
	return stepDone, nil
}

func fastForward(ctx context.Context, w *World, n *Node, j *job, _ int) (outcome, error) {
	switch j.step {
	case 0:
		if !n.startPostgres() || !w.linked(n.id, monitorHost) {
			return stepWait, nil
		}
		peer, end, found, err := w.askMostAdvanced(ctx, n)
		if err != nil {
			return stepWait, err
		}
		if !found {
			return stepDone, nil
		}
		if peer == nil {
			return stepWait, nil
		}
		j.peer, j.end = peer.id, end
		return stepNext, nil
	case 1:
		n.pg.standby, n.pg.upstream, n.pg.streaming = true, j.peer, false
		return stepNext, nil
	case 2:
		if !n.pg.running {
			return stepAgain, nil
		}
		w.receive(n, 1<<20)
		if _, end := w.position(n.pg.wal); end >= j.end {
			return stepNext, nil
		}
		if !n.pg.streaming {
			return stepAgain, nil
		}
		return stepWait, nil
	}
	n.pg.upstream, n.pg.streaming = 0, false
	return stepDone, nil
}
