package cluster

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"pgaf/regress/harness"
)

// TestKillPoints drives clusters through every transition that the monitor can ask for, and kills the keeper, in a
// second pass its Postgres, at every kill point that it comes by (package killpoint: before each step of each
// transition). A killed keeper is started again at once, as a service manager would; it may be killed at the next
// point. After each step of a cluster's life the group becomes healthy by itself, no acknowledged write is lost, and
// each node still has the PGDATA that it had. The list of points comes from the source: one that no life comes by
// fails the test.
func TestKillPoints(t *testing.T) {
	if testing.Short() {
		t.Skip("cluster tests do not run with -short")
	}
	pgaf, err := run.BuildWithTags(t.Context(), "killpoints")
	if err != nil {
		t.Fatal(err)
	}
	killed := map[string]string{}
	for _, victim := range []string{"keeper", "postgres"} {
		killed[victim] = filepath.Join(run.Dir, "hit-"+victim)
		if err := run.Account.Mkdir(killed[victim]); err != nil {
			t.Fatal(err)
		}
	}
	var lived atomic.Int32
	t.Run("of", func(t *testing.T) { // ends when all lives have ended
		for _, victim := range []string{"keeper", "postgres"} {
			for _, life := range lives {
				t.Run(victim+"_"+life.name, func(t *testing.T) {
					slot(t)
					lived.Add(1)
					newMortal(t, pgaf, victim, killed[victim]).live(life)
				})
			}
		}
	})
	if int(lived.Load()) < 2*len(lives) {
		t.Log("not every life was lived (-run): the points that are missing are not counted")
		return
	}
	reportMissed(t, killed)
}

// life is what happens to one cluster: each step is armed, and ends in a healthy group.
type life struct {
	name  string
	steps []step
}

type step struct {
	name   string
	do     func(*mortal)
	copies bool // a node that joins copies its data
}

// mortal is a cluster whose keepers are built with kill points.
type mortal struct {
	*story
	victim string
	folder string // what PGAF_KILLPOINTS names
	hits   string // shared by all clusters with this victim: each point kills once
	stops  map[*harness.Node]func()
	seen   map[string]bool
}

func newMortal(t *testing.T, pgaf, victim, hits string) *mortal {
	t.Helper()
	folder := filepath.Join(run.Dir, "killpoints-"+filepath.Base(t.Name()))
	if err := run.Account.Mkdir(folder); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(hits, filepath.Join(folder, "hit")); err != nil {
		t.Fatal(err)
	}
	s := newStory(t, harness.ClusterOptions{Pgaf: pgaf, Environment: []string{"PGAF_KILLPOINTS=" + folder}})
	return &mortal{story: s, victim: victim, folder: folder, hits: hits, stops: map[*harness.Node]func(){}, seen: map[string]bool{}}
}

func (m *mortal) live(l life) {
	m.Helper()
	defer func() {
		for _, stop := range m.stops {
			stop()
		}
	}()
	for _, step := range l.steps {
		begun := time.Now()
		var writer *harness.Writer
		var folders map[*harness.Node]uint64
		if len(m.Nodes) > 0 {
			m.awaitWritable()
			writer, folders = m.write(harness.WriterOptions{Name: step.name}), m.folders()
		}
		m.arm(true)
		step.do(m)
		m.awaitAnyPrimary()
		m.arm(false)
		m.awaitAnyPrimary()
		if writer != nil {
			m.awaitWrites(writer)
			tally, err := writer.Verify(m.within(patience), "")
			m.must(err)
			if err := tally.Err(); err != nil {
				m.Errorf("%s: %v", step.name, err)
			}
		}
		for n, folder := range folders {
			if !step.copies && n.PostmasterPID() != 0 && m.folderID(n) != folder {
				m.Errorf("%s: PGDATA of %s was replaced by a copy", step.name, n.Name)
			}
		}
		m.verdict(step.name, time.Since(begun))
	}
}

// arm begins or ends the killing.
func (m *mortal) arm(armed bool) {
	m.Helper()
	file := filepath.Join(m.folder, "kill")
	if armed {
		m.must(os.WriteFile(file, []byte(m.victim), 0o644))
	} else if err := os.Remove(file); err != nil && !os.IsNotExist(err) {
		m.Fatal(err)
	}
}

