package keeper

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"pgaf/keeper/postgres"
	"pgaf/monitor"
)

// witness is a standby's own replication connection to its primary. It carries
// nothing; that it breaks is the news, which the monitor hears at once. The
// walreceiver's connection could not be watched as closely.
type witness struct {
	n *node

	mu     sync.Mutex
	target postgres.Upstream // zero: nothing to watch
	change chan struct{}     // closed when target changes

	// What the monitor is told of.
	connected bool // our connection holds
	stalled   bool // but Postgres receives nothing from there
	toldLoss  bool // the last that it was told is that we do not receive
}

func newWitness(n *node) *witness {
	return &witness{n: n, change: make(chan struct{})}
}

// follow sets the node to watch. A connection that ends because of that is no news.
func (w *witness) follow(u postgres.Upstream) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if u == w.target {
		return
	}
	w.target = u
	close(w.change)
	w.change = make(chan struct{})
}

func (w *witness) wanted() (postgres.Upstream, <-chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.target, w.change
}

// stall notes whether the standby receives what the primary writes. One that does
// not, although the primary answers us, is as good as cut off, for a reason of its own,
// say a full disk: after replication_stall_timeout the monitor lets commits go on without it.
func (w *witness) stall(stalled bool) {
	w.mu.Lock()
	stalled = stalled && w.connected
	changed := w.stalled != stalled
	w.stalled = stalled
	w.mu.Unlock()
	switch {
	case !changed:
		return
	case stalled:
		w.n.log.Warn("this standby receives nothing from the primary, although that answers; the monitor is told")
	default:
		w.n.log.Info("the standby is no longer stalled")
	}
	w.n.background.Go(func() { w.tell(w.n.life) })
}

const (
	witnessPatience = 3 * time.Second // for one attempt to connect
	witnessRetryMin = 100 * time.Millisecond
	witnessRetryMax = 2 * time.Second
)

// absolve takes back a break that was reported while this node was a standby: it is
// the primary now.
func (w *witness) absolve() {
	w.n.background.Go(func() { w.report(w.n.life, func() bool { return true }) })
}

// run watches until ctx ends.
func (w *witness) run(ctx context.Context) {
	broken := true // the monitor may remember a break that the keeper before us reported
	pause := witnessRetryMin
	for ctx.Err() == nil {
		target, change := w.wanted()
		if target.Host == "" {
			select {
			case <-change:
			case <-ctx.Done():
			}
			continue
		}
		watching, cancel := context.WithCancel(ctx)
		stop := context.AfterFunc(closed(watching, change), cancel)
		connected := w.watch(watching, target, &broken)
		lost := watching.Err() == nil
		stop()
		cancel()
		if connected {
			pause = witnessRetryMin
		}
		if lost {
			sleep(ctx, pause/2+rand.N(pause))
			pause = min(2*pause, witnessRetryMax)
		}
	}
}

// closed is a context that ends when the channel is closed.
func closed(parent context.Context, c <-chan struct{}) context.Context {
	ctx, cancel := context.WithCancel(parent)
	go func() {
		defer cancel()
		select {
		case <-c:
		case <-parent.Done():
		}
	}()
	return ctx
}

// watch connects and blocks until the connection breaks or ctx ends, and tells the
// monitor what it finds.
func (w *witness) watch(ctx context.Context, target postgres.Upstream, broken *bool) (connected bool) {
	connecting, cancel := context.WithTimeout(ctx, witnessPatience)
	progress, err := postgres.OpenProgress(connecting, target)
	cancel()
	if err == nil {
		defer progress.Close()
		connected = true
		w.setConnected(true)
		if (*broken || w.lossTold()) && w.tell(ctx) {
			*broken = false
		}
		err = progress.Watch(ctx)
		w.setConnected(false)
	}
	if ctx.Err() != nil || *broken {
		return connected
	}
	w.n.log.Warn("lost the connection to the primary", "primary", target.String(), "error", err)
	*broken = true
	w.tell(ctx)
	w.reportLast(ctx)
	return connected
}

// Once its upstream is gone a standby soon has all it will ever get from it. The
// monitor waits for that position in a planned switchover.
const (
	lastPoll     = 10 * time.Millisecond
	lastPatience = 2 * time.Second
)

// reportLast reports whenever the received position moves, until the walreceiver has
// ended.
func (w *witness) reportLast(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, lastPatience)
	defer cancel()
	var last postgres.LSN
	for ctx.Err() == nil {
		seen := w.n.observe(ctx)
		ended := !seen.answers || seen.meta.Receiver.PID == 0
		if ended || seen.meta.LSN != last {
			last = seen.meta.LSN
			w.n.link.poke()
		}
		if ended {
			return
		}
		sleep(ctx, lastPoll)
	}
}

func (w *witness) setConnected(connected bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.connected = connected
}

// receives is whether this standby gets what the primary writes, as far as we know.
func (w *witness) receives() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.connected && !w.stalled
}

// tell tells the monitor whether this standby receives, as it is when its turn comes.
func (w *witness) tell(ctx context.Context) bool { return w.report(ctx, w.receives) }

func (w *witness) report(ctx context.Context, receives func() bool) bool {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	id := w.n.view().NodeID
	return w.n.link.do(ctx, func(ctx context.Context, c *monitor.Client) error {
		connected := receives()
		w.mu.Lock()
		w.toldLoss = !connected
		w.mu.Unlock()
		return c.ReportUpstream(ctx, id, connected)
	}) == nil
}

func (w *witness) lossTold() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.toldLoss
}
