package model

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"pgaf/monitor"
)

// Config is a group and what may happen to it.
type Config struct {
	Nodes      int // at the start, and at most
	NumberSync int
	Priority   []int // by node
	Quorum     []bool

	Faults    float64 // how much of a run is faults
	Operators float64 // and how much is operators' calls
}

func (c Config) String() string {
	text := fmt.Sprintf("%d nodes, number_sync_standbys %d", c.Nodes, c.NumberSync)
	for i := range c.Nodes {
		if c.Priority[i] == 50 && c.Quorum[i] {
			continue
		}
		text += fmt.Sprintf("; node %d priority %d", i+1, c.Priority[i])
		if !c.Quorum[i] {
			text += " not in the quorum"
		}
	}
	return text
}

// key is the same for all configurations of the same group.
func (c Config) key() string { return c.String() }

// newWorld empties the database and starts with no node.
func newWorld(ctx context.Context, db *Monitor, c Config, stats *Stats) (*World, error) {
	if err := db.reset(ctx, c.NumberSync); err != nil {
		return nil, err
	}
	return &World{
		db: db, now: 1000_000, nextNode: 1, nextConn: 1000, config: c, stats: stats,
		cut: map[link]bool{}, conns: map[int]*session{}, lossy: map[int32]bool{}, serving: map[int64]int32{},
		chosenBy: map[int64]string{},
	}, nil
}

// bringUp are the steps that make the group: each node registers when those before
// have settled.
func bringUp(c Config) []Step {
	var steps []Step
	for i := range c.Nodes {
		value := int64(2 * c.Priority[i])
		if c.Quorum[i] {
			value++
		}
		steps = append(steps, Step{Kind: Register, Value: value}, Step{Kind: Settle})
	}
	return append(steps, Step{Kind: SetNumberSync, Value: int64(c.NumberSync)}, Step{Kind: Settle})
}

// RandomConfig draws a group: of so many nodes, or, for 0, of one to four.
func RandomConfig(r *rand.Rand, nodes int) Config {
	if nodes == 0 {
		nodes = []int{1, 2, 2, 2, 3, 3, 3, 3, 4}[r.IntN(9)]
	}
	c := Config{Nodes: nodes, Faults: 0.03 + 0.2*r.Float64(), Operators: 0.06 * r.Float64()}
	for i := range nodes {
		priority := 50
		if i > 0 && r.IntN(5) == 0 {
			priority = []int{0, 10, 100}[r.IntN(3)]
		}
		c.Priority = append(c.Priority, priority)
		c.Quorum = append(c.Quorum, i == 0 || r.IntN(4) > 0)
	}
	standbys := 0
	for _, quorum := range c.Quorum[1:] {
		if quorum {
			standbys++
		}
	}
	// As many as the setter allows.
	c.NumberSync = min(r.IntN(3), max(standbys-1, 0))
	if r.IntN(3) == 0 {
		c.Operators = 0
	}
	return c
}

// walker draws the steps of one run. Each run has its own inclinations: what goes wrong only while one thing is rare and
// another frequent is hardly ever met by runs that all draw alike.
type walker struct {
	rand      *rand.Rand
	world     *World
	queue     []Step
	faults    []Kind // that happen in this run
	operators []Kind
	victim    int64          // a node that is picked more often
	slow      map[chore]bool // what hardly ever gets its turn
}

// chore is what a node does by itself.
type chore struct {
	kind Kind
	node int64
}

// paced are the kinds of steps of which a node may be slow.
var paced = []Kind{Work, Report, Take, Execute, Receive, Deliver, Health, Witness}

func newWalker(r *rand.Rand, w *World) *walker {
	g := &walker{rand: r, world: w, faults: some(r, faultKinds), operators: some(r, operatorKinds), slow: map[chore]bool{}}
	if len(w.nodes) == 0 {
		return g
	}
	if r.IntN(2) == 0 {
		g.victim = w.nodes[r.IntN(len(w.nodes))].id
	}
	for _, n := range w.nodes {
		for _, kind := range paced {
			if r.IntN(6) == 0 {
				g.slow[chore{kind, n.id}] = true
			}
		}
	}
	return g
}

