package monitor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// logLines is a slog handler that keeps messages, for tests that wait for one.
type logLines struct {
	mu    sync.Mutex
	lines []string
	grown chan struct{}
}

func newLogLines() *logLines { return &logLines{grown: make(chan struct{})} }

func (l *logLines) Enabled(context.Context, slog.Level) bool { return true }
func (l *logLines) WithAttrs([]slog.Attr) slog.Handler       { return l }
func (l *logLines) WithGroup(string) slog.Handler            { return l }

func (l *logLines) Handle(_ context.Context, r slog.Record) error {
	line := r.Level.String() + " " + r.Message
	r.Attrs(func(a slog.Attr) bool { line += " " + a.String(); return true })
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, line)
	close(l.grown)
	l.grown = make(chan struct{})
	return nil
}

// wait waits for a line that contains text.
func (l *logLines) wait(t *testing.T, text string) {
	t.Helper()
	l.waitTimes(t, text, 1)
}

// waitTimes waits until as many lines contain text.
func (l *logLines) waitTimes(t *testing.T, text string, times int) {
	t.Helper()
	timeout := time.After(30 * time.Second)
	for seen := 0; ; {
		l.mu.Lock()
		lines, grown := l.lines, l.grown
		l.mu.Unlock()
		for ; seen < len(lines); seen++ {
			if strings.Contains(lines[seen], text) {
				times--
			}
		}
		if times <= 0 {
			return
		}
		select {
		case <-grown:
		case <-timeout:
			t.Fatalf("not logged: %q, but\n%s", text, strings.Join(lines, "\n"))
		}
	}
}

func (l *logLines) all() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.lines, "\n")
}

// serve runs a service until the test ends, or stop is called.
func serve(t *testing.T, uri string) (log *logLines, stop func()) {
	t.Helper()
	log = newLogLines()
	return log, serveLogging(t, uri, log)
}

func serveLogging(t *testing.T, uri string, log *logLines) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := (&Service{URI: uri, Logger: slog.New(log)}).Run(ctx); err != nil {
			t.Error(err)
		}
	}()
	stop = func() { cancel(); <-done }
	t.Cleanup(stop)
	return stop
}

// beating keeps the heartbeats of a group going until the test ends.
func (g *group) beating() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	reports := make([]Report, 0, len(g.nodes))
	for _, r := range g.nodes {
		reports = append(reports, *r)
	}
	go func() {
		defer close(done)
		for pause(ctx, 200*time.Millisecond) {
			for _, r := range reports {
				if _, err := g.c.NodeActive(ctx, r); err != nil && ctx.Err() == nil {
					g.t.Error(err)
				}
			}
		}
	}()
	return sync.OnceFunc(func() { cancel(); <-done })
}

func TestServiceLogsStateChanges(t *testing.T) {
	s := sharedServer(t)
	uri, _ := s.newMonitor(t)
	c := open(t, uri)
	g := newGroup(t, c, "default")
	first := g.join("127.0.0.1", 6010)
	g.settle()
	log, _ := serve(t, uri)
	log.wait(t, "INFO the monitor service is active monitor="+uri)
	n, _, err := c.NodeByID(t.Context(), first)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.SetNodeRegion(t.Context(), "default", n.Name, "north"); err != nil {
		t.Fatal(err)
	}
	events, err := c.LastEvents(t.Context(), "", nil, 1)
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf(`INFO New state for node %d "node_%d" (127.0.0.1:6010): single ➜ single  [%s] %s`,
		first, first, events[0].Rule, events[0].Description)
	log.wait(t, want)
	log.wait(t, "DEBUG ") // channel log
	if strings.Contains(log.all(), "init ➜ single") {
		t.Errorf("repeats history:\n%s", log.all())
	}
}

