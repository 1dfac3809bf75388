package keeper

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"pgaf/keeper/postgres"
	"pgaf/monitor"
)

const (
	heartbeat = time.Second // between two reports while nothing happens

	// callLimit bounds each call on the monitor, the connect included: a call
	// that hangs must not keep the next report from being sent elsewhere.
	callLimit = 5 * time.Second

	reconnectMin = 50 * time.Millisecond
	reconnectMax = time.Second

	// peersInterval is how often the other nodes are read again although no
	// notification says that they changed, and their slots looked at: a standby
	// moves them on, and one that somebody dropped, or that lost its WAL, is made anew.
	peersInterval = 10 * time.Second
)

// link is the keeper's one connection to the monitor: it listens, it reports, and
// it makes the calls of the actions. A wait for notifications is interrupted
// whenever there is something to say.
type link struct {
	n           *node
	answers     chan answer
	settings    chan sharedSettings
	settingsDue atomic.Bool
	told        []postgres.SettingUse // about settings, on this connection

	mu        sync.Mutex
	queue     []*call
	poked     bool
	stale     bool               // the connection is to be made anew
	interrupt context.CancelFunc // ends the present wait
	failure   error              // why there is no connection; nil: there is one
	shown     string             // activity that this connection shows
}

// answer is what came of one report.
type answer struct {
	monitor    string // identity of the monitor that gave it
	report     monitor.Report
	sent       instant
	seen       observation
	assignment monitor.Assignment
	peers      []monitor.PeerNode
	freshPeers bool // peers was read just now
	err        error
	taken      chan struct{} // closed once the executor has acted on it
}

// call is a call of an action that waits for the connection.
type call struct {
	ctx  context.Context
	f    func(context.Context, *monitor.Client) error
	done chan error
}

func newLink(n *node) *link {
	return &link{n: n, answers: make(chan answer), settings: make(chan sharedSettings), failure: errors.New("not connected yet")}
}

// poke makes the keeper report at once.
func (l *link) poke() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.poked = true
	if l.interrupt != nil {
		l.interrupt()
	}
}

// reset makes the link connect anew, to the monitor of the present configuration.
func (l *link) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stale = true
	if l.interrupt != nil {
		l.interrupt()
	}
}

func (l *link) takeStale() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	stale := l.stale
	l.stale = false
	return stale
}

// do runs f with the connection, and waits for one for a moment. A call that has
// begun is not abandoned: it has a deadline of its own.
func (l *link) do(ctx context.Context, f func(context.Context, *monitor.Client) error) error {
	if l.n.cfg().MonitorDisabled() {
		return errMonitorDisabled
	}
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	c := &call{ctx: ctx, f: f, done: make(chan error, 1)}
	l.mu.Lock()
	l.queue = append(l.queue, c)
	if l.interrupt != nil {
		l.interrupt()
	}
	l.mu.Unlock()
	select {
	case err := <-c.done:
		return err
	case <-ctx.Done():
	}
	if !l.withdraw(c) {
		return <-c.done
	}
	if failure := l.disconnected(); failure != nil {
		return failure
	}
	return ctx.Err()
}

// withdraw takes a call back that has not begun.
func (l *link) withdraw(c *call) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	i := slices.Index(l.queue, c)
	if i < 0 {
		return false
	}
	l.queue = slices.Delete(l.queue, i, i+1)
	return true
}

// disconnected says why there is no connection to the monitor.
func (l *link) disconnected() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.failure
}

func (l *link) setFailure(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failure = err
}

// run keeps the connection until ctx ends.
func (l *link) run(ctx context.Context) {
	pause := reconnectMin
	for ctx.Err() == nil {
		if l.n.cfg().MonitorDisabled() {
			l.idle(ctx)
			continue
		}
		client, identity, err := l.connect(ctx)
		if err == nil {
			l.setFailure(nil)
			pause = reconnectMin
			err = l.serve(ctx, client, identity)
			closing, cancel := context.WithTimeout(context.Background(), time.Second)
			client.Close(closing)
			cancel()
		}
		if ctx.Err() != nil || l.n.cfg().MonitorDisabled() {
			continue
		}
		l.setFailure(err)
		l.deliver(ctx, answer{err: err})
		sleep(ctx, pause/2+rand.N(pause))
		pause = min(2*pause, reconnectMax)
	}
}

