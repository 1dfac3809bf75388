package model

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"pgaf/monitor"
)

// monitorHost stands for the monitor where a link between two machines is meant.
const monitorHost int64 = 0

// World is one group: machines, the network between them, what clients were told,
// and the monitor's tables as they were after the last call.
type World struct {
	db  *Monitor
	now int64 // ms since the run began; moves when an action says so

	log   []record
	acks  []ack
	nodes []*Node // also those that were removed and do not know it
	cut   map[link]bool
	calls []call // reports on their way to the monitor
	conns map[int]*session
	look  look

	monitorStart int64
	nextNode     int64
	nextConn     int
	nextCall     int

	lossAllowed bool             // an operator accepted the loss of commits in the failover under way
	lossy       map[int32]bool   // promotions that were made under this
	serving     map[int64]int32  // by node: its last promotion, checked already
	chosenBy    map[int64]string // by node: the rule that chose it last
	config      Config
	stats       *Stats
	say         func(s Step, inner bool) // is told of each step; nil: nobody
	depth       int                      // of steps that consist of steps
	trace       *trace                   // of the calls on the monitor; nil: none
}

type link struct{ a, b int64 }

func linkOf(a, b int64) link {
	if a > b {
		a, b = b, a
	}
	return link{a, b}
}

// ack is a commit that a client was told to be done.
type ack struct {
	record int32
	node   int64
	safe   bool // under synchronous replication, by a node in state primary
	late   bool // while another node was the primary
	lost   bool // known to be gone, as it may
}

// session is a keeper's connection to the monitor, as the monitor sees it.
type session struct {
	node int64
	ends int64 // when the monitor notices its end; 0: it is alive
}

// call is a report that the monitor has not executed yet.
type call struct {
	id, conn int
	node     int64
	report   report
	sent     int64
}

// report is what a keeper says of itself.
type report struct {
	state   monitor.State
	running bool
	tli     int
	lsn     lsn
	sync    string
}

// Node is a machine with a keeper and a Postgres.
type Node struct {
	id     int64
	up     bool // the machine
	frozen bool // all its processes
	keeper keeperState
	pg     postgres

	priority int // when it registers
	quorum   bool

	handsOver bool // was the primary, and nobody was chosen in its place, when its operator removed it
	failures  int  // of the health check, in a row
	lostAt    int64
}

// postgres is one data folder and, while it runs, its server.
type postgres struct {
	// on disk
	wal      wal
	standby  bool // standby.signal
	upstream int64
	names    syncSet
	clean    bool // shut down in good order
	broken   bool // cannot start until an operator has looked at it

	// while it runs
	running   bool
	stopping  bool // a fast stop: nobody is served any more
	streaming bool // receives from upstream
	pending   []int32
	known     map[int64]int32 // last record that a standby is known to have flushed
	coming    map[int64]int32 // the same, not yet read from the connection
}

// syncSet is a value of synchronous_standby_names.
type syncSet struct {
	number  int
	members []int64
}

func (s syncSet) equal(t syncSet) bool {
	return s.number == t.number && slices.Equal(s.members, t.members)
}

func (s syncSet) String() string {
	if s.number == 0 {
		return "''"
	}
	return fmt.Sprintf("ANY %d %v", s.number, s.members)
}

// writable says whether a client could write.
func (n *Node) writable() bool {
	return n.up && !n.frozen && n.pg.running && !n.pg.standby && !n.pg.stopping
}

// serves says whether Postgres answers replication connections.
func (n *Node) serves() bool { return n.up && !n.frozen && n.pg.running }

func (w *World) node(id int64) *Node {
	for _, n := range w.nodes {
		if n.id == id {
			return n
		}
	}
	return nil
}

func (w *World) linked(a, b int64) bool { return !w.cut[linkOf(a, b)] }

