package cluster

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgaf/regress/harness"
)

// TestMigration does on a live cluster of pg_auto_failover 2.0, while a client writes, what docs/migrating.md says: the
// commands are those of its blocks. Postgres of the data nodes is neither restarted nor copied, nothing fails over, and
// nothing acknowledged is lost. Then pgaf alone switches and fails over both ways.
func TestMigration(t *testing.T) {
	s, postgres := olderCluster(t)
	writer := s.write(harness.WriterOptions{})
	roles := map[string]*harness.Node{"monitor": s.Monitor, "standby": s.b, "primary": s.a}
	nodes := []*harness.Node{s.a, s.b}
	pids, folders, ids := map[string]int{}, map[string]uint64{}, map[string]int64{}
	for _, n := range nodes {
		pids[n.Name], folders[n.Name], ids[n.Name] = n.PostmasterPID(), s.folderID(n), s.Watch.States()[n.Name].ID
	}
	first := time.Now()

	switchovers := 0
	for _, block := range documentedCommands(t, "migrating.md") {
		n := roles[block.host]
		if block.back {
			continue
		}
		for _, line := range block.lines {
			if strings.HasPrefix(line, "pgaf perform") && switchovers == 0 {
				s.stayed(nodes, pids, folders, ids)
				s.settle(writer, time.Second)
				s.Logf("the migration took %s; largest gap %s", time.Since(first).Round(time.Second), writer.LargestGap(first))
				writer = s.write(harness.WriterOptions{Name: "second writer"})
			}
			before := time.Now()
			out := s.types(n, block, line, postgres)
			took := time.Since(before)
			if strings.HasPrefix(line, "pgaf perform") {
				switchovers++
				s.awaitHealthy(nodes[switchovers%2])
			}
			if line == "pgaf run" && n == s.Monitor {
				s.begin() // events have rules from now on
			}
			s.awaitWrites(writer)
			s.Logf("%s: %s (%d ms, largest gap %s)\n%s", block.host, line, took.Milliseconds(), writer.LargestGap(before), out)
		}
		s.awaitHealthy(s.a)
	}
	if switchovers != 2 {
		t.Fatalf("%d switchovers are documented", switchovers)
	}
	s.goesBothWays(writer)
	s.settle(writer, 15*time.Second)
	s.expectFailovers(s.b, s.a, s.b, s.a, s.b, s.a)
	s.expectSameData(s.a, s.b)
}

// stayed checks that no data node was restarted, copied, or made another one.
func (s *story) stayed(nodes []*harness.Node, pids map[string]int, folders map[string]uint64, ids map[string]int64) {
	s.Helper()
	for _, n := range nodes {
		if now := n.PostmasterPID(); now != pids[n.Name] {
			s.Errorf("the postmaster of %s is process %d, it was %d", n.Name, now, pids[n.Name])
		}
		if s.folderID(n) != folders[n.Name] {
			s.Errorf("the data of %s was copied", n.Name)
		}
		if id := s.Watch.States()[n.Name].ID; id != ids[n.Name] {
			s.Errorf("%s is node %d, it was %d", n.Name, id, ids[n.Name])
		}
	}
	s.expectNoFailover()
}

// expectNoFailover checks what the monitor decided since its migration: nothing but other settings of replication.
func (s *story) expectNoFailover() {
	s.Helper()
	events, err := s.Events(s.soon(), s.started)
	s.must(err)
	for _, e := range events {
		if !slices.Contains([]string{"primary", "secondary", "apply_settings"}, e.Assigned) {
			s.Errorf("something happened that should not: %s", e)
		}
	}
}

// types does one line of the document and returns what it printed.
func (s *story) types(n *harness.Node, block documented, line string, postgres harness.Postgres) string {
	s.Helper()
	ctx := s.within(patience)
	switch {
	case block.root:
		return s.typesAsRoot(ctx, line, postgres)
	case line == "pgaf run":
		s.must(n.WaitEnd(patience)) // pg_autoctl, which adopt has killed
		n.Use(filepath.Join(postgres.BinDir, "pgaf"))
		before := n.PostmasterPID()
		s.must(n.StartProgram("sh", "-c", "exec "+line))
		if n == s.Monitor {
			s.awaitRestart(n, before)
			return ""
		}
		s.must(s.WaitReport(ctx, n))
		return ""
	}
	// psql looks for the socket where the server of this machine has it.
	line = fmt.Sprintf(`PGHOST=$(sed -n 5p "$PGDATA/postmaster.pid") PGPORT=%d; export PGHOST PGPORT; { %s; } 2>&1`, n.Port, line)
	out, err := n.Run(ctx, "sh", "-c", line)
	s.must(err)
	return out
}