// verdict prints the points of this cluster's last step.
func (m *mortal) verdict(step string, took time.Duration) {
	m.Helper()
	if m.Failed() {
		return
	}
	for point, what := range m.killedHere() {
		if !m.seen[point] {
			m.seen[point] = true
			m.Logf("%-14s %-90s %s; converged, 0 lost", step, point, what)
		}
	}
	m.Logf("%-14s took %.1f s; %s", step, took.Seconds(), m.Watch.States())
}

// killedHere are the points at which a process of this cluster was killed.
func (m *mortal) killedHere() map[string]string {
	points := map[string]string{}
	files, _ := filepath.Glob(filepath.Join(m.hits, "*"))
	for _, file := range files {
		content, err := os.ReadFile(file)
		what, where, _ := strings.Cut(strings.TrimSpace(string(content)), " in ")
		if err == nil && strings.HasPrefix(where, m.Dir+"/") {
			points[filepath.Base(file)] = what
		}
	}
	return points
}

// reportMissed counts the kills of each pass, and fails for a point of the source at which neither the keeper nor its
// Postgres was killed. One of them alone may miss a point: a Postgres that was killed a step before is not stopped, and
// which node a group elects is a matter of moments.
func reportMissed(t *testing.T, killed map[string]string) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("..", "..", "keeper", "killpoint", "points.txt"))
	if err != nil {
		t.Fatal(err)
	}
	reached := map[string]int{}
	for victim, folder := range killed {
		files, err := os.ReadDir(folder)
		if err != nil {
			t.Fatal(err)
		}
		here := map[string]bool{}
		for _, file := range files {
			here[file.Name()[strings.LastIndexByte(file.Name(), '.')+1:]] = true
		}
		for point := range here {
			reached[point]++
		}
		t.Logf("%s: %d kills at %d kinds of points", victim, len(files), len(here))
	}
	for _, point := range strings.Fields(string(content)) {
		switch {
		case notDriven[point] != "":
		case reached[point] == 0:
			t.Errorf("no life of a cluster came by the kill point %s", point)
		case reached[point] < len(killed):
			t.Logf("%s: one pass only", point)
		}
	}
}

// notDriven are the points that a life need not come by, and why.
var notDriven = map[string]string{
	"allowAll-EnsureIdent":        "only with --auth cert",
	"createObjects-EnsureRole":    "only with --username",
	"takeSettings-ReloadSeen":     "only when a running Postgres is adopted, or ssl changes",
	"backup-note":                 "only after a promotion whose timeline the monitor did not number",
	"takeTimeline-note":           "only without a monitor",
	"promoteReadOnly-SetReadOnly": "no rule of this monitor assigns stop_replication",
	"endReadOnly-SetReadOnly":     "no rule of this monitor assigns stop_replication",
}

func (m *mortal) folders() map[*harness.Node]uint64 {
	folders := map[*harness.Node]uint64{}
	for _, n := range m.Nodes {
		if _, err := os.Stat(n.PGDATA); err == nil {
			folders[n] = m.folderID(n)
		}
	}
	return folders
}

// awaitAnyPrimary waits for a healthy group, whoever is the primary.
func (m *mortal) awaitAnyPrimary() { m.Helper(); m.primary() }

// primary is the primary of the healthy group, which is waited for.
func (m *mortal) primary() (primary *harness.Node) {
	m.Helper()
	m.must(m.whileKilling("a healthy group", func(states harness.States) bool {
		primary = nil
		for _, n := range m.Nodes {
			s, known := states[n.Name]
			switch {
			case !known: // dropped
			case s.Settled("primary"), s.Settled("single") && len(states) == 1:
				primary = n
			case !s.Settled("secondary"):
				return false
			}
		}
		return primary != nil
	}))
	return primary
}

// whileKilling waits for states; patience begins anew with each kill.
func (m *mortal) whileKilling(what string, holds func(harness.States) bool) error {
	for {
		kills := len(m.killedHere())
		ctx, cancel := context.WithTimeout(m.Context(), patience)
		err := m.Until(ctx, what, holds)
		cancel()
		if err == nil || kills == len(m.killedHere()) {
			return err
		}
	}
}

// awaitWritable waits until the primary's Postgres, which may just have been killed, accepts writes.
func (m *mortal) awaitWritable() {
	m.Helper()
	primary := m.primary()
	m.pollUntil(primary.Name+" accepting writes", func(ctx context.Context) (writable *bool, err error) {
		conn, err := primary.Connect(ctx)
		if err != nil {
			return nil, err
		}
		defer conn.Close(ctx)
		return writable, conn.QueryRow(ctx, "select not pg_is_in_recovery()").Scan(&writable)
	})
}

