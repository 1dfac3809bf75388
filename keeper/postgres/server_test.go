package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// nextEvent returns the next event that fits.
func nextEvent(t *testing.T, events <-chan Event, fits func(Event) bool) Event {
	t.Helper()
	limit := time.After(30 * time.Second)
	for {
		select {
		case e := <-events:
			if fits(e) {
				return e
			}
		case <-limit:
			t.Fatal("no such event")
		}
	}
}

func exited(e Event) bool { return e.Kind == EventExit }

func TestStartStopEvents(t *testing.T) {
	n := newNode(t, testDir(t))
	events := n.Watch() // before there is a folder
	var failed *StartError
	if err := n.Start(within(t, time.Minute)); !errors.As(err, &failed) || failed.Kind != StartNoCluster {
		t.Fatalf("start without a cluster: %v", err)
	}
	took(t, "initdb", func() {
		n.must(testBin.InitDB(within(t, time.Minute), n.pgdata, quick))
	})
	n.writeSettings()
	took(t, "start", n.start)
	if n.Status() != Ready {
		t.Fatalf("status is %s", n.Status())
	}
	for _, status := range []Status{NotRunning, Starting, Ready} {
		nextEvent(t, events, func(e Event) bool { return e.Kind == EventStatus && e.Status == status })
	}
	n.must(n.Start(within(t, time.Second))) // already
	took(t, "fast stop", func() { n.stop(Fast) })
	if e := nextEvent(t, events, exited); e.Exit.Code != 0 || e.Exit.Signal != 0 || !e.Exit.Requested || !e.Exit.Known {
		t.Fatalf("exit of a fast stop: %+v", e.Exit)
	}
	if c, err := testBin.ControlData(within(t, time.Minute), n.pgdata); err != nil || c.State != StateShutDown || !c.Clean() {
		t.Fatalf("control data after a fast stop: %+v, %v", c, err)
	}
	n.must(n.Stop(within(t, time.Second), Fast)) // already
	n.start()
	took(t, "immediate stop", func() { n.stop(Immediate) })
	if c, err := testBin.ControlData(within(t, time.Minute), n.pgdata); err != nil || c.State != StateInProduction || c.Clean() {
		t.Fatalf("control data after an immediate stop: %+v, %v", c, err)
	}
	if n.Status() != NotRunning {
		t.Fatalf("status is %s", n.Status())
	}
}

// A killed postmaster leaves backends that may be busy for long and hold its shared memory.
func TestCrashAndRestart(t *testing.T) {
	n := newPrimary(t)
	events := n.Watch()
	p, _ := n.Postmaster()
	busy := make(chan error, 1)
	started := make(chan struct{})
	go func() {
		busy <- n.Database(context.Background(), "postgres", func(conn *pgx.Conn) error {
			close(started)
			_, err := conn.Exec(context.Background(), "do $$ begin loop end loop; end $$")
			return err
		})
	}()
	<-started
	n.exec("create table public.kept as select 1 as one")
	for range 3 {
		p, _ = n.Postmaster()
		n.must(syscall.Kill(p.PID, syscall.SIGKILL))
		if e := nextEvent(t, events, exited); e.Exit.Signal != syscall.SIGKILL || e.Exit.Requested || e.PID != p.PID {
			t.Fatalf("exit of a killed postmaster: %+v", e)
		}
		took(t, "restart after SIGKILL of the postmaster", n.start)
		if again, _ := n.Postmaster(); again.PID == p.PID {
			t.Fatal("same process")
		}
	}
	if err := <-busy; err == nil {
		t.Fatal("a backend of the killed postmaster finished its statement")
	}
	if one := n.text("select one from public.kept"); one != "1" {
		t.Fatalf("lost a table: %q", one)
	}
}

