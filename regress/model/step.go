package model

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"pgaf/monitor"
)

// Kind of a step.
type Kind string

// What can happen.
const (
	// clients
	Write Kind = "write" // one commit
	Bulk  Kind = "bulk"  // much WAL at once

	// replication
	Receive Kind = "receive" // a standby gets and confirms all there is
	Trickle Kind = "trickle" // a standby gets one record; its confirmation is on its way
	Deliver Kind = "deliver" // a primary reads what standbys have confirmed

	// keepers
	Report  Kind = "report"  // and acts on the answer
	Send    Kind = "send"    // a report is on its way
	Execute Kind = "execute" // the monitor takes in a report that is on its way
	Take    Kind = "take"    // the keeper acts on the answer
	GiveUp  Kind = "give up" // the keeper stops waiting and closes the connection
	Work    Kind = "work"    // the next step of its action
	Witness Kind = "witness" // tells whether its replication connection is up

	// the monitor's service
	Health      Kind = "health"
	WrongHealth Kind = "wrong health"
	Tick        Kind = "tick"

	Pass    Kind = "pass"   // time
	Settle  Kind = "settle" // the group goes on undisturbed until it rests
	Calm    Kind = "calm"   // all faults end, and the group has to be well again
	Turn    Kind = "turn"   // a keeper does all that it can, and its Postgres receives and confirms
	Notice  Kind = "notice" // the monitor's service looks at every node, and silence has lasted
	Explain Kind = "explain"

	// faults and their ends
	Crash        Kind = "crash" // a machine
	Boot         Kind = "boot"
	Freeze       Kind = "freeze"
	Thaw         Kind = "thaw"
	KillKeeper   Kind = "kill keeper"
	StartKeeper  Kind = "start keeper"
	KillPostgres Kind = "kill postgres"
	Break        Kind = "break postgres" // it ends, and does not start until it is repaired
	Repair       Kind = "repair postgres"
	Cut          Kind = "cut"
	Heal         Kind = "heal"
	Restart      Kind = "restart monitor"

	// operators
	Failover      Kind = "failover"
	LossyFailover Kind = "failover with loss"
	Promote       Kind = "promote"
	StartMaintain Kind = "start maintenance"
	StopMaintain  Kind = "stop maintenance"
	Remove        Kind = "remove"
	ForceRemove   Kind = "remove by force"
	SetPriority   Kind = "set priority"
	SetQuorum     Kind = "set quorum"
	SetNumberSync Kind = "set number_sync_standbys"
	Register      Kind = "register"
)

var kinds = []Kind{
	Write, Bulk, Receive, Trickle, Deliver, Report, Send, Execute, Take, GiveUp, Work, Witness, Health, WrongHealth, Tick, Pass, Settle, Calm, Turn, Notice, Explain, Crash, Boot, Freeze, Thaw, KillKeeper, StartKeeper, KillPostgres, Break, Repair, Cut, Heal, Restart, Failover, LossyFailover, Promote, StartMaintain, StopMaintain, Remove, ForceRemove, SetPriority, SetQuorum, SetNumberSync, Register,
}

// Step is one thing that happens. Whether it can happen is looked at when it is its
// turn: a step that cannot is skipped, so that any part of a run is a run.
type Step struct {
	Kind  Kind
	Node  int64
	Other int64 // second end of a link
	Value int64 // a number, a duration in ms, or which of several ways it goes
}

// forms are the texts of steps, for people and for the files of testdata.
var forms = map[Kind]string{
	Pass: "pass %v ms", Calm: "calm, but %d is dead", Cut: "cut %d–%o", Heal: "heal %d–%o",
	SetNumberSync: "set number_sync_standbys %v", Register: "register %v", SetPriority: "set priority %d to %v",
	SetQuorum: "set quorum %d to %v", WrongHealth: "wrong health %d, %v", Execute: "execute %d, %v", Work: "work %d, %v",
}

// shortForms are those where there is nothing special: Value is 0, or no machine is dead.
var shortForms = map[Kind]string{Calm: "calm", Execute: "execute %d", Work: "work %d"}

func (s Step) form() string {
	switch s.Kind {
	case Tick, Restart, Failover, LossyFailover, Settle, Notice, Explain:
		return string(s.Kind)
	case Calm:
		if s.Node == 0 {
			return shortForms[s.Kind]
		}
	case Execute, Work:
		if s.Value == 0 {
			return shortForms[s.Kind]
		}
	}
	if form, special := forms[s.Kind]; special {
		return form
	}
	return string(s.Kind) + " %d"
}

// String is the step as ParseStep reads it. Node 0 of a link is the monitor.
func (s Step) String() string {
	return strings.NewReplacer("%d", fmt.Sprint(s.Node), "%o", fmt.Sprint(s.Other), "%v", fmt.Sprint(s.Value)).Replace(s.form())
}

