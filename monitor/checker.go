package monitor

import (
	"context"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// checker runs one probe for each node whose Postgres should be running.
type checker struct {
	outbox    *outbox
	awareness Awareness
	current   atomic.Pointer[pace]

	ctx     context.Context // of the probes
	probes  map[int64]*runningProbe
	running sync.WaitGroup
}

type runningProbe struct {
	*probe
	cancel context.CancelFunc
}

// newChecker makes a checker whose probes end with ctx.
func newChecker(ctx context.Context, outbox *outbox) *checker {
	return &checker{outbox: outbox, ctx: ctx, probes: make(map[int64]*runningProbe)}
}

// setPace changes the settings of all probes from their next look on.
func (c *checker) setPace(p pace) { c.current.Store(&p) }

// sync starts and stops probes so that they match the nodes; nil stops all.
func (c *checker) sync(nodes []Node) {
	wanted := make(map[int64]Node, len(nodes))
	for _, n := range nodes {
		if expectsPostgres(n) {
			wanted[n.ID] = n
		}
	}
	for id, p := range c.probes {
		if n, ok := wanted[id]; !ok || n.Host != p.host || n.Port != p.port {
			p.cancel()
			delete(c.probes, id)
			c.outbox.forget(id)
		}
	}
	for id, n := range wanted {
		if c.probes[id] == nil {
			c.start(n)
		}
	}
}

func (c *checker) start(n Node) {
	ctx, cancel := context.WithCancel(c.ctx)
	report := func(now time.Time, v Verdict) {
		if ctx.Err() == nil {
			c.outbox.put(now, n.ID, v)
		}
	}
	p := newProbe(n.Host, n.Port, func() pace { return *c.current.Load() }, &c.awareness, report)
	c.probes[n.ID] = &runningProbe{p, cancel}
	// spread over the period, so that 2,000 nodes are not looked at in one instant
	offset := time.Duration(n.ID*7919%1000) * c.current.Load().period / 1000
	if len(c.probes) <= 20 {
		offset = 0
	}
	c.running.Go(func() { p.run(ctx, time.Now().Add(offset)) })
}

// look asks for an immediate look at the node in the payload of channel check.
func (c *checker) look(payload string) {
	id, err := strconv.ParseInt(payload, 10, 64)
	if err != nil {
		return // a stranger's NOTIFY
	}
	if p := c.probes[id]; p != nil {
		p.look()
	}
}

// wait returns when all probes have ended.
func (c *checker) wait() { c.running.Wait() }

// expectsPostgres reports whether a node's Postgres runs by design, so that
// looks at it mean something.
func expectsPostgres(n Node) bool {
	switch n.Reported {
	case StateInit, StateWaitStandby, StateDraining, StateDemoted, StateDemoteTimeout,
		StateDropped, StatePrepareMaintenance, StateMaintenance, StateUnknown:
		return false
	}
	return true
}