// Stop must leave nobody who could acknowledge a commit, also when the postmaster is gone already.
func TestStopEndsOrphans(t *testing.T) {
	n := newPrimary(t)
	p, _ := n.Postmaster()
	done := make(chan error, 1)
	started := make(chan struct{})
	go func() {
		done <- n.Database(context.Background(), "postgres", func(conn *pgx.Conn) error {
			close(started)
			_, err := conn.Exec(context.Background(), "do $$ begin loop end loop; end $$")
			return err
		})
	}()
	<-started
	n.text("1") // a second backend
	n.must(syscall.Kill(p.PID, syscall.SIGKILL))
	took(t, "stop of orphans", func() { n.stop(Fast) })
	if left := hold(clusterProcess(n.pgdata)); len(left) > 0 {
		t.Fatalf("%d processes are left", len(left))
	}
	if err := <-done; err == nil {
		t.Fatal("a backend outlived the stop")
	}
}

// A backend that has not given itself a title yet is ended like the others: here one whose client says nothing, and which
// does not notice either that its postmaster is gone.
func TestStopEndsNewbornOrphans(t *testing.T) {
	n := newPrimary(t)
	p, _ := n.Postmaster()
	children := func() (pids []int) {
		for _, held := range hold(clusterProcess(n.pgdata)) {
			held.close()
			pids = append(pids, held.pid)
		}
		return pids
	}
	n.text("1") // all processes that belong to a server that does nothing have their titles
	before := children()
	client, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(n.port)))
	n.must(err)
	defer client.Close()
	var newborn int
	for begun := time.Now(); newborn == 0; {
		if time.Since(begun) > 30*time.Second {
			t.Fatal("no process without a title")
		}
		for _, pid := range children() {
			if !slices.Contains(before, pid) && !strings.HasPrefix(commandLine(pid)[0], "postgres: ") {
				newborn = pid
			}
		}
	}
	n.must(syscall.Kill(newborn, syscall.SIGSTOP))
	n.must(syscall.Kill(p.PID, syscall.SIGKILL))
	took(t, "stop of a newborn", func() { n.stop(Fast) })
	if left := children(); len(left) > 0 {
		t.Fatalf("left: %d; the newborn is %d", left, newborn)
	}
	n.start()
	n.text("1")
}

// A keeper that restarts finds the postmaster of its predecessor and loses no connection.
func TestAdoption(t *testing.T) {
	n := newPrimary(t)
	n.stop(Fast)
	helper, line := n.helper("start", n.port)
	pid, err := strconv.Atoi(line)
	if err != nil {
		t.Fatal(line)
	}
	events := n.Watch()
	if n.Status() != Ready {
		t.Fatalf("status is %s", n.Status())
	}
	backend := n.text("pg_backend_pid()")
	n.must(helper.Process.Kill())
	_ = helper.Wait()
	took(t, "adoption", n.start)
	if p, _ := n.Postmaster(); p.PID != pid {
		t.Fatalf("adopted %d, not %d", p.PID, pid)
	}
	if n.text("pg_backend_pid()") != backend {
		t.Fatal("the connection was lost")
	}
	n.must(syscall.Kill(pid, syscall.SIGKILL))
	if e := nextEvent(t, events, exited); e.PID != pid || e.Exit.Known {
		t.Fatalf("exit of an adopted postmaster: %+v", e)
	}
	n.start()
	n.stop(Fast)
}

// The second of two Server values sees what the first does, through the kernel only.
func TestSecondServer(t *testing.T) {
	n := newPrimary(t)
	second := NewServer(ServerConfig{Bin: testBin, PGDATA: n.pgdata, Port: n.port})
	defer second.Close()
	events := second.Watch()
	nextEvent(t, events, func(e Event) bool { return e.Status == Ready })
	n.stop(Fast)
	nextEvent(t, events, exited)
	n.start()
	nextEvent(t, events, func(e Event) bool { return e.Status == Ready })
	if err := second.Exec(within(t, time.Minute), "select 1"); err != nil {
		t.Fatal(err)
	}
	mine := n.Watch()
	n.must(second.Stop(within(t, time.Minute), Fast)) // second did not start it
	nextEvent(t, mine, exited)
}

