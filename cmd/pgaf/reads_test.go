package main

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// ReadsChangeNothing (claim 10): every command that reads is run, as its own help shows it, against a node and a monitor
// of another user: with all files writable, and on a read-only file system. It ends with the same exit code both times,
// and no file or folder has another time, size, owner or mode than before.

// readers are the commands that read, by the begin of their path.
var readers = []string{
	"show", "get", "inspect", "explain", "status", "version", "help", "config get", "config check", "manual fsm nodes get",
}

// notRead are those of readers that wait for somebody else, or write.
var notRead = []string{"inspect pgsetup wait", "inspect pgsetup hba-lan"}

// readExitCodes are the exit codes other than 0, while Postgres is stopped and while it runs without its service.
var readExitCodes = map[string][2]int{
	"inspect monitor get coordinator": {6, 6}, // there is no such formation
	"status":                          {3, 3}, // the service does not run
	"config check":                    {2, 0},
	"inspect pgsetup ready":           {4, 0},
	"inspect getpid postgres":         {3, 3}, // the service does not run
	"inspect getpid node-active":      {3, 3},
	"manual fsm nodes get":            {2, 2}, // the monitor of this node is not disabled
}

func testReadsChangeNothing(t *testing.T) {
	r := newReader(t)
	commands := readCommands(t)
	for _, needed := range []string{"show state", "show events", "show settings", "show file", "config get", "config check", "get node region", "explain", "status", "version", "help"} {
		if commands[needed] == "" {
			t.Errorf("%s is not tested", needed)
		}
	}
	for _, running := range []bool{false, true} {
		if running {
			r.must(r.as("postgres", r.pgctl, "start", "-D", r.dir+"/node_a", "-w", "-l", "/dev/null"))
		}
		for path, line := range commands {
			words := scriptWords(line)
			before := r.snapshot(!running)
			out, code := r.run(words...)
			if after := r.snapshot(!running); after != before {
				t.Errorf("%s changed something:\n%s", line, difference(before, after))
			}
			readOnly, codeThere := r.readOnly(words...)
			if code != codeThere {
				t.Errorf("%s (Postgres runs: %t) ends with %d, on a read-only file system with %d:\n%s\n%s", line, running, code, codeThere, out, readOnly)
			}
			if strings.Contains(strings.ToLower(readOnly), "read-only file system") {
				t.Errorf("%s wants to write:\n%s", line, readOnly)
			}
			if want := readExitCodes[path][index(running)]; code != want {
				t.Errorf("%s (Postgres runs: %t) ends with %d, want %d:\n%s", line, running, code, want, out)
			}
		}
	}
	t.Logf("%d commands read and changed nothing", len(commands))
}

func index(b bool) int {
	if b {
		return 1
	}
	return 0
}