// typesAsRoot installs: in the source tree, for the private Postgres of the test.
func (s *story) typesAsRoot(ctx context.Context, line string, postgres harness.Postgres) string {
	s.Helper()
	cmd := exec.CommandContext(ctx, "sh", "-c", line)
	cmd.Dir = run.Repo
	cmd.Env = append(os.Environ(), "PG_CONFIG="+filepath.Join(postgres.BinDir, "pg_config"))
	if out, err := cmd.CombinedOutput(); err != nil {
		s.Fatalf("%s: %v\n%s", line, err, out)
	}
	return ""
}

// documented is a block of commands of a document that says on which host they are typed.
type documented struct {
	host  string
	root  bool
	back  bool // it is about the way back
	lines []string
}

// documentedCommands are the blocks ```sh host=… of a document, in order.
func documentedCommands(t *testing.T, document string) []documented {
	t.Helper()
	file, err := os.Open(filepath.Join(run.Repo, "docs", document))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var blocks []documented
	var block *documented
	for lines := bufio.NewScanner(file); lines.Scan(); {
		line := strings.TrimSpace(lines.Text())
		info, fence := strings.CutPrefix(line, "```")
		switch {
		case fence && block != nil:
			blocks = append(blocks, *block)
			block = nil
		case fence && strings.Contains(info, "host="):
			block = &documented{}
			for _, word := range strings.Fields(info) {
				if host, found := strings.CutPrefix(word, "host="); found {
					block.host = host
				}
				block.root = block.root || word == "user=root"
				block.back = block.back || word == "back"
			}
		case block != nil && line != "":
			block.lines = append(block.lines, line)
		}
	}
	if len(blocks) == 0 {
		t.Fatalf("%s has no commands", document)
	}
	return blocks
}

// TestMigrationUndone takes both nodes of a cluster back to pg_autoctl 2.0 while a client writes, as docs/migrating.md says;
// the group then fails over both ways, and a node that went back is taken over a second time.
func TestMigrationUndone(t *testing.T) {
	s, postgres := olderCluster(t)
	older := pgAutoctl(t).Path
	for _, n := range []*harness.Node{s.Monitor, s.b, s.a} {
		s.migrate(n)
	}
	s.begin()
	s.awaitHealthy(s.a)
	writer := s.write(harness.WriterOptions{})
	roles := map[string]*harness.Node{"standby": s.b, "primary": s.a}
	for _, block := range documentedCommands(t, "migrating.md") {
		if !block.back {
			continue
		}
		n := roles[block.host]
		before := time.Now()
		for _, line := range block.lines {
			if line == "pg_autoctl run" {
				s.must(n.WaitEnd(patience))
				n.Use(older)
				s.must(n.Start())
				continue
			}
			s.Log(s.types(n, block, strings.ReplaceAll(line, "pgaf ", run.Pgaf+" "), postgres))
		}
		// The primary hands over before it goes.
		s.awaitHealthy(map[string]*harness.Node{"standby": s.a, "primary": s.b}[block.host])
		s.awaitWrites(writer)
		s.Logf("%s went back: largest gap %s", n.Name, writer.LargestGap(before))
	}
	s.failsOver(writer, s.b, s.a)
	s.failsOver(writer, s.a, s.b)
	s.migrate(s.a)
	s.awaitHealthy(s.b)
	s.failsOver(writer, s.b, s.a)
	s.settle(writer, 60*time.Second)
	s.expectSameData(s.a, s.b)
}

// migrate takes one node or the monitor over, and runs pgaf on it.
func (s *story) migrate(n *harness.Node) {
	s.Helper()
	_, err := n.Run(s.within(patience), run.Pgaf, "adopt")
	s.must(err)
	s.must(n.WaitEnd(patience))
	n.Use(run.Pgaf)
	before := n.PostmasterPID()
	s.must(n.Start())
	if n == s.Monitor {
		s.awaitRestart(n, before)
		return
	}
	s.must(s.WaitReport(s.within(patience), n))
}

// awaitRestart waits until another postmaster has become ready; nobody notifies of that.
func (s *story) awaitRestart(n *harness.Node, before int) {
	s.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); <-tick.C {
		content, err := os.ReadFile(filepath.Join(n.PGDATA, "postmaster.pid"))
		if pid := n.PostmasterPID(); err == nil && pid != 0 && pid != before && strings.Contains(string(content), "ready") {
			return
		}
	}
	s.Fatalf("the Postgres of %s was not restarted", n.Name)
}

