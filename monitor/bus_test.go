package monitor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// follower runs a bus and keeps what it delivered.
type follower struct {
	*Bus
	t      *testing.T
	events []Event
	resets int
	nodes  []Node
	errs   []error
}

func follow(t *testing.T, bus *Bus) *follower {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- bus.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return &follower{Bus: bus, t: t}
}

// until takes updates in until one makes done true.
func (f *follower) until(what string, done func(Update) bool) Update {
	f.t.Helper()
	timeout := time.After(30 * time.Second)
	for {
		select {
		case u, open := <-f.Updates():
			if !open {
				f.t.Fatalf("the bus ended before: %s", what)
			}
			f.take(u)
			if done(u) {
				return u
			}
		case <-timeout:
			f.t.Fatalf("not seen within 30 s: %s; %d events, errors %v", what, len(f.events), f.errs)
		}
	}
}

func (f *follower) take(u Update) {
	if u.Reset {
		f.resets++
		f.events = nil
	}
	f.events = append(f.events, u.Events...)
	if u.Nodes != nil {
		f.nodes = u.Nodes
	}
	if u.Err != nil {
		f.errs = append(f.errs, u.Err)
	}
}

func (f *follower) untilEvent(id int64) {
	f.t.Helper()
	has := func() bool { return slices.ContainsFunc(f.events, func(e Event) bool { return e.ID == id }) }
	if !has() {
		f.until(fmt.Sprintf("event %d", id), func(Update) bool { return has() })
	}
}

// complete compares what was delivered with table event, after the id low.
func (f *follower) complete(c *Client, low int64, formation string) {
	f.t.Helper()
	want, err := c.EventsSince(f.t.Context(), low, formation)
	if err != nil {
		f.t.Fatal(err)
	}
	last := map[string]int64{}
	seen := map[int64]int{}
	for _, e := range f.events {
		key := fmt.Sprintf("%s/%d", e.Formation, e.GroupID)
		if e.ID <= last[key] {
			f.t.Errorf("event %d of %s after %d", e.ID, key, last[key])
		}
		last[key] = e.ID
		seen[e.ID]++
	}
	for _, e := range want {
		if seen[e.ID] != 1 {
			f.t.Errorf("event %d was delivered %d times", e.ID, seen[e.ID])
		}
		delete(seen, e.ID)
	}
	for id := range seen {
		if id > low {
			f.t.Errorf("event %d does not exist", id)
		}
	}
}

// formations makes several formations with a node each, and returns the names.
func formations(t *testing.T, c *Client, count int) []string {
	t.Helper()
	var names []string
	for i := range count {
		name := fmt.Sprintf("f%d", i)
		if _, err := c.CreateFormation(t.Context(), Formation{ID: name, Kind: "pgsql", Database: "postgres", OptSecondary: true}); err != nil {
			t.Fatal(err)
		}
		r := NewRegistration(name, "h"+name, 5432, "postgres")
		r.Name, r.SystemIdentifier = "n", sysid
		if _, err := c.Register(t.Context(), r, nil); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	return names
}

// touch causes one event.
func touch(t *testing.T, c *Client, formation, region string) {
	t.Helper()
	if _, err := c.SetNodeRegion(t.Context(), formation, "n", region); err != nil {
		t.Error(err)
	}
}

func newestEvent(t *testing.T, c *Client) int64 {
	t.Helper()
	list, err := c.LastEvents(t.Context(), "", nil, 1)
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	return list[0].ID
}

// Every event is delivered exactly once, although the bus's backend is killed
// again and again while they are made.
func TestBusMissesAndRepeatsNothing(t *testing.T) {
	s := sharedServer(t)
	uri, database := s.newMonitor(t)
	c := open(t, uri)
	names := formations(t, c, 3)
	f := follow(t, NewBus(uri, "", nil).WithOptions(WithApplicationName("the bus")))
	f.until("connected", func(u Update) bool { return u.Connected })

	const kills = 3
	var killed atomic.Int64
	var producers sync.WaitGroup
	for _, name := range names {
		own := open(t, uri)
		producers.Go(func() {
			for i := 0; i < 300 || killed.Load() < kills && !t.Failed(); i++ {
				touch(t, own, name, fmt.Sprintf("r%d", i))
			}
			touch(t, own, name, "last")
		})
	}
	stop := make(chan struct{})
	var killer sync.WaitGroup
	admin := s.connect(t, database)
	killer.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			var n int64
			err := admin.QueryRow(context.Background(), `SELECT count(*) FROM pg_stat_activity, pg_terminate_backend(pid)
				WHERE application_name = 'the bus' AND datname = current_database()`).Scan(&n)
			if err != nil {
				t.Error(err)
			}
			killed.Add(n)
		}
	})
	producers.Wait()
	close(stop)
	killer.Wait()
	f.untilEvent(newestEvent(t, c))
	f.complete(c, 0, "")
	t.Logf("%d events, killed %d times, %d disconnections seen", len(f.events), killed.Load(), len(f.errs))
	if f.resets != 1 {
		t.Errorf("%d resets", f.resets)
	}
	if len(f.nodes) != 3 || f.nodes[2].Region != "last" {
		t.Errorf("nodes: %+v", f.nodes)
	}
}