// ParseStep reads what String writes.
func ParseStep(text string) (Step, error) {
	for _, kind := range kinds {
		for _, form := range []string{(Step{Kind: kind, Node: 1, Value: 1}).form(), (Step{Kind: kind}).form()} {
			s := Step{Kind: kind}
			var into []any
			scan := form
			for {
				i := strings.IndexByte(scan, '%')
				if i < 0 {
					break
				}
				into = append(into, map[byte]*int64{'d': &s.Node, 'o': &s.Other, 'v': &s.Value}[scan[i+1]])
				scan = scan[i+2:]
			}
			format := strings.NewReplacer("%o", "%d", "%v", "%d").Replace(form)
			if n, err := fmt.Sscanf(text, format, into...); (err == nil || err == io.EOF && len(into) == 0) && n == len(into) && s.String() == text {
				return s, nil
			}
		}
	}
	return Step{}, fmt.Errorf("%q is no step", text)
}

// apply does a step and checks everything after it. done is false when it could not
// happen.
func (w *World) apply(ctx context.Context, s Step) (done bool, err error) {
	w.look.events = nil
	done, err = w.do(ctx, s)
	if done {
		w.stats.Steps++
		w.stats.Kinds[s.Kind]++
		if w.say != nil {
			w.say(s, w.depth > 0)
		}
	}
	var broken *Violation
	if err != nil && !errors.As(err, &broken) {
		if state := sqlState(err); state != "" {
			err = violation("Evaluate", "%s fails: %v", s, err)
		}
	}
	if err != nil || !done {
		return done, err
	}
	return true, w.check()
}

func (w *World) do(ctx context.Context, s Step) (done bool, err error) {
	switch s.Kind {
	case Tick:
		_, err := w.monitorCall(ctx, w.environment(checkerPid), "SELECT pgautofailover.tick()::text")
		return true, err
	case Pass:
		w.pass(s.Value)
		return true, nil
	case Settle, Calm, Turn, Notice:
		w.depth++
		defer func() { w.depth-- }()
		return true, w.several(ctx, s)
	case Explain:
		return true, w.checkExplain(ctx)
	case Restart:
		w.restartMonitor()
		return true, nil
	case Failover, LossyFailover, SetNumberSync, Register:
		return w.operate(ctx, s, nil)
	case Execute:
		i := slices.IndexFunc(w.calls, func(c call) bool { return c.node == s.Node })
		if s.Value > 0 { // not the oldest
			i = lastIndex(w.calls, func(c call) bool { return c.node == s.Node })
		}
		if i < 0 {
			return false, nil
		}
		return true, w.execute(ctx, i)
	case Cut, Heal:
		l := linkOf(s.Node, s.Other)
		if w.cut[l] == (s.Kind == Cut) {
			return false, nil
		}
		w.cutOrHeal(l, s.Kind == Cut)
		return true, nil
	}
	n := w.node(s.Node)
	if n == nil {
		return false, nil
	}
	switch s.Kind {
	case Write, Bulk:
		kind := recordCommit
		if s.Kind == Bulk {
			kind = recordBulk
		}
		return w.commit(n, kind), nil
	case Receive:
		got := w.receive(n, 1<<20)
		if up := w.node(n.pg.upstream); up != nil && n.pg.streaming {
			got = w.deliver(up) || got
		}
		return got, nil
	case Trickle:
		return w.receive(n, 1), nil
	case Deliver:
		return w.deliver(n), nil
	case Report:
		if !w.canReport(n) {
			return false, nil
		}
		w.checkLease(n)
		return true, w.reportNow(ctx, n)
	case Send:
		if !w.canReport(n) {
			return false, nil
		}
		return true, w.send(ctx, n)
	case Take:
		if !n.acts() || n.keeper.waiting == nil || !n.keeper.waiting.answered || !w.linked(n.id, monitorHost) {
			return false, nil
		}
		return true, w.take(n)
	case GiveUp:
		if !n.acts() || n.keeper.waiting == nil {
			return false, nil
		}
		w.giveUp(n)
		return true, nil
	case Work:
		return w.work(ctx, n, int(s.Value))
	case Witness:
		return w.witness(ctx, n)
	case Health:
		return true, w.health(ctx, n)
	case WrongHealth:
		return true, w.wrongHealth(ctx, n, s.Value)
	}
	if done, known := w.fault(n, s.Kind); known {
		return done, nil
	}
	return w.operate(ctx, s, n)
}

func lastIndex[T any](s []T, f func(T) bool) int {
	for i := len(s) - 1; i >= 0; i-- {
		if f(s[i]) {
			return i
		}
	}
	return -1
}