// TestMigrationRefused: what adopt refuses on a live cluster of pg_auto_failover 2.0, in the order of a migration gone
// wrong. After each refusal pg_autoctl goes on, under the same process id, and so does the client.
func TestMigrationRefused(t *testing.T) {
	s, postgres := olderCluster(t)
	writer := s.write(harness.WriterOptions{})
	extensions := filepath.Join(postgres.ShareDir, "extension")
	refused := func(n *harness.Node, code int, reason, environment string) {
		t.Helper()
		pid := n.PID()
		_, err := n.Run(s.within(patience), "sh", "-c", environment+" "+run.Pgaf+" adopt")
		var failure *harness.CommandError
		if !errors.As(err, &failure) || failure.Code != code || !strings.Contains(failure.Stderr, reason) {
			t.Fatalf("%s: want exit code %d and %q, got %v", n.Name, code, reason, err)
		}
		if n.PID() != pid || n.WaitEnd(0) == nil {
			t.Fatalf("%s: pg_autoctl ended", n.Name)
		}
		for _, left := range []string{".config/pgaf", ".local/share/pgaf/" + n.PGDATA + "/pgaf.state"} {
			if _, err := os.Stat(filepath.Join(n.Dir, left)); err == nil {
				t.Errorf("%s: %s is there", n.Name, left)
			}
		}
		s.awaitWrites(writer)
	}

	refused(s.a, 6, "the monitor has version 2.0", "")
	s.must(os.Chmod(extensions, 0o555))
	refused(s.Monitor, 13, "the update needs the extension's files", "")
	s.must(os.Chmod(extensions, 0o755))
	s.monitorSQL("create view public.dashboard as select nodename from pgautofailover.node")
	s.must(installFiles(extensions))
	refused(s.Monitor, 13, "view dashboard depends on table pgautofailover.node", "")
	if version := s.monitorSQL("select extversion from pg_extension where extname = 'pgautofailover'"); version != "2.0" {
		t.Fatalf("the extension is of version %q", version)
	}
	s.awaitHealthy(s.a)
	s.monitorSQL("drop view public.dashboard")

	s.migrate(s.Monitor)
	s.awaitHealthy(s.a)
	_, err := s.Monitor.Run(s.within(patience), run.Pgaf, "adopt") // once more
	s.must(err)

	// A state file that does not fit, in a home of its own: pg_autoctl writes the real one all the time.
	for reason, patch := range map[string]struct {
		at    int
		value byte
	}{
		"holds another cluster":                   {16, 0xff},
		"does not know this node (id 99)":         {24, 99},
		"in group 7 of":                           {28, 7},
		"its format is version 9":                 {0, 9},
		"this node was dropped from its group":    {56, 21},
		"in state maintenance on its way to prim": {56, 13},
	} {
		refused(s.a, 3, reason, "HOME="+s.homeWithState(s.a, patch.at, patch.value))
	}
	_, err = s.Monitor.Run(s.within(patience), run.Pgaf, "drop", "node", "--force", "--name", s.b.Name)
	s.must(err)
	refused(s.b, 3, "does not know this node", "")
	s.settle(writer, 15*time.Second)
}

// homeWithState is a home with the files of the node's pg_autoctl, one byte of whose state is another.
func (s *story) homeWithState(n *harness.Node, at int, value byte) string {
	s.Helper()
	home, err := os.MkdirTemp(n.Dir, "home")
	s.must(err)
	s.must(os.Chmod(home, 0o755))
	for folder, file := range map[string]string{".config": "pg_autoctl.cfg", ".local/share": "pg_autoctl.state"} {
		path := filepath.Join(folder, "pg_autoctl", n.PGDATA, file)
		content, err := os.ReadFile(filepath.Join(n.Dir, path))
		s.must(err)
		if file == "pg_autoctl.state" {
			content[at] = value
		}
		s.must(os.MkdirAll(filepath.Join(home, filepath.Dir(path)), 0o755))
		s.must(os.WriteFile(filepath.Join(home, path), content, 0o644))
	}
	return home
}

// monitorSQL runs one statement on the monitor as its superuser and returns what it printed.
func (s *story) monitorSQL(statement string) string {
	s.Helper()
	out, err := s.Monitor.Run(s.soon(), "psql", "-X", "-At", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", fmt.Sprint(s.Monitor.Port), "-d", "pg_auto_failover", "-c", statement)
	s.must(err)
	return strings.TrimSpace(out)
}

// installFiles puts the extension's files into a folder, as make install does.
func installFiles(folder string) error {
	build := exec.Command("sh", "-c", `make -s build && cp pgautofailover.control build/pgautofailover--*.sql "$0"`, folder)
	build.Dir = run.Repo
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return nil
}