// idle refuses all calls until the configuration may name a monitor again.
func (l *link) idle(ctx context.Context) {
	waiting, cancel := context.WithCancel(ctx)
	defer cancel()
	l.mu.Lock()
	l.failure, l.interrupt = errMonitorDisabled, cancel
	calls, stale := l.queue, l.stale
	l.queue, l.stale, l.poked = nil, false, false
	l.mu.Unlock()
	for _, c := range calls {
		c.done <- errMonitorDisabled
	}
	if !stale {
		<-waiting.Done()
	}
}

// sleep pauses a retry.
func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// deliver hands an answer to the executor and returns when it has acted on it: the
// next report must not promise what the answer has made an end of.
func (l *link) deliver(ctx context.Context, a answer) {
	a.taken = make(chan struct{})
	select {
	case l.answers <- a:
	case <-ctx.Done():
		return
	}
	select {
	case <-a.taken:
	case <-ctx.Done():
	}
}

// discard takes the answers that come after the executor has ended.
func (l *link) discard(ctx context.Context) {
	for {
		select {
		case a := <-l.answers:
			close(a.taken)
		case <-l.settings:
		case <-ctx.Done():
			return
		}
	}
}

func (l *link) connect(ctx context.Context) (client *monitor.Client, identity string, err error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	id := l.n.view().NodeID
	if client, err = connectMonitor(ctx, l.n.cfg(), monitor.KeeperName(id, "")); err != nil {
		return nil, "", err
	}
	l.shown, l.told = "", nil
	if err = client.Listen(ctx, monitor.ChannelState); err == nil {
		identity, err = client.Identity(ctx)
	}
	if err == nil {
		err = l.n.recognise(ctx, client, identity)
	}
	if err == nil {
		err = confirmUnknown(ctx, client, id, client.OpenSession(ctx, id))
	}
	if err != nil {
		client.Close(ctx)
		return nil, "", err
	}
	return client, identity, nil
}

// connectMonitor connects to a monitor of the right version.
func connectMonitor(ctx context.Context, cfg *Config, application string) (*monitor.Client, error) {
	client, err := monitor.Connect(ctx, cfg.MonitorURI(), monitor.WithApplicationName(application))
	if err != nil {
		return nil, err
	}
	if err := client.CheckVersion(ctx); err != nil {
		client.Close(ctx)
		return nil, err
	}
	return client, nil
}

// serve uses the connection until it breaks. Each round does what is most urgent:
// the calls of actions, then a report that is due, then the wait.
func (l *link) serve(ctx context.Context, client *monitor.Client, identity string) error {
	var next, peersAt instant // due at once
	for {
		if l.takeStale() {
			return errors.New("the configuration names another monitor")
		}
		if err := l.serveCalls(client); err != nil {
			return err
		}
		now := bootTime()
		if l.takePoke() || now >= next {
			next = now.add(heartbeat)
			freshPeers := now >= peersAt
			if err := l.report(ctx, client, identity, freshPeers); err != nil {
				return err
			}
			if freshPeers {
				peersAt = now.add(peersInterval)
			}
			continue
		}
		news, err := l.wait(ctx, client, next)
		if err != nil {
			return err
		}
		if news {
			next, peersAt = 0, 0
		}
	}
}

func (l *link) takePoke() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	poked := l.poked
	l.poked = false
	return poked
}

// serveCalls runs the waiting calls. The error is that of a broken connection.
func (l *link) serveCalls(client *monitor.Client) error {
	for {
		l.mu.Lock()
		if len(l.queue) == 0 {
			l.mu.Unlock()
			return nil
		}
		c := l.queue[0]
		l.queue = l.queue[1:]
		l.mu.Unlock()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(c.ctx), callLimit)
		err := c.f(ctx, client)
		cancel()
		c.done <- err
		if client.Closed() {
			return err
		}
	}
}

