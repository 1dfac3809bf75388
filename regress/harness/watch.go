package harness

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// NodeState is one node as the monitor sees it.
type NodeState struct {
	ID       int64
	Name     string
	Address  string // host:port
	Reported string
	Assigned string
	Timeline int
	LSN      string
	Health   int
}

// Settled tells whether the node is, and shall be, in that state.
func (n NodeState) Settled(state string) bool { return n.Reported == state && n.Assigned == state }

// States are the nodes of the group by name.
type States map[string]NodeState

// String is one line: node_a primary, node_b catchingup → secondary.
func (s States) String() string {
	var nodes []string
	for _, name := range slices.Sorted(maps.Keys(s)) {
		n := s[name]
		text := n.Name + " " + n.Reported
		if n.Assigned != n.Reported {
			text += " → " + n.Assigned
		}
		switch n.Health {
		case 0:
			text += " (bad)"
		case -1:
			text += " (unchecked)"
		}
		nodes = append(nodes, text)
	}
	if len(nodes) == 0 {
		return "no node"
	}
	return strings.Join(nodes, ", ")
}

// Table is the group as a table for people.
func (s States) Table() string {
	var b strings.Builder
	row := "%8s | %18s | %14s | %13s | %13s\n"
	fmt.Fprintf(&b, row, "Name", "Host:Port", "TLI: LSN", "Reported", "Assigned")
	for _, name := range slices.Sorted(maps.Keys(s)) {
		n := s[name]
		fmt.Fprintf(&b, row, n.Name, n.Address, fmt.Sprintf("%d: %s", n.Timeline, n.LSN), n.Reported, n.Assigned)
	}
	return b.String()
}

// Want is a set of states to wait for: the node is settled in it.
type Want map[string]string

// Met tells whether all wanted nodes are settled.
func (w Want) Met(s States) bool {
	for name, state := range w {
		if n, known := s[name]; !known || !n.Settled(state) {
			return false
		}
	}
	return true
}

func (w Want) String() string {
	var nodes []string
	for _, name := range slices.Sorted(maps.Keys(w)) {
		nodes = append(nodes, name+" "+w[name])
	}
	return strings.Join(nodes, ", ")
}

// Watch follows the states of a formation through the monitor's notifications. It
// LISTENs first and reads the state after that, at each notification, and again after each
// reconnection, so that no change is missed while the monitor is away.
type Watch struct {
	uri  string
	dial pgconn.DialFunc
	stop context.CancelFunc
	done chan struct{}

	mu      sync.Mutex
	states  States
	err     error         // why it is not connected
	changed chan struct{} // closed at each change
	trail   []string      // every change seen, with its time
	started time.Time
}

// NewWatch starts to follow the formation "default" of the monitor at uri, from a host.
func NewWatch(uri string, host *Host) *Watch {
	ctx, stop := context.WithCancel(context.Background())
	w := &Watch{uri: uri, dial: host.Dial, stop: stop, done: make(chan struct{}), changed: make(chan struct{}), started: time.Now(), err: errors.New("not connected yet")}
	go func() {
		defer close(w.done)
		for ctx.Err() == nil {
			err := w.follow(ctx)
			w.set(nil, err)
			select { // a monitor that is down refuses at once; do not spin
			case <-ctx.Done():
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
	return w
}

// follow connects once and keeps the states current until the connection breaks.
func (w *Watch) follow(ctx context.Context) error {
	conn, err := connect(ctx, w.uri, w.dial, 2*time.Second)
	if err != nil {
		return err
	}
	defer closeConnection(conn)
	if _, err := conn.Exec(ctx, "LISTEN state"); err != nil {
		return err
	}
	for {
		states, err := readStates(ctx, conn)
		if err != nil {
			return err
		}
		w.set(states, nil)
		if _, err := conn.WaitForNotification(ctx); err != nil {
			return err
		}
	}
}

// set publishes new states, or the reason why there are none at the moment: then the
// last known ones stay.
func (w *Watch) set(states States, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.err = err
	if states != nil {
		if text := states.String(); w.states == nil || text != w.states.String() {
			w.trail = append(w.trail, fmt.Sprintf("%8.3fs  %s", time.Since(w.started).Seconds(), text))
		}
		w.states = states
	}
	close(w.changed)
	w.changed = make(chan struct{})
}

// States returns the last known states.
func (w *Watch) States() States {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.states
}

// Trail returns every distinct picture of the group so far, one line each.
func (w *Watch) Trail() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(w.trail, "\n")
}

// Until waits until the condition holds for the current states.
func (w *Watch) Until(ctx context.Context, what string, holds func(States) bool) error {
	started := time.Now()
	for {
		w.mu.Lock()
		states, err, changed := w.states, w.err, w.changed
		w.mu.Unlock()
		if err == nil && holds(states) {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			if err != nil {
				return fmt.Errorf("waited %.1f s for %s, but the monitor cannot be followed: %w", time.Since(started).Seconds(), what, err)
			}
			return fmt.Errorf("waited %.1f s for %s, but the group is: %s", time.Since(started).Seconds(), what, states)
		}
	}
}

// Close ends the watch.
func (w *Watch) Close() {
	w.stop()
	<-w.done
}

func readStates(ctx context.Context, conn *pgx.Conn) (States, error) {
	rows, err := conn.Query(ctx, `
		select node_id, nodename, nodehost || ':' || nodeport, current_group_state::text, assigned_group_state::text,
		       reported_tli, reported_lsn::text, health
		  from pgautofailover.current_state('default')`)
	if err != nil {
		return nil, err
	}
	states := States{}
	_, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (n NodeState, err error) {
		if err = row.Scan(&n.ID, &n.Name, &n.Address, &n.Reported, &n.Assigned, &n.Timeline, &n.LSN, &n.Health); err == nil {
			states[n.Name] = n
		}
		return n, err
	})
	return states, err
}

// Event is one row of the monitor's event table.
type Event struct {
	ID                 int64
	Time               time.Time
	Node               string
	Reported, Assigned string
	Rule, Description  string
}

func (e Event) String() string {
	return fmt.Sprintf("%5d %s %-8s %-17s → %-17s %-28s %s", e.ID, e.Time.Format("15:04:05.000"), e.Node, e.Reported, e.Assigned, e.Rule, e.Description)
}

// readEvents returns the events after the given one, oldest first.
func readEvents(ctx context.Context, conn *pgx.Conn, after int64) ([]Event, error) {
	rows, err := conn.Query(ctx, `
		select eventid, eventtime, nodename, reportedstate::text, goalstate::text, coalesce(rule, ''), coalesce(description, '')
		  from pgautofailover.event where eventid > $1 order by eventid`, after)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (e Event, err error) {
		err = row.Scan(&e.ID, &e.Time, &e.Node, &e.Reported, &e.Assigned, &e.Rule, &e.Description)
		return e, err
	})
}

// connect opens one connection through a host's network.
func connect(ctx context.Context, uri string, dial pgconn.DialFunc, timeout time.Duration) (*pgx.Conn, error) {
	config, err := pgx.ParseConfig(uri)
	if err != nil {
		return nil, err
	}
	config.ConnectTimeout = timeout
	config.DialFunc = dial
	return pgx.ConnectConfig(ctx, config)
}

// closeConnection says goodbye, but does not wait for a server that cannot answer.
func closeConnection(conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = conn.Close(ctx)
}