func TestServiceChecksHealth(t *testing.T) {
	s := sharedServer(t)
	uri, database := s.newMonitor(t)
	s.exec(t, database,
		"ALTER DATABASE "+database+" SET pgautofailover.health_check_period TO '300ms'",
		"ALTER DATABASE "+database+" SET pgautofailover.health_check_retry_delay TO '300ms'",
		"ALTER DATABASE "+database+" SET pgautofailover.startup_grace_period TO '0'")
	c := open(t, uri)
	a, b := node(t), node(t)
	g := newGroup(t, c, "default")
	first := g.join("127.0.0.1", a.port)
	g.settle()
	second := g.join("127.0.0.1", b.port)
	g.settle()
	serve(t, uri)
	f := follow(t, NewBus(uri, "default", nil).RefreshEvery(20*time.Millisecond))
	health := func(id int64, h Health, sign Sign) {
		t.Helper()
		f.until(fmt.Sprintf("node %d %v %s", id, h, sign), func(Update) bool {
			for _, n := range f.nodes {
				if n.ID == id && n.Health == h && n.HealthSign == sign {
					return true
				}
			}
			return false
		})
	}
	health(first, HealthGood, SignOK)
	health(second, HealthGood, SignOK)
	g.settle()
	stop := g.beating()
	defer stop()
	begun := time.Now()
	b.stop(syscall.SIGKILL)
	health(second, HealthGood, SignRefused) // the sign comes first, the judgement later
	t.Logf("sign after %s", time.Since(begun))
	health(second, HealthBad, SignRefused)
	t.Logf("bad after %s", time.Since(begun))
	if err := b.start(); err != nil {
		t.Fatal(err)
	}
	health(second, HealthGood, SignOK)
	b.exec(t, "postgres", `ALTER ROLE pgautofailover_monitor NOLOGIN`,
		`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pgautofailover_health_check'`)
	health(second, HealthGood, SignDenied)
	for _, n := range f.nodes {
		if n.ID == second && !contains(n.HealthMessage, "not permitted to log in") {
			t.Errorf("%+v", n)
		}
	}
}

// Only nodes whose Postgres runs by design are looked at; a request on channel
// check, and a new state, act at once.
func TestServiceLooksWhereItMatters(t *testing.T) {
	s := sharedServer(t)
	uri, database := s.newMonitor(t)
	s.exec(t, database, "ALTER DATABASE "+database+" SET pgautofailover.health_check_period TO '1h'",
		"ALTER DATABASE "+database+" SET pgautofailover.health_check_retry_delay TO '1h'")
	c := open(t, uri)
	a := node(t)
	g := newGroup(t, c, "default")
	id := g.join("127.0.0.1", a.port) // reports init
	log, _ := serve(t, uri)
	log.wait(t, "is active")
	if err := c.exec(t.Context(), "notify", `SELECT pg_notify('check', '`+fmt.Sprint(id)+`'), pg_notify('check', 'x')`); err != nil {
		t.Fatal(err)
	}
	f := follow(t, NewBus(uri, "default", nil).RefreshEvery(20*time.Millisecond))
	f.until("the first state", func(u Update) bool { return len(u.Nodes) == 1 })
	if n := f.nodes[0]; n.HealthSign != "" || n.Health != HealthUnknown {
		t.Errorf("was looked at in state init: %+v", n)
	}
	g.settle()
	f.until("looked at as single", func(Update) bool { return f.nodes[0].HealthSign == SignOK })
	// a frozen node does not tell by itself, and the next look is an hour away
	freeze(t, a, syscall.SIGSTOP)
	if err := c.exec(t.Context(), "notify", `SELECT pg_notify('check', '`+fmt.Sprint(id)+`')`); err != nil {
		t.Fatal(err)
	}
	f.until("looked at when asked", func(Update) bool { return f.nodes[0].HealthSign == SignTimeout })
	freeze(t, a, syscall.SIGCONT)
}

func TestServiceObeysEnableHealthChecks(t *testing.T) {
	s := sharedServer(t)
	uri, database := s.newMonitor(t)
	s.exec(t, database, "ALTER DATABASE "+database+" SET pgautofailover.enable_health_checks TO 'off'")
	c := open(t, uri)
	a := node(t)
	g := newGroup(t, c, "default")
	g.join("127.0.0.1", a.port)
	g.settle()
	log, stop := serve(t, uri)
	log.wait(t, "is active")
	if _, err := c.SetNodeRegion(t.Context(), "default", "node_1", "north"); err != nil {
		t.Fatal(err)
	}
	log.wait(t, "New state for node 1")
	stop()
	conn := a.connect(t, "postgres")
	var looks int
	if err := conn.QueryRow(t.Context(), `SELECT count(*) FROM pg_stat_activity WHERE application_name = $1`, checkApplication).
		Scan(&looks); err != nil || looks != 0 {
		t.Errorf("%d looks, %v", looks, err)
	}
	if n, _, _ := c.NodeByID(t.Context(), 1); n.HealthSign != "" {
		t.Errorf("%+v", n)
	}
}

