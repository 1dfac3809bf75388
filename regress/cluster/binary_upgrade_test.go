package cluster

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"pgaf/regress/harness"
)

// TestBinaryUpgrade replaces the program on disk under load and lets each running service take it (pgaf reload --exec).
// Process ids stay, Postgres stays, writes go on, and the group has nothing to decide. A program that does not run is
// refused, and the service goes on as it is.
func TestBinaryUpgrade(t *testing.T) {
	slot(t)
	program := filepath.Join(privateFolder(t), "pgaf")
	install(t, program, run.Pgaf, "")
	s := newStory(t, harness.ClusterOptions{Pgaf: program})
	s.addNodes(2)
	writer := s.write(harness.WriterOptions{})

	for round, extra := range []string{"the next version", "the one after that"} {
		install(t, program, run.Pgaf, extra)
		for _, n := range []*harness.Node{s.Monitor, s.a, s.b} {
			before := time.Now()
			s.replaces(n, program)
			took := time.Since(before)
			if n != s.Monitor {
				s.must(s.reportsAgain(n))
			}
			s.awaitWrites(writer)
			s.Logf("round %d, %s: replaced in %d ms, largest gap %s", round+1, n.Name, took.Milliseconds(), writer.LargestGap(before))
		}
		s.awaitHealthy(s.a)
	}

	good := inode(t, program)
	for name, broken := range map[string]string{"no program at all": "not a program", "a program that fails": "#!/bin/sh\necho it is broken >&2\nexit 3\n"} {
		write(t, program, broken)
		for _, n := range []*harness.Node{s.Monitor, s.a} {
			pid := n.PID()
			// The command runs from the copy of the test run.
			_, err := n.Run(s.soon(), run.Pgaf, "reload", "--exec", "--pgdata", n.PGDATA)
			var failure *harness.CommandError
			if !errors.As(err, &failure) || failure.Code != 9 || !strings.Contains(failure.Stderr, "goes on with the program it has") {
				t.Errorf("%s, %s: %v", n.Name, name, err)
			}
			if n.PID() != pid || exeInode(t, pid) != good {
				t.Errorf("%s, %s: the service was replaced", n.Name, name)
			}
		}
	}
	s.must(s.reportsAgain(s.a))
	s.awaitHealthy(s.a)
	s.awaitWrites(writer)
	s.settle(writer, time.Second)
	s.expectNoEvent()

	// What took over steers the group as well as what it replaced, and ends as well.
	install(t, program, run.Pgaf, "for the last steps")
	s.perform("switchover")
	s.awaitHealthy(s.b)
	s.stops(s.b)
	s.await(harness.Want{s.a.Name: "wait_primary"})
	if pid := s.b.PostmasterPID(); pid != 0 {
		t.Errorf("Postgres of %s still runs (process %d)", s.b.Name, pid)
	}
}

// replaces runs pgaf reload --exec and looks at what has become of the service and of its Postgres.
func (s *story) replaces(n *harness.Node, program string) {
	s.Helper()
	pid, postmaster := n.PID(), n.PostmasterPID()
	_, err := n.Pgaf(s.soon(), "reload", "--exec", "--pgdata", n.PGDATA)
	s.must(err)
	if exeInode(s.T, pid) != inode(s.T, program) {
		s.Errorf("process %d of %s does not run the program on disk", pid, n.Name)
	}
	if now := n.PostmasterPID(); now != postmaster {
		s.Errorf("%s: postmaster %d before, %d after", n.Name, postmaster, now)
	}
	out, err := n.Pgaf(s.soon(), "status", "--json", "--pgdata", n.PGDATA)
	s.must(err)
	if !strings.Contains(out, fmt.Sprintf(`"pid": %d`, pid)) {
		s.Errorf("status of %s does not name process %d:\n%s", n.Name, pid, out)
	}
	// A second service must find the lock still held.
	_, err = n.Pgaf(s.soon(), "run", "--pgdata", n.PGDATA)
	var failure *harness.CommandError
	if !errors.As(err, &failure) || failure.Code != 12 || !strings.Contains(failure.Stderr, "already running") {
		s.Errorf("a second service on %s: %v", n.Name, err)
	}
}

// privateFolder is one that the account of the nodes may read.
func privateFolder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp(run.Dir, "program")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// install puts a program where another may be running: beside it, then renamed over it. What is appended to it makes it
// another file and changes nothing that it does.
func install(t *testing.T, path, from, extra string) {
	t.Helper()
	content, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	write(t, path, string(content)+extra)
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path+".new", []byte(content), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

func inode(t *testing.T, path string) uint64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Sys().(*syscall.Stat_t).Ino
}

// exeInode is the file that a process runs, whatever its path names by now.
func exeInode(t *testing.T, pid int) uint64 {
	t.Helper()
	return inode(t, fmt.Sprintf("/proc/%d/exe", pid))
}
