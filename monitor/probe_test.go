package monitor

import (
	"context"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// watched is a probe of one address whose verdicts the test reads.
type watched struct {
	*probe
	t        *testing.T
	verdicts chan Verdict
}

// quickPace makes a test short; the order of events is that of the real one.
var quickPace = pace{period: 200 * time.Millisecond, deadline: 200 * time.Millisecond,
	retry: 200 * time.Millisecond, threshold: 2}

// slowPace leaves only what is noticed without waiting for the next period.
var slowPace = pace{period: time.Hour, deadline: 5 * time.Second, retry: time.Hour, threshold: 2}

func watch(t *testing.T, address string, p pace) *watched {
	t.Helper()
	host, portText, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	port, _ := strconv.Atoi(portText)
	w := &watched{t: t, verdicts: make(chan Verdict, 1000)}
	w.probe = newProbe(host, port, func() pace { return p }, &Awareness{}, func(_ time.Time, v Verdict) { w.verdicts <- v })
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { w.run(ctx, time.Now()); close(done) }()
	t.Cleanup(func() { cancel(); <-done })
	return w
}

// next is the verdict of the next look.
func (w *watched) next() Verdict {
	w.t.Helper()
	select {
	case v := <-w.verdicts:
		return v
	case <-time.After(20 * time.Second):
		w.t.Fatal("no look within 20 s")
		return Verdict{}
	}
}

// expect reads verdicts until one has that health and sign.
func (w *watched) expect(health Health, sign Sign) Verdict {
	w.t.Helper()
	var seen []string
	deadline := time.After(20 * time.Second)
	for {
		select {
		case v := <-w.verdicts:
			if v.Health == health && v.Sign == sign {
				return v
			}
			seen = append(seen, fmt.Sprintf("%v %s %s", v.Health, v.Sign, v.Message))
		case <-deadline:
			w.t.Fatalf("not seen: %v %s; but %s", health, sign, strings.Join(seen, ", "))
		}
	}
}

func (w *watched) want(health Health, sign Sign) Verdict {
	w.t.Helper()
	v := w.next()
	if v.Health != health || v.Sign != sign {
		w.t.Fatalf("%v %s %q, want %v %s", v.Health, v.Sign, v.Message, health, sign)
	}
	return v
}

// node starts a server that can be checked.
func node(t *testing.T) *server {
	t.Helper()
	s := startServer(t, serverOptions{})
	s.exec(t, "postgres", `CREATE ROLE pgautofailover_monitor LOGIN PASSWORD 'pgautofailover_monitor'`)
	return s
}

func (s *server) address() string { return fmt.Sprintf("127.0.0.1:%d", s.port) }

func TestProbeOfAHealthyNode(t *testing.T) {
	s := node(t)
	w := watch(t, s.address(), quickPace)
	for range 5 {
		w.want(HealthGood, SignOK)
	}
	// all of them on one connection
	conn := s.connect(t, "postgres")
	var sessions, pid int
	query := `SELECT count(*), min(pid) FROM pg_stat_activity WHERE application_name = 'pgautofailover_health_check'`
	if err := conn.QueryRow(t.Context(), query).Scan(&sessions, &pid); err != nil || sessions != 1 {
		t.Fatalf("%d sessions, %v", sessions, err)
	}
	// whoever ends it gets a new one at once, and that is no sign
	if _, err := conn.Exec(t.Context(), `SELECT pg_terminate_backend($1)`, pid); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		w.want(HealthGood, SignOK)
	}
}

// The end of the kept connection is noticed and confirmed at once, not with
// the next period.
func TestProbeNoticesACrashAtOnce(t *testing.T) {
	s := node(t)
	w := watch(t, s.address(), slowPace)
	w.want(HealthGood, SignOK)
	begun := time.Now()
	s.stop(syscall.SIGKILL)
	v := w.expect(HealthUnknown, SignRefused)
	if v.Message != "connection refused" {
		t.Error(v)
	}
	t.Logf("noticed and confirmed after %s", time.Since(begun))
}

func TestProbeOfAFastShutdown(t *testing.T) {
	s := node(t)
	w := watch(t, s.address(), quickPace)
	w.want(HealthGood, SignOK)
	s.stop(syscall.SIGINT)
	w.expect(HealthBad, SignRefused)
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
	w.expect(HealthGood, SignOK)
	w.want(HealthGood, SignOK)
}

// A quick restart is not two failures.
func TestProbeOfARestart(t *testing.T) {
	s := node(t)
	w := watch(t, s.address(), pace{period: 2 * time.Second, deadline: 2 * time.Second, retry: 2 * time.Second, threshold: 2})
	w.want(HealthGood, SignOK)
	s.stop(syscall.SIGINT)
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
	for {
		v := w.next()
		if v.Health == HealthBad {
			t.Fatalf("%+v", v)
		}
		if v.Health == HealthGood {
			return
		}
	}
}

func TestProbeOfACrashedBackend(t *testing.T) {
	s := node(t)
	w := watch(t, s.address(), quickPace)
	w.want(HealthGood, SignOK)
	victim := s.connect(t, "postgres")
	_ = syscall.Kill(int(victim.PgConn().PID()), syscall.SIGSEGV) // all sessions are reset, the server recovers
	w.expect(HealthGood, SignOK)
	if err := s.waitLog("all server processes terminated; reinitializing"); err != nil {
		t.Fatal(err)
	}
	w.expect(HealthGood, SignOK)
}