// some leaves out about half of the kinds, and now and then none.
func some(r *rand.Rand, all []Kind) []Kind {
	if r.IntN(3) == 0 {
		return all
	}
	out := map[Kind]bool{}
	for _, kind := range kinds {
		out[kind] = r.IntN(2) == 0
	}
	rest := slices.DeleteFunc(slices.Clone(all), func(k Kind) bool { return out[k] })
	if len(rest) == 0 {
		return all
	}
	return rest
}

// score says how much may go wrong from here: commits that were promised and are not
// everywhere, and decisions under way.
func (w *World) score() int {
	score := 0
	for _, a := range w.acks {
		if a.safe && !a.lost && slices.ContainsFunc(w.nodes, func(n *Node) bool {
			return w.look.node(n.id) != nil && len(n.pg.wal) > 0 && !n.pg.wal.contains(a.record)
		}) {
			score = 3
		}
	}
	if w.look.primary() == nil {
		score += 2
	}
	if strings.Count(w.look.group.syncSets, "(") > 1 {
		score += 2
	}
	for _, n := range w.nodes {
		if n.keeper.job != nil || n.keeper.dirty {
			score++
		}
	}
	return score
}

// next draws a step: mostly what the group does by itself.
func (g *walker) next() Step {
	if len(g.queue) > 0 {
		s := g.queue[0]
		g.queue = g.queue[1:]
		return s
	}
	c := g.world.config
	switch p := g.rand.Float64(); {
	case p < c.Faults:
		return g.fault()
	case p < c.Faults+c.Operators:
		return g.operator()
	case p < c.Faults+c.Operators+0.15:
		return g.client()
	case p < c.Faults+c.Operators+0.25:
		return g.time()
	}
	if len(g.world.nodes) > 0 && g.rand.IntN(25) == 0 {
		return Step{Kind: Turn, Node: g.pick()}
	}
	useful := g.world.useful(g.rand)
	if patient := g.rand.IntN(20) > 0; patient {
		useful = slices.DeleteFunc(useful, func(s Step) bool { return g.slow[chore{s.Kind, s.Node}] })
	}
	if len(useful) == 0 {
		return g.time()
	}
	if g.rand.IntN(40) == 0 {
		return Step{Kind: Explain}
	}
	return g.disturbed(useful[g.rand.IntN(len(useful))])
}

// disturbed makes some steps take the long way.
func (g *walker) disturbed(s Step) Step {
	switch {
	case s.Kind == Report && g.rand.IntN(8) == 0:
		s.Kind = Send
	case s.Kind == Receive && g.rand.IntN(4) == 0:
		s.Kind = Trickle
	case s.Kind == Work && g.rand.IntN(6) == 0:
		s.Value = 1
	}
	return s
}

func (g *walker) pick() int64 {
	if len(g.world.nodes) == 0 {
		return 1
	}
	if g.victim != 0 && g.rand.IntN(3) == 0 {
		return g.victim
	}
	// The primary is where it hurts.
	if p := g.world.look.primary(); p != nil && g.rand.IntN(3) == 0 {
		return p.id
	}
	return g.world.nodes[g.rand.IntN(len(g.world.nodes))].id
}

func (g *walker) client() Step {
	var writable []int64
	for _, n := range g.world.nodes {
		if n.writable() {
			writable = append(writable, n.id)
		}
	}
	if len(writable) == 0 {
		return Step{Kind: Tick}
	}
	kind := Write
	if g.rand.IntN(40) == 0 {
		kind = Bulk
	}
	return Step{Kind: kind, Node: writable[g.rand.IntN(len(writable))]}
}