// several are the steps that consist of steps.
func (w *World) several(ctx context.Context, s Step) error {
	switch s.Kind {
	case Settle:
		_, err := w.rounds(ctx, settleLimit)
		return err
	case Calm:
		return w.checkNotStuck(ctx, s.Node)
	case Notice:
		return w.notice(ctx)
	}
	return w.turn(ctx, s.Node)
}

// ---- faults

func (w *World) cutOrHeal(l link, cut bool) {
	if cut {
		w.cut[l] = true
		for _, id := range []int64{l.a, l.b} {
			if n := w.node(id); n != nil && (n.pg.upstream == l.a || n.pg.upstream == l.b) {
				n.pg.streaming = false
			}
		}
		return
	}
	delete(w.cut, l)
	if n := w.node(l.b); n != nil && l.a == monitorHost {
		n.lostAt = 0
	}
}

// restartMonitor: all sessions end, nothing is lost, and for a while nobody is called
// unhealthy for being silent.
func (w *World) restartMonitor() {
	w.now += 1000
	w.monitorStart = w.now
	w.calls = nil
	for _, n := range w.nodes {
		if n.keeper.conn != 0 {
			w.disconnect(n, false)
		}
	}
	for _, s := range w.conns {
		s.ends = 1
	}
}

// fault does what happens to a machine and its processes.
func (w *World) fault(n *Node, kind Kind) (done, known bool) {
	k := &n.keeper
	switch kind {
	case Crash:
		done = n.up
		if done {
			n.up, n.frozen = false, false
			w.killPostgres(n)
			w.endKeeper(n, true)
		}
	case Boot:
		done = !n.up
		if done {
			n.up, n.lostAt = true, 0
			w.startKeeper(n)
		}
	case Freeze:
		done = n.up && !n.frozen
		n.frozen = n.frozen || done
	case Thaw:
		done = n.frozen
		if done {
			n.frozen = false
			w.checkLease(n)
		}
	case KillKeeper:
		done = n.up && k.alive
		if done {
			n.frozen = false
			w.endKeeper(n, false)
		}
	case StartKeeper:
		done = n.up && !k.alive && !k.exited
		if done {
			w.startKeeper(n)
		}
	case KillPostgres, Break:
		done = n.up && n.pg.running
		if done {
			clean := n.pg.clean && n.pg.stopping
			w.killPostgres(n)
			n.pg.clean = clean
			n.pg.broken = kind == Break
		}
	case Repair:
		done = n.pg.broken
		n.pg.broken = false
	default:
		return false, false
	}
	return done, true
}

func (w *World) endKeeper(n *Node, abruptly bool) {
	k := &n.keeper
	if k.conn != 0 {
		w.disconnect(n, abruptly)
	}
	k.alive, k.contacted, k.job, k.witnessed, k.giveUps, k.timeline, k.introduced = false, false, nil, false, 0, 0, 0
	k.seen, k.told = map[int64]int64{}, report{}
}

func (w *World) startKeeper(n *Node) {
	k := &n.keeper
	if k.exited {
		return
	}
	k.alive = true
	w.checkLease(n)
}

// ---- the monitor's eyes

// witness tells the monitor when the replication connection broke or came back.
func (w *World) witness(ctx context.Context, n *Node) (done bool, err error) {
	k := &n.keeper
	if !n.acts() || !w.linked(n.id, monitorHost) || k.conn == 0 || !followsPrimary(k.current) || !followsPrimary(k.assigned) {
		return false, nil
	}
	up := w.node(n.pg.upstream)
	if up == nil {
		return false, nil
	}
	connected := up.up && up.pg.running && w.linked(n.id, up.id) && (k.witnessed || !up.frozen)
	if connected == k.witnessed {
		return false, nil
	}
	k.witnessed = connected
	_, err = w.monitorCall(ctx, w.environment(k.conn), "SELECT pgautofailover.report_upstream($1, $2)::text", n.id, connected)
	return true, w.orRemoved(n, err)
}

const reportHealth = `SELECT pgautofailover.report_health(ARRAY[$1::bigint], ARRAY[$2::int], ARRAY[$3::text], ARRAY[''])::text`

// health is a check of one node, as it finds it. Two failures in a row make it bad.
func (w *World) health(ctx context.Context, n *Node) error {
	sign := "timeout"
	switch {
	case !w.linked(n.id, monitorHost) || !n.up || n.frozen:
	case n.pg.running:
		sign = "ok"
	default:
		sign = "refused"
	}
	health := 1
	n.failures++
	switch {
	case sign == "ok":
		n.failures = 0
	case n.failures >= 2:
		health = 0
	default:
		health = -1
	}
	_, err := w.monitorCall(ctx, w.environment(checkerPid), reportHealth, n.id, health, sign)
	return err
}

var wrongSigns = []struct {
	health int
	sign   string
}{{-1, "timeout"}, {0, "timeout"}, {0, "refused"}, {1, "ok"}, {-1, "late"}, {1, "denied"}, {-1, "starting"}, {0, "reset"}}