// standby is the first standby of the healthy group.
func (m *mortal) standby() *harness.Node {
	m.Helper()
	primary, states := m.primary(), m.Watch.States()
	for _, n := range m.Nodes {
		if _, known := states[n.Name]; known && n != primary {
			return n
		}
	}
	m.Fatal("there is no standby")
	return nil
}

// addNode adds a node whose keeper is revived.
func (m *mortal) addNode() {
	m.Helper()
	n, err := m.AddNode(harness.NodeOptions{})
	m.must(err)
	m.stops[n] = n.Revive()
	m.must(m.whileKilling(n.Name, func(s harness.States) bool { _, known := s[n.Name]; return known }))
}

// crash kills everything on a node, which stays dead.
func (m *mortal) crash(n *harness.Node) {
	m.Helper()
	m.stops[n]()
	m.must(n.KillAll())
}

func (m *mortal) restart(n *harness.Node) {
	m.Helper()
	m.must(n.Start())
	m.stops[n] = n.Revive()
}

// request calls pgaf on the monitor. It may be refused while the group is in change, and may give up waiting.
func (m *mortal) request(args ...string) {
	m.Helper()
	ctx, cancel := context.WithTimeout(m.Context(), patience)
	defer cancel()
	if out, err := m.Monitor.Pgaf(ctx, append(args, "--pgdata", m.Monitor.PGDATA)...); err != nil {
		m.Logf("pgaf %s: %v %s", strings.Join(args, " "), err, out)
	}
}

// until waits for reported states.
func (m *mortal) until(n *harness.Node, states ...string) {
	m.Helper()
	m.must(m.whileKilling(fmt.Sprint(n.Name, " reporting ", states), func(s harness.States) bool {
		return slices.Contains(states, s[n.Name].Reported)
	}))
}

var lives = []life{
	{"pair", []step{
		{"create", (*mortal).addNode, true},
		{"join", (*mortal).addNode, true},
		{"settings", func(m *mortal) { m.set(m.standby(), "candidate-priority", "90") }, false},
		{"group settings", func(m *mortal) { m.request("set", "formation", "settings", "max_connections=120") }, false},
		{"switchover", func(m *mortal) { m.request("perform", "switchover") }, false},
		{"failover", (*mortal).failover, false},
		{"standby lost", (*mortal).loseStandby, false},
		{"maintenance", func(m *mortal) { m.maintain(m.standby()) }, false},
		{"primary maint.", func(m *mortal) { m.maintain(m.primary(), "--allow-failover") }, false},
	}},
	{"fenced", []step{
		{"create", (*mortal).addNode, true},
		{"join", (*mortal).addNode, true},
		{"heir dies", (*mortal).loseHeir, false},
		{"fence", func(m *mortal) { m.isolate(func(*harness.Node) {}) }, false},
		{"fenced alone", func(m *mortal) {
			m.isolate(func(standby *harness.Node) { m.drop(standby, "--force") })
		}, false},
		{"join again", (*mortal).addNode, true},
		{"drop", func(m *mortal) { m.drop(m.standby()) }, false},
	}},
	{"trio", []step{
		{"create", (*mortal).addNode, true},
		{"join", (*mortal).addNode, true},
		{"third", (*mortal).addNode, true},
		{"promotion", func(m *mortal) { m.request("perform", "promotion", "--name", m.standby().Name) }, false},
		{"failover", (*mortal).failover, false},
		{"fast forward", (*mortal).electLagging, false},
		{"two lost", (*mortal).loseTwo, false},
		{"drop primary", func(m *mortal) { m.drop(m.primary()) }, false},
		{"join again", (*mortal).addNode, true},
	}},
}

// failover kills the primary's machine, and starts it again once it is replaced.
func (m *mortal) failover() {
	m.Helper()
	old := m.primary()
	m.crash(old)
	m.replaced(old)
	m.restart(old)
}

func (m *mortal) replaced(old *harness.Node) {
	m.Helper()
	m.must(m.whileKilling("a successor of "+old.Name, func(s harness.States) bool { return s[old.Name].Assigned == "demoted" }))
}

func (m *mortal) loseStandby() {
	m.Helper()
	standby, primary := m.standby(), m.primary()
	m.crash(standby)
	m.until(primary, "wait_primary")
	m.restart(standby)
}