func (g *walker) time() Step {
	switch g.rand.IntN(12) {
	case 0:
		return Step{Kind: Pass, Value: []int64{3000, 6000, 12_000, 31_000}[g.rand.IntN(4)]}
	case 1, 2, 3:
		return Step{Kind: Pass, Value: 500}
	case 4:
		return Step{Kind: Tick}
	case 5:
		return Step{Kind: Health, Node: g.pick()}
	case 6:
		g.notice()
	}
	g.calmSecond()
	return Step{Kind: Pass, Value: 1000}
}

// calmSecond: whoever can reports.
func (g *walker) calmSecond() {
	for _, n := range g.world.nodes {
		if g.world.canReport(n) {
			g.queue = append(g.queue, Step{Kind: Report, Node: n.id})
		}
	}
	g.queue = append(g.queue, Step{Kind: Tick})
}

// notice: the monitor's service looks at all nodes, and silence has lasted.
func (g *walker) notice() {
	for range 2 {
		for _, n := range g.world.nodes {
			g.queue = append(g.queue, Step{Kind: Health, Node: n.id})
		}
	}
	for range 3 {
		g.queue = append(g.queue, Step{Kind: Pass, Value: 1000})
		g.calmSecond()
	}
}

var faultKinds = []Kind{Crash, Freeze, KillKeeper, KillPostgres, KillPostgres, Break, Cut, Cut, Cut, GiveUp, Send, WrongHealth, WrongHealth, Restart, Execute}

var remedies = []Kind{Boot, Thaw, StartKeeper, Repair, Heal, Heal}

// fault draws a fault, or the end of one: the more there are the more likely.
func (g *walker) fault() Step {
	w := g.world
	active := len(w.cut)
	for _, n := range w.nodes {
		if !n.up || n.frozen || n.pg.broken || !n.keeper.alive && !n.keeper.exited {
			active++
		}
	}
	if active > 0 && g.rand.IntN(3+len(w.nodes)) < active {
		if s, found := g.remedy(); found {
			return s
		}
	}
	if g.rand.IntN(6) == 0 && slices.Contains(g.faults, Cut) && len(w.nodes) > 1 {
		return g.isolate()
	}
	s := Step{Kind: g.faults[g.rand.IntN(len(g.faults))], Node: g.pick()}
	switch s.Kind {
	case Cut:
		s.Other = g.otherEnd(s.Node)
	case WrongHealth:
		s.Value = int64(g.rand.IntN(len(wrongSigns)))
	case Execute:
		s.Value = int64(g.rand.IntN(2))
	}
	if g.rand.IntN(3) == 0 {
		g.notice()
	}
	return s
}

// isolate cuts a machine off from all others.
func (g *walker) isolate() Step {
	id := g.pick()
	for _, n := range g.world.nodes {
		if n.id != id {
			g.queue = append(g.queue, Step{Kind: Cut, Node: id, Other: n.id})
		}
	}
	if g.rand.IntN(2) == 0 {
		g.notice()
	}
	return Step{Kind: Cut, Node: id, Other: monitorHost}
}

func (g *walker) otherEnd(id int64) int64 {
	if g.rand.IntN(2) == 0 {
		return monitorHost
	}
	other := g.world.nodes[g.rand.IntN(len(g.world.nodes))].id
	if other == id {
		return monitorHost
	}
	return other
}

func (g *walker) remedy() (Step, bool) {
	var ends []Step
	for _, l := range g.world.cuts() {
		ends = append(ends, Step{Kind: Heal, Node: l.a, Other: l.b})
	}
	for _, n := range g.world.nodes {
		for _, kind := range remedies {
			if kind != Heal && g.world.ails(n, kind) {
				ends = append(ends, Step{Kind: kind, Node: n.id})
			}
		}
	}
	if len(ends) == 0 {
		return Step{}, false
	}
	return ends[g.rand.IntN(len(ends))], true
}

// ails says whether a remedy is one for a node.
func (w *World) ails(n *Node, remedy Kind) bool {
	switch remedy {
	case Boot:
		return !n.up
	case Thaw:
		return n.frozen
	case StartKeeper:
		return n.up && !n.keeper.alive && !n.keeper.exited
	case Repair:
		return n.pg.broken
	}
	return false
}