// After the restart of a container postmaster.pid names a process that is somebody else.
func TestRecycledPid(t *testing.T) {
	n := newPrimary(t)
	p, _ := n.Postmaster()
	n.must(syscall.Kill(p.PID, syscall.SIGKILL))
	n.stop(Fast)
	other := exec.Command("sleep", "60")
	n.must(other.Start())
	defer func() { _ = other.Process.Kill(); _ = other.Wait() }()
	content, err := os.ReadFile(pidFile(n.pgdata))
	n.must(err)
	_, rest, _ := strings.Cut(string(content), "\n")
	n.must(os.WriteFile(pidFile(n.pgdata), fmt.Appendf(nil, "%d\n%s", other.Process.Pid, rest), 0o600))
	if n.Status() != NotRunning {
		t.Fatalf("status is %s", n.Status())
	}
	n.start()
	if !alive(other.Process.Pid) {
		t.Fatal("an innocent process was killed")
	}
}

// A zombie that nobody collects still has its lock on the socket, and the copy that replaced its folder has no
// postmaster.pid.
func TestZombieHoldsTheSocket(t *testing.T) {
	n := newPrimary(t)
	n.stop(Fast)
	zombie := exec.Command("true")
	n.must(zombie.Start())
	defer func() { _ = zombie.Wait() }()
	lock := filepath.Join(n.dir, fmt.Sprintf(".s.PGSQL.%d.lock", n.port))
	n.must(os.WriteFile(lock, fmt.Appendf(nil, "%d\n%s\n", zombie.Process.Pid, n.pgdata), 0o600))
	n.start()
}

func TestStartErrors(t *testing.T) {
	n := newPrimary(t)
	n.stop(Fast)
	conf := n.pgdata + "/postgresql.auto.conf"
	expect := func(kind StartKind, text string) {
		t.Helper()
		var failed *StartError
		err := n.Start(within(t, time.Minute))
		if !errors.As(err, &failed) || failed.Kind != kind || !strings.Contains(err.Error(), text) {
			t.Fatalf("want kind %d with %q, got %v", kind, text, err)
		}
		t.Log(err)
	}
	n.must(os.WriteFile(conf, []byte("no_such_setting = 1\n"), 0o600))
	expect(StartConfig, "no_such_setting")
	n.must(os.WriteFile(conf, []byte("shared_preload_libraries = 'no_such_library'\n"), 0o600))
	expect(StartConfig, "no_such_library")
	n.must(os.WriteFile(conf, nil, 0o600))
	other := newNode(t, testDir(t))
	other.initdb()
	other.Configure(ServerConfig{Bin: testBin, Port: n.port, ListenAddresses: "localhost", SocketDir: other.dir})
	other.start()
	expect(StartPort, "already in use")
	other.stop(Fast)
	n.start()
}

// Waiting may end while Postgres is still starting; a Stop ends a Start that waits.
func TestStartWaits(t *testing.T) {
	primary := newPrimary(t)
	n := primary.backup(1)
	primary.stop(Fast)
	// WAL of the backup's end is in place, but the next segment is not: without the upstream this standby starts and waits
	// for consistency only if its end-of-backup record is missing.
	removeWAL(t, n)
	ctx, cancel := context.WithTimeout(context.Background(), 500*time.Millisecond)
	defer cancel()
	var failed *StartError
	if err := n.Start(ctx); !errors.As(err, &failed) || failed.Kind != StartWaiting || !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("start without WAL: %v", err)
	}
	if n.Status() != Starting {
		t.Fatalf("status is %s", n.Status())
	}
	if r, ok := n.Recovery(); !ok {
		t.Fatalf("no startup process: %+v", r)
	} else {
		t.Logf("%+v", r)
	}
	n.stop(Fast)
	events := n.Watch()
	waiting := make(chan error, 1)
	go func() { waiting <- n.Start(within(t, time.Minute)) }()
	nextEvent(t, events, func(e Event) bool { return e.Status == Starting })
	n.stop(Fast)
	if err := <-waiting; !errors.As(err, &failed) || failed.Kind != StartStopped {
		t.Fatalf("start that was stopped: %v", err)
	}
}

