package tui

import (
	"context"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/jackc/pglogrepl"

	"pgaf/monitor"
)

func TestWatchNeedsATerminal(t *testing.T) {
	if err := Watch(t.Context(), Options{URI: "postgres://127.0.0.1/x"}); !errors.Is(err, ErrNotTerminal) {
		t.Errorf("got %v, want ErrNotTerminal", err)
	}
}

func TestMonitorAddresses(t *testing.T) {
	for uri, want := range map[string]string{
		"postgres://autoctl_node:secret@10.0.0.1:5000/pg_auto_failover":     "10.0.0.1:5000",
		"postgres://10.0.0.1:5000,10.0.0.2:5001/x?sslmode=prefer":           "10.0.0.1:5000, 10.0.0.2:5001",
		"postgres://autoctl_node@[fd00::1]:5432/pg_auto_failover?sslmode=a": "",
		"host=/run/postgresql port=5433 sslmode=disable":                    "/run/postgresql:5433",
		"postgres://[fd00::1]:5432/pg_auto_failover":                        "[fd00::1]:5432",
	} {
		got, err := monitorAddresses(uri)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("monitorAddresses(%q) = %q, %v; want %q", uri, got, err, want)
		}
	}
}

// observed is a model whose frames a test can wait for.
type observed struct {
	model
	frames chan string
}

func (o observed) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	next, cmd := o.model.Update(msg)
	o.model = next.(model)
	o.frames <- text(o.model)
	return o, cmd
}

// frameWith returns the first frame from now on that has all of texts.
func frameWith(t *testing.T, frames <-chan string, texts ...string) string {
	t.Helper()
	last, timeout := "", time.After(30*time.Second)
	for {
		select {
		case last = <-frames:
		case <-timeout:
			t.Fatalf("no frame with %q; the last one is\n%s", texts, last)
		}
		missing := false
		for _, text := range texts {
			missing = missing || !strings.Contains(last, text)
		}
		if !missing {
			return last
		}
	}
}

// TestWatchFollowsARealMonitor registers a node, changes its state, restarts
// the monitor and reads each of it from the screen.
func TestWatchFollowsARealMonitor(t *testing.T) {
	if _, err := exec.LookPath(pgBin + "/initdb"); err != nil {
		t.Skip(err)
	}
	s := startMonitor(t)
	uri := s.uri("autoctl_node", "pg_auto_failover")
	register := monitor.NewRegistration("default", "127.0.0.1", 6001, "postgres")
	register.Name, register.SystemIdentifier = "node1", 7

	bus := monitor.NewBus(uri, "default", nil).RefreshEvery(100 * time.Millisecond)
	m := newModel(bus.Updates(), target{Formation: "default", monitor: "the monitor"}, false, time.Now())
	frames := make(chan string, 10000)
	keyboard, typed := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		ended <- run(t.Context(), bus, observed{m, frames}, tea.WithInput(keyboard), tea.WithOutput(io.Discard), tea.WithWindowSize(160, 24))
	}()
	frameWith(t, frames, "No node is registered here yet", "Sync Standbys: 0", "connected")

	node := joined(t, uri, register)
	frameWith(t, frames, "node1", "127.0.0.1:6001", "node1 waits", "init>", "single")
	node.report(monitor.StateSingle, 0x3000148)
	frameWith(t, frames, "* node1", "read-write ?", "node_active")
	node.report(monitor.StateSingle, 0x4000000)
	frameWith(t, frames, "1: 0/4000000") // no event: seen by reading again

	node.close()
	s.stop(t)
	frameWith(t, frames, "STALE since", "node1", "1: 0/4000000")
	s.start(t)
	frameWith(t, frames, "the monitor, connected", "node1")

	register.Port, register.Name = 6002, "node2"
	joined(t, uri, register).close()
	frameWith(t, frames, "node2", "127.0.0.1:6002", "wait_standby")

	if _, err := typed.Write([]byte("q")); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("quit by key: %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("key q does not end the program")
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	bus := monitor.NewBus("postgres://127.0.0.1:1/nowhere", "default", nil)
	m := newModel(bus.Updates(), target{}, false, time.Now())
	frames := make(chan string, 10000)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	keyboard, _ := io.Pipe()
	go func() {
		ended <- run(ctx, bus, observed{m, frames}, tea.WithInput(keyboard), tea.WithOutput(io.Discard), tea.WithWindowSize(160, 24))
	}()
	frameWith(t, frames, "not connected")
	cancel()
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("ended by its context: %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("goes on after its context ended")
	}
}

// keeper plays the keeper of one node.
type keeper struct {
	t      *testing.T
	client *monitor.Client
	last   monitor.Report
}

func joined(t *testing.T, uri string, r monitor.Registration) *keeper {
	t.Helper()
	client, err := monitor.Connect(t.Context(), uri)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := client.Register(t.Context(), r, nil)
	if err != nil {
		t.Fatal(err)
	}
	return &keeper{t: t, client: client, last: monitor.Report{
		Formation: r.Formation, NodeID: answer.NodeID, GroupID: answer.GroupID, TLI: 1, PgIsRunning: true}}
}

func (k *keeper) report(state monitor.State, lsn pglogrepl.LSN) {
	k.t.Helper()
	r := k.last
	r.State = state
	r.LSN = lsn
	if _, err := k.client.NodeActive(k.t.Context(), r); err != nil {
		k.t.Fatal(err)
	}
}

func (k *keeper) close() { _ = k.client.Close(context.Background()) }