// Groups decide at the same time, so a lower event id may commit later.
func TestBusDeliversLateCommits(t *testing.T) {
	s := sharedServer(t)
	uri, database := s.newMonitor(t)
	c := open(t, uri)
	names := formations(t, c, 2)
	f := follow(t, NewBus(uri, "", nil).WithOptions(WithApplicationName("the late bus")))
	f.until("connected", func(u Update) bool { return u.Connected })
	slow := open(t, uri)
	admin := s.connect(t, database)
	for round, kill := range []bool{false, true} {
		tx, err := slow.Conn().Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		touch(t, slow, names[0], fmt.Sprintf("slow%d", round)) // has its id, is not committed
		touch(t, c, names[1], fmt.Sprintf("fast%d", round))
		f.untilEvent(newestEvent(t, c))
		if kill {
			if _, err := admin.Exec(t.Context(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
				WHERE application_name = 'the late bus'`); err != nil {
				t.Fatal(err)
			}
		}
		if err := tx.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
		f.until("the late event", func(Update) bool { return f.nodes[0].Region == fmt.Sprintf("slow%d", round) })
	}
	f.complete(c, 0, "")
}

// The order within a group holds although an event of another group, of an id
// between two of it, is known first.
func TestFeedKeepsTheOrderOfAGroup(t *testing.T) {
	s := sharedServer(t)
	uri, _ := s.newMonitor(t)
	c, slow := open(t, uri), open(t, uri)
	names := formations(t, c, 2)
	feed := NewFeed("", nil)
	first, err := feed.Attach(t.Context(), open(t, uri))
	if err != nil {
		t.Fatal(err)
	}
	begun := first.Events[len(first.Events)-1].ID

	tx, err := slow.Conn().Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	touch(t, slow, names[0], "a") // has its id, is not committed
	touch(t, c, names[1], "b")
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	touch(t, c, names[0], "c")

	var order []int64
	for len(order) < 3 {
		u, err := feed.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range u.Events {
			order = append(order, e.ID-begun)
		}
	}
	if !slices.Equal(order, []int64{2, 1, 3}) {
		t.Errorf("delivered %d, committed 2, 1, 3", order)
	}
}

func TestBusSurvivesARestart(t *testing.T) {
	s := startServer(t, serverOptions{})
	uri, _ := s.newMonitor(t)
	c := open(t, uri)
	name := formations(t, c, 1)[0]
	f := follow(t, NewBus(uri, name, nil))
	f.until("connected", func(u Update) bool { return u.Connected && len(u.Formations) == 1 && len(u.Nodes) == 1 })
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGQUIT} {
		closeQuietly(c)
		s.stop(signal)
		down := f.until("disconnected", func(u Update) bool { return !u.Connected && refused(u.Err) })
		t.Log(down.Err)
		if err := s.start(); err != nil {
			t.Fatal(err)
		}
		c = open(t, uri)
		touch(t, c, name, "after "+signal.String())
		f.untilEvent(newestEvent(t, c))
	}
	f.complete(c, 0, name)
}

func refused(err error) bool {
	var connectErr *ConnectError
	return errors.As(err, &connectErr) && strings.Contains(err.Error(), "connection refused")
}

// A consumer that reads late gets everything, in one update.
func TestBusOfASlowConsumer(t *testing.T) {
	s := sharedServer(t)
	uri, _ := s.newMonitor(t)
	c := open(t, uri)
	name := formations(t, c, 1)[0]
	bus := NewBus(uri, name, nil)
	f := follow(t, bus)
	f.until("connected", func(u Update) bool { return u.Connected })
	feed := NewFeed(name, nil) // tells when the bus must have got them, too
	own := open(t, uri)
	if _, err := feed.Attach(t.Context(), own); err != nil {
		t.Fatal(err)
	}
	for i := range 200 {
		touch(t, c, name, fmt.Sprintf("r%d", i))
	}
	for newest := newestEvent(t, c); !feed.seen.has(newest); {
		if _, err := feed.Next(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	f.untilEvent(newestEvent(t, c))
	f.complete(c, 0, name)
}

func TestBusFilters(t *testing.T) {
	s := sharedServer(t)
	uri, _ := s.newMonitor(t)
	c := open(t, uri)
	names := formations(t, c, 2)
	group := 0
	f := follow(t, NewBus(uri, names[1], &group))
	none := 7
	g := follow(t, NewBus(uri, names[1], &none).RefreshEvery(10*time.Millisecond))
	f.until("connected", func(u Update) bool { return u.Connected })
	g.until("connected", func(u Update) bool { return u.Connected })
	touch(t, c, names[0], "x")
	touch(t, c, names[1], "y")
	f.untilEvent(newestEvent(t, c))
	f.complete(c, 0, names[1])
	if len(f.nodes) != 1 || f.nodes[0].Formation != names[1] {
		t.Errorf("%+v", f.nodes)
	}
	g.until("refreshed", func(u Update) bool { return u.Nodes != nil })
	if len(g.events) != 0 || len(g.nodes) != 0 {
		t.Errorf("group 7: %+v %+v", g.events, g.nodes)
	}
}

// Positions change without an event.
func TestBusRefreshes(t *testing.T) {
	s := sharedServer(t)
	uri, _ := s.newMonitor(t)
	c := open(t, uri)
	group := newGroup(t, c, "default")
	id := group.join("h", 1)
	group.settle()
	f := follow(t, NewBus(uri, "default", nil).RefreshEvery(20*time.Millisecond).WithChannels(ChannelLog))
	f.until("connected", func(u Update) bool { return u.Connected })
	group.nodes[id].LSN = 0x7654321
	group.settle()
	f.until("the position", func(u Update) bool { return len(f.nodes) == 1 && f.nodes[0].LSN == 0x7654321 })
	if err := c.exec(t.Context(), "notify", `SELECT pg_notify('log', 'hello'), pg_notify('state', 'nonsense')`); err != nil {
		t.Fatal(err)
	}
	f.until("the message", func(u Update) bool { return slices.Contains(u.Messages, Message{"log", "hello"}) })
	if len(f.errs) > 0 {
		t.Error(f.errs)
	}
}

// A monitor that was created anew has another history: the consumer starts over.
func TestBusNoticesAnotherHistory(t *testing.T) {
	s := sharedServer(t)
	uri, database := s.newMonitor(t)
	c := open(t, uri)
	name := formations(t, c, 1)[0]
	for i := range 20 {
		touch(t, c, name, fmt.Sprintf("r%d", i))
	}
	f := follow(t, NewBus(uri, "", nil).WithOptions(WithApplicationName("the old bus")))
	f.untilEvent(newestEvent(t, c))
	s.exec(t, database, `DROP SCHEMA pgautofailover CASCADE`)
	conn := s.connect(t, database)
	if err := Install(t.Context(), conn, InstallOptions{NoFiles: true, Logger: slog.New(slog.DiscardHandler)}); err != nil {
		t.Fatal(err)
	}
	c = open(t, uri)
	name = formations(t, c, 1)[0]
	touch(t, c, name, "new")
	s.exec(t, database, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'the old bus'`)
	f.until("a reset", func(u Update) bool { return u.Reset })
	f.untilEvent(newestEvent(t, c))
	f.complete(c, 0, "")
}

func TestBusWithAnUnusableURI(t *testing.T) {
	bus := NewBus("postgres://u:s3cret@h:x/d", "", nil)
	if err := bus.Run(t.Context()); err == nil || strings.Contains(err.Error(), "s3cret") {
		t.Error(err)
	}
	if _, open := <-bus.Updates(); open {
		t.Error("delivered something")
	}
}