// A frozen machine answers nothing and refuses nothing.
func TestProbeOfAFrozenNode(t *testing.T) {
	s := node(t)
	w := watch(t, s.address(), quickPace)
	w.want(HealthGood, SignOK)
	freeze(t, s, syscall.SIGSTOP)
	v := w.expect(HealthUnknown, SignTimeout)
	if v.Message != "no answer in time" {
		t.Error(v)
	}
	w.expect(HealthBad, SignTimeout)
	freeze(t, s, syscall.SIGCONT)
	w.expect(HealthGood, SignOK)
}

// freeze signals the postmaster and all its children.
func freeze(t *testing.T, s *server, signal syscall.Signal) {
	t.Helper()
	pids := []int{s.cmd.Process.Pid}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pids[0], pids[0]))
	if err != nil {
		t.Fatal(err)
	}
	for _, field := range strings.Fields(string(text)) {
		pid, _ := strconv.Atoi(field)
		pids = append(pids, pid)
	}
	for _, pid := range pids {
		_ = syscall.Kill(pid, signal)
	}
	if signal == syscall.SIGSTOP {
		t.Cleanup(func() { // else it could not be stopped
			for _, pid := range pids {
				_ = syscall.Kill(pid, syscall.SIGCONT)
			}
		})
	}
}

func TestProbeOfAMisconfiguredNode(t *testing.T) {
	s := startServer(t, serverOptions{})
	w := watch(t, s.address(), quickPace)
	v := w.want(HealthGood, SignDenied)
	if !contains(v.Message, `role "pgautofailover_monitor" does not exist`, "28000") {
		t.Error(v)
	}
	s.exec(t, "postgres", `CREATE ROLE pgautofailover_monitor LOGIN`)
	w.expect(HealthGood, SignOK)
	s.exec(t, "postgres", `ALTER ROLE pgautofailover_monitor CONNECTION LIMIT 0`,
		`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pgautofailover_health_check'`)
	v = w.expect(HealthGood, SignDenied)
	if !contains(v.Message, "too many connections", "53300") {
		t.Error(v)
	}
}

// An answer that its query could not be run is a sign of life, too.
func TestProbeOfANodeThatRefusesQueries(t *testing.T) {
	s := node(t)
	s.exec(t, "postgres", `ALTER ROLE pgautofailover_monitor SET statement_timeout TO '1ms'`)
	w := watch(t, s.address(), quickPace)
	if v := w.next(); v.Health != HealthGood {
		t.Error(v)
	}
}

func TestProbeOfAStartingNode(t *testing.T) {
	s := node(t)
	primary := s.connect(t, "postgres")
	w := watch(t, s.address(), quickPace)
	w.want(HealthGood, SignOK)
	// a server that shuts down smartly waits for its sessions and lets no new one in
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	if err := s.waitLog("received smart shutdown request"); err != nil {
		t.Fatal(err)
	}
	s2 := watch(t, s.address(), quickPace)
	v := s2.expect(HealthUnknown, SignStarting)
	if !contains(v.Message, "shutting down") {
		t.Error(v)
	}
	s2.expect(HealthBad, SignStarting)
	primary.Close(t.Context())
}

func TestProbeOfNoServer(t *testing.T) {
	free := fmt.Sprintf("127.0.0.1:%d", freePort())
	w := watch(t, free, quickPace)
	w.want(HealthUnknown, SignRefused)
	w.want(HealthBad, SignRefused)

	w = watch(t, rudeListener(t), quickPace)
	w.want(HealthUnknown, SignReset)
	w.want(HealthBad, SignReset)

	w = watch(t, silentListener(t), quickPace)
	w.expect(HealthUnknown, SignTimeout)
	w.expect(HealthBad, SignTimeout)

	w = watch(t, "nowhere.invalid:5432", quickPace)
	if v := w.next(); v.Health == HealthGood || v.Sign != SignTimeout && v.Sign != SignLate {
		t.Error(v)
	}
}

// Somebody who suspects a node gets a look at once.
func TestProbeLooksWhenAsked(t *testing.T) {
	s := node(t)
	w := watch(t, s.address(), slowPace)
	w.want(HealthGood, SignOK)
	for range 100 {
		w.look()
		w.want(HealthGood, SignOK)
	}
	free := watch(t, fmt.Sprintf("127.0.0.1:%d", freePort()), slowPace) // without a kept connection
	for range 100 {
		free.want(HealthUnknown, SignRefused)
		free.look()
	}
}

// What is not the node's fault is no evidence against it.
func TestClassifyOwnTrouble(t *testing.T) {
	for _, errno := range []syscall.Errno{syscall.EMFILE, syscall.ENETUNREACH, syscall.EADDRNOTAVAIL} {
		err := fmt.Errorf("dial: %w", &net.OpError{Op: "dial", Err: os.NewSyscallError("socket", errno)})
		if sign, text := classify(err); sign != SignLate {
			t.Errorf("%v: %s %s", errno, sign, text)
		}
	}
	if sign, _ := classify(&net.DNSError{Err: "server misbehaving", Name: "h", IsTemporary: true}); sign != SignLate {
		t.Error(sign)
	}
	if sign, _ := classify(&net.DNSError{Err: "no such host", Name: "h", IsNotFound: true}); sign != SignTimeout {
		t.Error(sign)
	}
}

func TestResolverRemembers(t *testing.T) {
	failing := false
	r := &resolver{lookup: func(context.Context, string) ([]string, error) {
		if failing {
			return nil, &net.DNSError{Err: "no such host", IsNotFound: true}
		}
		return []string{"10.0.0.1"}, nil
	}}
	for range 2 {
		list, err := r.LookupHost(t.Context(), "h")
		if err != nil || len(list) != 1 || list[0] != "10.0.0.1" {
			t.Error(list, err)
		}
		failing = true
	}
}