// Of several copies one is active; another one takes over at its end.
func TestServiceTakesOver(t *testing.T) {
	s := sharedServer(t)
	uri, database := s.newMonitor(t)
	const active, waiting = "INFO the monitor service is active", "INFO another monitor service is active"
	first, stop := serve(t, uri)
	first.wait(t, active)
	others, _ := serve(t, uri)
	serveLogging(t, uri, others)
	others.waitTimes(t, waiting, 2)
	if strings.Contains(others.all(), active) {
		t.Error("two are active")
	}
	stop()
	others.waitTimes(t, active, 1)
	// and the same when its session dies without notice
	s.exec(t, database, `SELECT pg_terminate_backend(l.pid) FROM pg_locks AS l JOIN pg_database AS d ON d.oid = l.database
		WHERE l.locktype = 'advisory' AND l.classid = 1886873446 AND d.datname = current_database()`)
	others.wait(t, "WARN the monitor service cannot reach its monitor and tries again")
	others.waitTimes(t, active, 2)
}

func TestServiceSurvivesARestart(t *testing.T) {
	s := startServer(t, serverOptions{})
	uri, _ := s.newMonitor(t)
	c := open(t, uri)
	name := formations(t, c, 1)[0]
	log, _ := serve(t, uri)
	log.wait(t, "is active")
	closeQuietly(c)
	s.stop(syscall.SIGINT)
	log.wait(t, "WARN the monitor service cannot reach its monitor and tries again error=connect to monitor")
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
	c = open(t, uri)
	touch(t, c, name, "while it reconnects") // the line comes even if nobody listened yet
	log.wait(t, fmt.Sprintf(`New state for node 1 "n" (h%s:5432): init ➜ single`, name))
	complaint := map[string]int{}
	for _, line := range strings.Split(log.all(), "\n") {
		if complaint[line]++; strings.Contains(line, "cannot reach") && complaint[line] > 1 {
			t.Errorf("complains %d times: %s", complaint[line], line)
		}
	}
}

// A group that an operator's open transaction keeps locked holds up nobody else.
func TestServiceGoesOnWhileAGroupIsLocked(t *testing.T) {
	s := sharedServer(t)
	uri, database := s.newMonitor(t)
	c := open(t, uri)
	names := formations(t, c, 3)
	locker, err := s.connect(t, database).Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := locker.Exec(t.Context(), `SELECT pgautofailover.testing_lock_node_group($1, 0)`, names[1]); err != nil {
		t.Fatal(err)
	}
	t1 := newTerm(c, NewFeed("", nil), slog.New(newLogLines()))
	if err := c.exec(t.Context(), "set", lockWaitSetting); err != nil {
		t.Fatal(err)
	}
	for id := range int64(3) {
		t1.outbox.put(time.Now(), id+1, Verdict{HealthBad, SignRefused, ""})
	}
	signs := func() (list []Sign) {
		t.Helper()
		nodes, err := c.CurrentState(t.Context(), "", nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range nodes {
			list = append(list, n.HealthSign)
		}
		return list
	}
	if err := t1.flush(t.Context(), Update{}); err != nil {
		t.Fatal(err)
	}
	if got := signs(); got[0] != SignRefused || got[1] != "" || got[2] != SignRefused {
		t.Errorf("while it is locked: %q", got)
	}
	if err := locker.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	t1.nextFlush = time.Time{}
	if err := t1.flush(t.Context(), Update{}); err != nil {
		t.Fatal(err)
	}
	if got := signs(); got[1] != SignRefused {
		t.Errorf("later: %q", got)
	}
}

func TestServiceRefusesWhatItCannotServe(t *testing.T) {
	s := sharedServer(t)
	run := func(uri string) error {
		return (&Service{URI: uri, Logger: slog.New(slog.DiscardHandler)}).Run(t.Context())
	}
	if err := run(s.uri("postgres", "postgres")); !errors.Is(err, ErrNoExtension) {
		t.Error(err)
	}
	if err := run("postgres://h:x/d"); err == nil {
		t.Error("accepted an unusable URI")
	}
	_, database := s.newMonitor(t)
	s.exec(t, database, `CREATE OR REPLACE FUNCTION pgautofailover.extension_version() RETURNS text LANGUAGE sql AS $$ SELECT '9.1' $$`)
	var version *VersionError
	if err := run(s.uri("autoctl_node", database)); !errors.As(err, &version) || version.Installed != "9.1" {
		t.Error(err)
	}
}

func TestComplaintsAreRare(t *testing.T) {
	log := newLogLines()
	c := complaints{log: slog.New(log)}
	for i := range 100 {
		c.add(at(i*1000), errors.New("down"))
	}
	c.add(at(100_000), errors.New("another"))
	c.clear()
	c.add(at(100_001), errors.New("another"))
	if n := strings.Count(log.all(), "\n") + 1; n != 6 {
		t.Errorf("%d lines", n)
	}
}