// clone copies everything but the database.
func (w *World) clone() *World {
	c := *w
	c.log = slices.Clip(w.log)
	c.acks = slices.Clone(w.acks)
	c.cut = maps.Clone(w.cut)
	c.calls = slices.Clone(w.calls)
	c.lossy = maps.Clone(w.lossy)
	c.serving = maps.Clone(w.serving)
	c.chosenBy = maps.Clone(w.chosenBy)
	c.conns = make(map[int]*session, len(w.conns))
	for pid, s := range w.conns {
		copied := *s
		c.conns[pid] = &copied
	}
	c.nodes = make([]*Node, len(w.nodes))
	for i, n := range w.nodes {
		copied := *n
		copied.pg.wal = slices.Clip(n.pg.wal)
		copied.pg.pending = slices.Clone(n.pg.pending)
		copied.pg.known = maps.Clone(n.pg.known)
		copied.pg.coming = maps.Clone(n.pg.coming)
		copied.keeper.seen = maps.Clone(n.keeper.seen)
		copied.keeper.peers = slices.Clone(n.keeper.peers)
		if n.keeper.job != nil {
			j := *n.keeper.job
			copied.keeper.job = &j
		}
		if n.keeper.waiting != nil {
			o := *n.keeper.waiting
			copied.keeper.waiting = &o
		}
		c.nodes[i] = &copied
	}
	return &c
}

// ---- Postgres

func (n *Node) startPostgres() bool {
	if n.pg.stopping {
		return false
	}
	if n.pg.running {
		n.keeper.giveUps = 0
		return true
	}
	if n.pg.broken || len(n.pg.wal) == 0 {
		n.keeper.giveUps = min(n.keeper.giveUps+1, restartAttempts)
		return false
	}
	n.keeper.giveUps = 0
	n.pg.running, n.pg.clean = true, false
	n.pg.known, n.pg.coming = map[int64]int32{}, map[int64]int32{}
	return true
}

// killPostgres ends all its processes at once. What a client waits for it will never
// be told.
func (w *World) killPostgres(n *Node) {
	for _, s := range w.nodes {
		if s.pg.upstream == n.id {
			s.pg.streaming = false
		}
	}
	n.pg.running, n.pg.stopping, n.pg.streaming = false, false, false
	n.pg.pending, n.pg.known, n.pg.coming = nil, nil, nil
}

// beginStop is the first half of a fast stop: clients are cut off and the shutdown
// checkpoint is written.
func (w *World) beginStop(n *Node) {
	if !n.pg.running || n.pg.stopping {
		return
	}
	n.pg.stopping, n.pg.pending = true, nil
	if !n.pg.standby {
		w.write(n, recordStop)
	}
	n.pg.clean = true
}

// drained says whether all standbys that still receive have the shutdown checkpoint.
func (w *World) drained(n *Node) bool {
	for _, s := range w.nodes {
		if s.pg.streaming && s.pg.upstream == n.id && w.reaches(s, n) && len(s.pg.wal) < len(n.pg.wal) {
			return false
		}
	}
	return true
}

func (w *World) endStop(n *Node) {
	clean := n.pg.clean
	w.killPostgres(n)
	n.pg.clean = clean
}

// stopNow stops quickly: in good order, or without a checkpoint.
func (w *World) stopNow(n *Node, immediate bool) {
	if !n.pg.running {
		return
	}
	if immediate && !n.pg.stopping {
		w.killPostgres(n)
		n.pg.clean = false
		return
	}
	w.beginStop(n)
	w.endStop(n)
}

// promotePostgres ends recovery and begins a timeline.
func (w *World) promotePostgres(n *Node, timeline int) {
	n.pg.names = syncSet{}
	n.pg.standby, n.pg.upstream, n.pg.streaming = false, 0, false
	n.pg.known, n.pg.coming = map[int64]int32{}, map[int64]int32{}
	w.begin(n, timeline)
	w.stats.Promotions++
}

// reaches says whether a standby and a node can exchange messages.
func (w *World) reaches(standby, upstream *Node) bool {
	return standby.serves() && upstream.serves() && w.linked(standby.id, upstream.id)
}