// Without inotify (the kernel's instances are used up) everything works, a little later.
func TestWithoutInotify(t *testing.T) {
	n := newNode(t, testDir(t))
	n.initdb()
	_, err := WriteStandby(n.pgdata, Upstream{})
	n.must(err)
	n.mu.Lock()
	n.attachTicker(errors.New("too many open files"))
	n.mu.Unlock()
	n.start()
	took(t, "promote without inotify", func() { n.must(n.Promote(within(t, time.Minute))) })
	n.exec("create table public.t (g int)")
	n.stop(Fast)
}

// A frozen postmaster must be able to obey a fence.
func TestStopFrozen(t *testing.T) {
	n := newPrimary(t)
	p, _ := n.Postmaster()
	n.must(syscall.Kill(p.PID, syscall.SIGSTOP))
	took(t, "immediate stop of a frozen postmaster", func() { n.stop(Immediate) })
	n.start()
	p, _ = n.Postmaster()
	n.must(syscall.Kill(p.PID, syscall.SIGSTOP))
	took(t, "kill of a frozen postmaster", func() { n.stop(Kill) })
}

// When a backend crashes the postmaster recovers and says ready again.
func TestBackendCrash(t *testing.T) {
	n := newPrimary(t)
	events := n.Watch()
	p, _ := n.Postmaster()
	backend, err := strconv.Atoi(n.text("pg_backend_pid()"))
	n.must(err)
	n.must(syscall.Kill(backend, syscall.SIGKILL))
	nextEvent(t, events, func(e Event) bool {
		return e.Kind == EventRecovered && n.Exec(within(t, time.Minute), "select 1") == nil
	})
	if again, _ := n.Postmaster(); again.PID != p.PID {
		t.Fatal("another postmaster")
	}
}

// Own SQL goes on after an operator ended its session, and two calls at once have a connection each.
func TestKeptConnections(t *testing.T) {
	n := newPrimary(t)
	ctx := within(t, time.Minute)
	first := n.text("pg_backend_pid()")
	if again := n.text("pg_backend_pid()"); again != first {
		t.Errorf("a new connection each time: %s, %s", first, again)
	}
	n.must(n.SQL(ctx, func(conn *pgx.Conn) error {
		if other := n.text("pg_backend_pid()"); other == first {
			t.Error("two users of one connection")
		}
		_, err := conn.Exec(ctx, "begin") // left open by mistake
		return err
	}))
	n.exec("select pg_terminate_backend(pid) from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()")
	for range 3 {
		n.exec("select 1")
	}
	for name, want := range map[string]string{
		"synchronous_commit": "local", "lock_timeout": "2s", "statement_timeout": "5s", "application_name": "pgaf keeper", "search_path": "pg_catalog",
	} {
		if got, err := n.Setting(ctx, name); err != nil || got != want {
			t.Errorf("%s is %s, %v", name, got, err)
		}
	}
	// The backend of a connection that was closed ends a moment later.
	for deadline := time.Now().Add(10 * time.Second); n.text("select count(*) from pg_stat_activity where state = 'idle in transaction'") != "0"; {
		if time.Now().After(deadline) {
			t.Fatal("a transaction was left open")
		}
	}
	took(t, "metadata", func() { n.metadata() })
	n.stop(Fast)
	if _, err := n.Metadata(ctx); !errors.Is(err, ErrNotRunning) {
		t.Errorf("metadata of a stopped server: %v", err)
	}
}