// loseHeir kills the standby that a planned switchover is for, while the primary drains: the primary comes back as a
// standby of nobody, reports its position, and is elected itself.
func (m *mortal) loseHeir() {
	m.Helper()
	primary, heir := m.primary(), m.standby()
	conn, err := m.ConnectMonitor(m.soon())
	m.must(err)
	defer conn.Close(context.Background())
	_, err = conn.Exec(m.soon(), "select pgautofailover.perform_failover('default', 0)")
	m.must(err)
	m.crash(heir)
	m.until(primary, "wait_primary", "primary")
	m.restart(heir)
}

// maintain takes a node to maintenance and back.
func (m *mortal) maintain(n *harness.Node, options ...string) {
	m.Helper()
	m.on(n, append([]string{"enable", "maintenance"}, options...)...)
	m.until(n, "maintenance")
	m.on(n, "disable", "maintenance")
}

// isolate cuts the primary off until its lease is over and it has stopped by itself. Its standby must not replace it.
func (m *mortal) isolate(meanwhile func(standby *harness.Node)) {
	m.Helper()
	primary, standby := m.primary(), m.standby()
	m.set(standby, "candidate-priority", "0")
	m.on(primary, "config", "set", "timeout.network_partition_timeout", "4")
	m.on(primary, "reload")
	m.primary()
	m.must(primary.Host.Cut())
	m.pollUntil(primary.Name+" stopped by itself", func(context.Context) (*bool, error) {
		stopped := primary.PostmasterPID() == 0
		return &stopped, nil
	})
	meanwhile(standby)
	m.must(primary.Host.Heal())
}

// drop removes a node. It runs as a service by then (pgaf run): a create that is repeated would register it anew.
func (m *mortal) drop(n *harness.Node, options ...string) {
	m.Helper()
	m.stops[n]()
	m.must(n.KillKeeper())
	m.restart(n)
	m.request(append([]string{"drop", "node", "--name", n.Name}, options...)...)
	m.must(m.Until(m.within(patience), n.Name+" gone", func(s harness.States) bool { _, there := s[n.Name]; return !there }))
	m.crash(n)
}

// electLagging kills the primary while the candidate of the highest priority lacks WAL that the other standby has.
func (m *mortal) electLagging() {
	m.Helper()
	primary, lagging := m.primary(), m.standby()
	m.set(lagging, "candidate-priority", "100")
	for _, n := range m.Nodes {
		if n != lagging {
			m.set(n, "candidate-priority", "50")
		}
	}
	m.primary()
	m.awaitWritable()
	receiver := m.receiver(lagging)
	m.must(syscall.Kill(receiver, syscall.SIGSTOP))
	// More than the buffers of a socket hold.
	m.statements(primary, "select pg_logical_emit_message(true, 'filler', repeat('x', 24000000))")
	m.crash(primary)
	m.must(syscall.Kill(receiver, syscall.SIGCONT))
	m.replaced(primary)
	m.restart(primary)
}

// receiver is the pid of a standby's walreceiver.
func (m *mortal) receiver(n *harness.Node) (pid int) {
	m.Helper()
	m.pollUntil(n.Name+" receiving", func(ctx context.Context) (*bool, error) {
		conn, err := n.Connect(ctx)
		if err != nil {
			return nil, err
		}
		defer conn.Close(ctx)
		err = conn.QueryRow(ctx, "select pid from pg_stat_wal_receiver where status = 'streaming'").Scan(&pid)
		there := err == nil
		return &there, err
	})
	return pid
}

// loseTwo kills the primary and a standby at once. The other standby cannot prove alone that it has everything; the
// old primary comes back first and takes part in the election.
func (m *mortal) loseTwo() {
	m.Helper()
	primary, standby := m.primary(), m.standby()
	m.crash(standby)
	m.crash(primary)
	health := func(want int) func(harness.States) bool {
		return func(s harness.States) bool { return s[primary.Name].Health == want }
	}
	m.must(m.Until(m.within(patience), primary.Name+" unhealthy", health(0)))
	m.restart(primary)
	m.must(m.Until(m.within(patience), primary.Name+" healthy", health(1)))
	m.restart(standby)
}

// set sets a property of a node.
func (m *mortal) set(n *harness.Node, property, value string) {
	m.Helper()
	m.on(n, "set", "node", property, value)
}

// on calls pgaf on a node until it succeeds: a call may come at the moment of a kill or of a change.
func (m *mortal) on(n *harness.Node, args ...string) {
	m.Helper()
	m.pollUntil(fmt.Sprint("pgaf ", args, " on ", n.Name), func(ctx context.Context) (*bool, error) {
		_, err := n.Pgaf(ctx, append(args, "--pgdata", n.PGDATA)...)
		done := err == nil
		return &done, err
	})
}