// receive makes a standby get up to limit records from its upstream and flush them.
// The confirmation is on its way until it is delivered.
func (w *World) receive(standby *Node, limit int) (got bool) {
	up := w.node(standby.pg.upstream)
	if up == nil || !standby.pg.standby || standby.pg.stopping || !w.reaches(standby, up) {
		return false
	}
	if !standby.pg.wal.startOf(up.pg.wal) {
		standby.pg.streaming = false
		return false
	}
	standby.pg.streaming = true
	behind := len(up.pg.wal) - len(standby.pg.wal)
	if behind > 0 {
		end := len(standby.pg.wal) + min(behind, limit)
		standby.pg.wal = slices.Clone(up.pg.wal[:end])
	}
	if len(standby.pg.wal) > 0 && up.pg.coming != nil {
		last := standby.pg.wal[len(standby.pg.wal)-1]
		if up.pg.known[standby.id] < last && up.pg.coming[standby.id] < last {
			up.pg.coming[standby.id] = last
			got = true
		}
	}
	return got || behind > 0
}

// deliver makes a primary read what its standbys have confirmed, and tell clients.
func (w *World) deliver(n *Node) (changed bool) {
	if !n.serves() {
		return false
	}
	for _, id := range sortedKeys(n.pg.coming) {
		if last := n.pg.coming[id]; last > n.pg.known[id] {
			n.pg.known[id] = last
			changed = true
		}
	}
	clear(n.pg.coming)
	w.acknowledge(n)
	return changed
}

// acknowledge tells clients of the commits for which enough standbys have been heard.
func (w *World) acknowledge(n *Node) {
	if !n.writable() {
		return
	}
	waiting := n.pg.pending[:0:0]
	for _, id := range n.pg.pending {
		if !n.satisfied(id) {
			waiting = append(waiting, id)
			continue
		}
		a := ack{record: id, node: n.id, late: w.replaced(n), safe: n.pg.names.number > 0 && promises(n.keeper.current)}
		w.acks = append(w.acks, a)
		w.stats.count(a)
	}
	n.pg.pending = waiting
}

// replaced says whether another node is the primary and serves.
func (w *World) replaced(n *Node) bool {
	row := w.look.primary()
	if row == nil || row.id == n.id {
		return false
	}
	p := w.node(row.id)
	return p != nil && !p.pg.standby && len(p.pg.wal) > 0
}

// promises says whether a commit that a node acknowledges in this state, under
// synchronous replication, is to survive a failover. In wait_primary names may be in
// effect that the node has not yet been found to satisfy.
func promises(s monitor.State) bool {
	switch s {
	case monitor.StateWaitPrimary, monitor.StatePreparePromotion, monitor.StateStopReplication, monitor.StateSingle:
		return false
	}
	return true
}

func (n *Node) satisfied(id int32) bool {
	count := 0
	for _, member := range n.pg.names.members {
		if n.pg.known[member] >= id {
			count++
		}
	}
	return count >= n.pg.names.number
}

// commit is a client's write. Where commits wait for nobody it is acknowledged.
func (w *World) commit(n *Node, kind recordKind) bool {
	if !n.writable() {
		return false
	}
	n.pg.pending = append(n.pg.pending, w.write(n, kind))
	w.acknowledge(n)
	return true
}

// ---- the monitor

func (w *World) environment(pid int) environment {
	e := environment{now: w.now, start: w.monitorStart, pid: pid}
	for _, id := range sortedKeys(w.conns) {
		if s := w.conns[id]; s.ends == 0 || s.ends > w.now {
			e.pids = append(e.pids, id)
		}
	}
	return e
}

// checkerPid is the session of the checker itself, which makes all calls that are
// not a keeper's.
const checkerPid = 1

// monitorCall runs a statement on the monitor, and checks what every call has to keep.
func (w *World) monitorCall(ctx context.Context, e environment, statement string, args ...any) (string, error) {
	w.now++ // no two transactions begin at the same moment
	e.now++
	before := w.look
	if w.trace != nil {
		w.trace.call(w, e, statement, args)
	}
	answer, after, err := w.db.call(ctx, e, statement, args...)
	if err != nil {
		return "", err
	}
	w.look = after
	if w.trace != nil {
		w.trace.after(after)
	}
	if w.db.failure != "" {
		return answer, violation("Evaluate", "%s", w.db.failure)
	}
	return answer, w.checkEvents(&before)
}

// ask runs a statement that only reads.
func (w *World) ask(ctx context.Context, statement string, args ...any) (string, error) {
	return w.db.ask(ctx, w.environment(checkerPid), statement, args...)
}

func sortedKeys[K int | int64, V any](m map[K]V) []K {
	return slices.Sorted(maps.Keys(m))
}