func (w *World) cuts() []link {
	var links []link
	for l := range w.cut {
		links = append(links, l)
	}
	slices.SortFunc(links, func(x, y link) int {
		if x.a != y.a {
			return int(x.a - y.a)
		}
		return int(x.b - y.b)
	})
	return links
}

var operatorKinds = []Kind{Failover, Failover, Failover, Promote, Promote, LossyFailover, StartMaintain, StartMaintain, StopMaintain, StopMaintain,
	Remove, ForceRemove, SetPriority, SetQuorum, SetQuorum, SetNumberSync, SetNumberSync, Register, Register}

func (g *walker) operator() Step {
	s := Step{Kind: g.operators[g.rand.IntN(len(g.operators))], Node: g.pick()}
	switch s.Kind {
	case SetPriority:
		s.Value = []int64{0, 50, 100}[g.rand.IntN(3)]
	case SetQuorum:
		s.Value = int64(g.rand.IntN(2))
	case SetNumberSync:
		s.Value = int64(g.rand.IntN(3))
	case Register:
		s.Value = int64(100 + g.rand.IntN(2))
	}
	return s
}

// useful are the steps that the group would take by itself now.
func (w *World) useful(r *rand.Rand) []Step {
	var steps []Step
	add := func(kind Kind, id int64) { steps = append(steps, Step{Kind: kind, Node: id}) }
	for _, n := range w.nodes {
		k := &n.keeper
		if n.acts() {
			if k.job != nil {
				add(Work, n.id)
			} else if _, found := w.wanted(n); found {
				add(Work, n.id)
				add(Work, n.id)
			}
			if w.canReport(n) && w.worthReporting(n) {
				add(Report, n.id)
				add(Report, n.id)
			}
			if k.waiting != nil && k.waiting.answered {
				add(Take, n.id)
			}
			if w.wantsWitness(n) {
				add(Witness, n.id)
			}
		}
		if up := w.node(n.pg.upstream); up != nil && n.pg.standby && w.reaches(n, up) && w.hasNews(n, up) {
			add(Receive, n.id)
			add(Receive, n.id)
		}
		if len(n.pg.coming) > 0 && n.serves() {
			add(Deliver, n.id)
		}
		if row := w.look.node(n.id); row != nil && w.healthDiffers(n, row) && (r == nil || r.IntN(3) == 0) {
			add(Health, n.id)
		}
	}
	for _, c := range w.calls {
		add(Execute, c.node)
	}
	return steps
}

// hasNews says whether a standby has something to receive, or to confirm.
func (w *World) hasNews(n, up *Node) bool {
	if !n.pg.streaming || len(n.pg.wal) < len(up.pg.wal) {
		return n.pg.wal.startOf(up.pg.wal)
	}
	last := n.pg.wal[len(n.pg.wal)-1]
	return max(up.pg.known[n.id], up.pg.coming[n.id]) < last
}

func (w *World) worthReporting(n *Node) bool {
	k := &n.keeper
	row := w.look.node(n.id)
	return row == nil || row.goal != k.assigned || !k.contacted || w.compose(n) != k.told || w.sessionGone(n)
}

func (w *World) sessionGone(n *Node) bool {
	s := w.conns[n.keeper.conn]
	return s == nil || s.ends != 0
}

func (w *World) wantsWitness(n *Node) bool {
	k := &n.keeper
	if !w.linked(n.id, monitorHost) || k.conn == 0 || !followsPrimary(k.current) || !followsPrimary(k.assigned) {
		return false
	}
	up := w.node(n.pg.upstream)
	return up != nil && k.witnessed != (up.up && up.pg.running && w.linked(n.id, up.id) && (k.witnessed || !up.frozen))
}

func (w *World) healthDiffers(n *Node, row *nodeRow) bool {
	alive := w.linked(n.id, monitorHost) && n.serves()
	switch row.reported {
	case monitor.StateMaintenance:
		return false
	}
	return alive && row.health != 1 || !alive && row.health != 0
}