// wrongHealth is a check whose result has nothing to do with the node.
func (w *World) wrongHealth(ctx context.Context, n *Node, which int64) error {
	wrong := wrongSigns[int(which)%len(wrongSigns)]
	_, err := w.monitorCall(ctx, w.environment(checkerPid), reportHealth, n.id, wrong.health, wrong.sign)
	return err
}

// ---- operators

// operate makes an operator's call. It may be refused: that is an answer, too.
func (w *World) operate(ctx context.Context, s Step, n *Node) (done bool, err error) {
	var name string
	if n != nil {
		if w.look.node(n.id) == nil {
			return false, nil
		}
		name = nodeName(n.id)
	}
	e := w.environment(checkerPid)
	switch s.Kind {
	case Failover:
		_, err = w.monitorCall(ctx, e, "SELECT pgautofailover.perform_failover('default', 0)::text")
	case LossyFailover:
		e.lossy = true
		if _, err = w.monitorCall(ctx, e, "SELECT pgautofailover.perform_failover('default', 0)::text"); err == nil {
			w.lossAllowed = true
		}
	case Promote:
		_, err = w.monitorCall(ctx, e, "SELECT pgautofailover.perform_promotion('default', $1)::text", name)
	case StartMaintain:
		_, err = w.monitorCall(ctx, e, "SELECT pgautofailover.start_maintenance($1)::text", n.id)
	case StopMaintain:
		_, err = w.monitorCall(ctx, e, "SELECT pgautofailover.stop_maintenance($1)::text", n.id)
	case Remove, ForceRemove:
		n.handsOver = n.handsOver || w.look.group.primary == n.id && w.look.winner() == nil
		_, err = w.monitorCall(ctx, e, "SELECT pgautofailover.remove_node($1::bigint, $2)::text", n.id, s.Kind == ForceRemove)
	case SetPriority:
		_, err = w.monitorCall(ctx, e, "SELECT pgautofailover.set_node_candidate_priority('default', $1, $2)::text", name, s.Value)
	case SetQuorum:
		_, err = w.monitorCall(ctx, e, "SELECT pgautofailover.set_node_replication_quorum('default', $1, $2)::text", name, s.Value != 0)
	case SetNumberSync:
		_, err = w.monitorCall(ctx, e, "SELECT pgautofailover.set_formation_number_sync_standbys('default', $1)::text", s.Value)
	case Register:
		return w.register(ctx, s)
	default:
		return false, fmt.Errorf("the model has no step %q", s.Kind)
	}
	return true, refusal(err)
}

// refusal forgives what a call may answer instead of doing its work. That the rules do
// not come to rest is no such answer.
func refusal(err error) error {
	switch sqlState(err) {
	case "XX000":
		if strings.Contains(err.Error(), "do not come to rest") || !knownRefusal(err) {
			return err
		}
		return nil
	case "55000", "55006", "22023", "42704", "42P17":
		return nil
	}
	return err
}

// knownRefusal: the interface wants XX000 for these.
func knownRefusal(err error) bool {
	for _, text := range []string{"cannot fail over", "couldn't find the primary node", "registers in state"} {
		if strings.Contains(err.Error(), text) {
			return true
		}
	}
	return false
}

func nodeName(id int64) string { return fmt.Sprintf("node_%d", id) }

const registerNode = `SELECT assigned_group_state::text FROM pgautofailover.register_node('default', $1, 5432, 'postgres',
       node_name => $2, sysidentifier => $3, desired_node_id => $4, candidate_priority => $5, replication_quorum => $6)`

// register adds a machine. The first one of a group brings the data.
func (w *World) register(ctx context.Context, s Step) (bool, error) {
	if len(w.look.nodes) >= w.config.Nodes {
		return false, nil
	}
	id := w.nextNode
	var system int64
	if !slices.ContainsFunc(w.look.nodes, func(n nodeRow) bool { return n.goal != monitor.StateDropped }) {
		system = systemIdentifier
	}
	n := &Node{id: id, up: true, priority: int(s.Value / 2), quorum: s.Value%2 == 1}
	answer, err := w.monitorCall(ctx, w.environment(checkerPid), registerNode,
		fmt.Sprintf("host-%d", id), nodeName(id), system, id, n.priority, n.quorum)
	if err != nil {
		return true, refusal(err)
	}
	w.nextNode++
	goal := monitor.State(answer)
	if goal == monitor.StateSingle {
		for i := range w.acks {
			w.acks[i].lost = true // the group begins anew, all its nodes were removed
		}
	}
	n.keeper = keeperState{alive: true, contacted: true, current: monitor.StateInit, assigned: goal, acked: w.now, seen: map[int64]int64{}}
	w.nodes = append(w.nodes, n)
	return true, nil
}