// readCommands are the examples of the commands that read.
func readCommands(t *testing.T) map[string]string {
	t.Helper()
	var tree cli
	parser, err := newParser(&app{name: "pgaf", stdout: io.Discard, stderr: io.Discard, given: map[string]bool{}}, &tree, func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	commands := map[string]string{}
	for _, leaf := range parser.Model.Leaves(true) {
		path := strings.TrimPrefix(leaf.FullPath(), "pgaf ")
		begins := func(reader string) bool { return path == reader || strings.HasPrefix(path, reader+" ") }
		examples := examplesOf(leaf)
		if slices.ContainsFunc(readers, begins) && !slices.Contains(notRead, path) && len(examples) > 0 {
			commands[path] = strings.TrimPrefix(examples[0], "pgaf ")
		}
	}
	return commands
}

// reader is a monitor that serves and a node whose service is stopped, both of user postgres, in a folder.
type reader struct {
	*testing.T
	dir, pgctl string
	env        []string
}

func newReader(t *testing.T) *reader {
	t.Helper()
	dir, err := os.MkdirTemp("", "pgaf-reads")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	r := &reader{T: t, dir: dir, env: []string{"PATH=" + dir + "/bin:" + os.Getenv("PATH"), "PGCONNECT_TIMEOUT=2"}}
	r.must("", os.MkdirAll(dir+"/bin", 0o755))
	r.must("", os.Chmod(dir, 0o755))
	r.must("", copyProgram(os.Args[0], dir+"/bin/pgaf"))
	for _, folder := range []string{"home", "config", "data", "run"} {
		r.must("", os.Mkdir(filepath.Join(dir, folder), 0o755))
	}
	r.env = append(r.env, "HOME="+dir+"/home", "XDG_CONFIG_HOME="+dir+"/config", "XDG_DATA_HOME="+dir+"/data", "XDG_RUNTIME_DIR="+dir+"/run")
	r.must(r.as("root", "chown", "-R", "postgres:", dir))
	binaries, _ := filepath.Glob("/usr/lib/postgresql/*/bin/pg_ctl")
	if len(binaries) == 0 {
		t.Skip("no Postgres")
	}
	r.pgctl = binaries[len(binaries)-1]
	r.begin()
	return r
}

// begin makes the monitor, which goes on, and the node, which is stopped.
func (r *reader) begin() {
	r.Helper()
	taken, err := ports.take(2)
	r.must("", err)
	r.Cleanup(func() { ports.giveBack(taken) })
	uri := fmt.Sprintf("postgres://autoctl_node@127.0.0.1:%d/pg_auto_failover", taken[0])
	login := []string{"--hostname", "127.0.0.1", "--auth", "trust", "--ssl-self-signed"}
	r.must(r.as("postgres", append([]string{"pgaf", "create", "monitor", "--pgdata", "./monitor", "--pgport", fmt.Sprint(taken[0])}, login...)...))
	service := r.command("postgres", "pgaf", "run", "--pgdata", "./monitor")
	r.must("", service.Start())
	r.Cleanup(func() {
		r.as("postgres", "pgaf", "stop", "--pgdata", "./monitor", "--fast")
		service.Wait()
	})
	r.until("pgaf", "show", "settings", "--monitor", uri)
	r.must(r.as("postgres", append([]string{"pgaf", "create", "postgres", "--pgdata", "./node_a", "--name", "node_a", "--pgport", fmt.Sprint(taken[1]), "--monitor", uri}, login...)...))
	r.as("postgres", r.pgctl, "stop", "-D", r.dir+"/node_a", "-m", "fast", "-w")
	r.Cleanup(func() { r.as("postgres", r.pgctl, "stop", "-D", r.dir+"/node_a", "-m", "immediate", "-w") })
}

// until repeats a command until it succeeds: nothing announces that a monitor answers for the first time.
func (r *reader) until(words ...string) {
	r.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(60 * time.Second); time.Now().Before(deadline); <-tick.C {
		if _, err := r.as("postgres", words...); err == nil {
			return
		}
	}
	r.Fatalf("%v does not succeed", words)
}

func (r *reader) must(out string, err error) {
	r.Helper()
	if err != nil {
		r.Fatalf("%v\n%s", err, out)
	}
}

// command runs in the folder; the folder of the shell is entered anew, so that a mount over it is seen.
func (r *reader) command(user string, words ...string) *exec.Cmd {
	args := append([]string{"-u", user, "--", "env", "-i"}, r.env...)
	cmd := exec.Command("runuser", append(append(args, "sh", "-c", `cd "$0" && exec "$@"`, r.dir), words...)...)
	cmd.Dir = "/"
	return cmd
}

func (r *reader) as(user string, words ...string) (string, error) {
	out, err := r.command(user, words...).CombinedOutput()
	return string(out), err
}

func exitCodeOf(err error) int {
	if exit, ok := err.(*exec.ExitError); ok {
		return exit.ExitCode()
	}
	if err != nil {
		return -1
	}
	return 0
}

// run runs pgaf as the owner, who might write.
func (r *reader) run(words ...string) (out string, code int) {
	out, err := r.as("postgres", append([]string{"pgaf"}, words...)...)
	return out, exitCodeOf(err)
}

// readOnly runs pgaf where the file systems of the folder and of the user's sockets and temporary files cannot be written to.
func (r *reader) readOnly(words ...string) (out string, code int) {
	inner := r.command("postgres", append([]string{"pgaf"}, words...)...)
	script := `mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"`
	cmd := exec.Command("unshare", append([]string{"-m", "sh", "-c", script, r.dir, "runuser"}, inner.Args[1:]...)...)
	cmd.Dir = "/"
	text, err := cmd.CombinedOutput()
	return string(text), exitCodeOf(err)
}

// snapshot lists what is in the folder, but for the monitor's data, which its Postgres writes, and the node's while it runs.
func (r *reader) snapshot(withData bool) string {
	var list bytes.Buffer
	filepath.WalkDir(r.dir, func(path string, entry fs.DirEntry, err error) error {
		name := strings.TrimPrefix(path, r.dir)
		if name == "/monitor" || name == "/node_a" && !withData {
			return fs.SkipDir
		}
		info, err := os.Lstat(path)
		if err != nil {
			fmt.Fprintln(&list, name, err)
			return nil
		}
		fmt.Fprintln(&list, name, info.Mode(), info.Size(), info.ModTime().UnixNano())
		return nil
	})
	return list.String()
}

// difference is the lines that are not in both.
func difference(before, after string) string {
	var lines []string
	for _, pair := range [][3]string{{"-", before, after}, {"+", after, before}} {
		for line := range strings.Lines(pair[1]) {
			if !strings.Contains(pair[2], line) {
				lines = append(lines, pair[0]+line)
			}
		}
	}
	return strings.Join(lines, "")
}