// report tells the monitor where this node is, and delivers the answer.
func (l *link) report(ctx context.Context, client *monitor.Client, identity string, freshPeers bool) error {
	a := answer{seen: l.n.observe(ctx), monitor: identity, freshPeers: freshPeers}
	a.report = l.n.compose(a.seen)
	a.sent = bootTime()
	call, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	a.assignment, a.err = client.NodeActive(call, a.report)
	if activity := l.n.activity.get(); a.err == nil && activity != l.shown {
		a.err = client.ShowActivity(call, a.report.NodeID, activity)
		l.shown = activity
	}
	if a.err == nil && freshPeers {
		a.peers, a.err = groupPeers(call, client, a.report)
	}
	if a.err == nil && l.n.wanted.Load() == nil {
		l.firstSettings(call, client)
	}
	a.err = confirmUnknown(call, client, a.report.NodeID, a.err)
	if a.err != nil {
		// Also an error that leaves the connection intact: the monitor refuses this
		// session when another one of this keeper counts as the newer, perhaps
		// because its open_session() was delivered late. Only a new session is
		// believed again. run delivers the error and connects anew.
		return a.err
	}
	l.deliver(ctx, a)
	if a.assignment.State != a.report.State || !freshPeers && !l.settingsDue.Swap(false) {
		return nil // settings have time
	}
	return l.deliverSettings(ctx, client)
}

// errUnknownNode means that the monitor has no such node.
var errUnknownNode = errors.New("the monitor does not know this node")

const sqlUndefinedObject = "42704"

// confirmUnknown makes sure that an error which may mean so does mean so: what
// follows from it cannot be taken back.
func confirmUnknown(ctx context.Context, client *monitor.Client, id int64, err error) error {
	if monitor.SQLState(err) != sqlUndefinedObject || client.Closed() {
		return err
	}
	if _, found, lookup := client.NodeByID(ctx, id); lookup != nil || found {
		return err
	}
	return fmt.Errorf("%w (%w)", errUnknownNode, err)
}

// groupPeers are the other nodes, at most one of them the primary: an old primary
// that fell silent still counts as one by what it reported last.
func groupPeers(ctx context.Context, client *monitor.Client, r monitor.Report) ([]monitor.PeerNode, error) {
	peers, err := client.OtherNodes(ctx, r.NodeID)
	if err != nil {
		return nil, err
	}
	primaries := 0
	for _, peer := range peers {
		if peer.IsPrimary {
			primaries++
		}
	}
	if primaries < 2 {
		return peers, nil
	}
	primary, err := client.Primary(ctx, r.Formation, r.GroupID)
	if err != nil {
		return nil, err
	}
	for i := range peers {
		peers[i].IsPrimary = peers[i].ID == primary.ID
	}
	return peers, nil
}

// wait waits for a notification of this group, a poke, a call, or the next
// heartbeat. news means that the group changed.
func (l *link) wait(ctx context.Context, client *monitor.Client, next instant) (news bool, err error) {
	waiting, cancel := context.WithTimeout(ctx, next.sub(bootTime()))
	defer cancel()
	l.mu.Lock()
	l.interrupt = cancel
	busy := l.poked || l.stale || len(l.queue) > 0
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		l.interrupt = nil
		l.mu.Unlock()
	}()
	if busy {
		return false, nil
	}
	channel, payload, err := client.WaitForNotification(waiting)
	if err != nil {
		if waiting.Err() != nil && !client.Closed() {
			return false, ctx.Err()
		}
		return false, err
	}
	return channel == monitor.ChannelState && l.concerns(payload), nil
}

// concerns says whether a notification is news about this node's group.
func (l *link) concerns(payload string) bool {
	news, err := monitor.ParseNotification(payload)
	if err != nil {
		return true // of another version: the report finds out
	}
	v := l.n.view()
	if news.Formation != l.n.cfg().Formation || news.GroupID != v.GroupID {
		return false
	}
	if news.Rule == "set_group_settings" {
		return true
	}
	// The echo of our own report.
	return news.NodeID != v.NodeID || news.Assigned != v.Assigned
}
