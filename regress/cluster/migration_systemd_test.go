package cluster

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgaf/regress/harness"
)

// TestMigrationUnderSystemd takes a standby over that systemd runs as `pg_autoctl show systemd` says, with the commands of
// docs/migrating.md: a systemd of its own, in namespaces of its own, on the standby's host. Without the first of them
// adopt refuses; with them Postgres stays in the unit, and is the same postmaster.
func TestMigrationUnderSystemd(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root may run a systemd")
	}
	if _, err := os.Stat(systemdProgram); err != nil {
		t.Skip(err)
	}
	s, postgres := olderCluster(t)
	s.migrate(s.Monitor)
	s.awaitHealthy(s.a)
	must := func(err error) { t.Helper(); s.must(err) }

	unit, err := s.b.Pgaf(s.soon(), "-q", "show", "systemd", "--pgdata", s.b.PGDATA)
	must(err)
	must(s.b.Stop(patience))
	s.await(harness.Want{s.a.Name: "wait_primary"})
	must(installFiles(filepath.Join(postgres.ShareDir, "extension")))
	must(harness.CopyFile(run.Pgaf, filepath.Join(postgres.BinDir, "pgaf"), 0o755))
	host := s.bootSystemd(s.b, unit, postgres)
	host.types("systemctl start pgautofailover")
	s.awaitHealthy(s.a)
	s.begin()
	writer := s.write(harness.WriterOptions{})
	postmaster := s.postmasterFile(s.b)

	out, err := host.try("runuser -u " + host.account + " -- pgaf adopt")
	if err == nil || !strings.Contains(out, "with which systemd would end Postgres, too (KillMode=control-group)") {
		t.Fatalf("adopt under systemd: %v\n%s", err, out)
	}
	s.awaitHealthy(s.a)
	before := time.Now()
	t.Log(host.types(documentedUnder(t, "migrating.md", "systemd")))
	must(s.WaitReport(s.within(patience), s.b))
	s.awaitHealthy(s.a)
	s.awaitWrites(writer)
	t.Logf("largest gap %s", writer.LargestGap(before))
	if now := s.postmasterFile(s.b); now != postmaster {
		t.Errorf("another postmaster: %q, it was %q", now, postmaster)
	}
	status := host.types("systemctl --no-pager show --property=ActiveState,SubState pgautofailover; systemctl --no-pager status pgautofailover")
	for _, want := range []string{"ActiveState=active", "pgaf run", "bin/postgres"} {
		if !strings.Contains(status, want) {
			t.Errorf("the unit has no %q:\n%s", want, status)
		}
	}
	s.expectNoFailover()
	s.perform("switchover")
	s.awaitHealthy(s.b)
	s.settle(writer, 15*time.Second)
	s.expectFailovers(s.b)
}

const systemdProgram = "/lib/systemd/systemd"

// systemdHost is a node's host with a systemd.
type systemdHost struct {
	*story
	pid     int // of that systemd, as this machine counts
	account string
	env     []string
}

// bootSystemd starts a systemd that knows nothing but one unit, with the node's folder as the home of its account.
func (s *story) bootSystemd(n *harness.Node, unit string, postgres harness.Postgres) *systemdHost {
	s.Helper()
	account, err := user.LookupId(fmt.Sprint(run.Account.UID))
	s.must(err)
	folder := filepath.Join(n.Dir, "systemd")
	units := filepath.Join(folder, "units")
	s.must(os.MkdirAll(units, 0o755))
	s.must(os.WriteFile(filepath.Join(folder, "pgautofailover.service"), []byte(unit), 0o644))
	for _, name := range []string{"sysinit.target", "basic.target", "shutdown.target", "multi-user.target", "sockets.target", "timers.target",
		"paths.target", "slices.target", "local-fs.target", "umount.target", "dbus.socket", "dbus.service"} {
		s.must(harness.CopyFile(filepath.Join("/lib/systemd/system", name), filepath.Join(units, name), 0o644))
	}
	script := fmt.Sprintf(`set -e
umount -R /sys/fs/cgroup || umount -l /sys/fs/cgroup
mount -t cgroup2 none /sys/fs/cgroup
mount -t tmpfs none /run
mkdir -p /run/lock
mkdir -m 1777 /run/postgresql
mount -t tmpfs none /etc/systemd/system
cp %[1]s/pgautofailover.service /etc/systemd/system/
mount --bind %[2]s %[3]s
export container=other SYSTEMD_UNIT_PATH=/run/systemd/system:/etc/systemd/system:%[1]s/units SYSTEMD_LOG_TARGET=console
export SYSTEMD_GENERATOR_PATH=%[1]s/none SYSTEMD_ENVIRONMENT_GENERATOR_PATH=%[1]s/none
exec %[4]s --system --unit=multi-user.target
`, folder, n.Dir, account.HomeDir, systemdProgram)
	// When it is killed with the cluster, the kernel ends its namespace.
	process, err := n.SpawnAsRoot(filepath.Join(folder, "log"), "unshare", "--mount", "--pid", "--fork", "--cgroup", "--uts", "--ipc", "--kill-child", "--mount-proc", "sh", "-c", script)
	s.must(err)
	// Without XDG_RUNTIME_DIR services have their pid files below /tmp.
	for _, program := range []string{"pgaf", "pg_autoctl"} {
		s.T.Cleanup(func() { os.RemoveAll(filepath.Join("/tmp", program, n.Dir)) })
	}
	h := &systemdHost{story: s, account: account.Username, env: []string{"PGDATA=" + n.PGDATA, "PATH=" + postgres.BinDir + ":" + os.Getenv("PATH")}}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); ; <-tick.C {
		children, _ := os.ReadFile(fmt.Sprintf("/proc/%[1]d/task/%[1]d/children", process.PID))
		if _, err := fmt.Sscan(string(children), &h.pid); err == nil {
			if _, err := h.try("systemctl is-active multi-user.target"); err == nil {
				break
			}
		}
		if !process.Running() {
			s.Skipf("systemd does not run here:\n%s", harness.Tail(process.Log, 10))
		}
		if time.Now().After(deadline) {
			s.Fatalf("systemd is not ready:\n%s", harness.Tail(process.Log, 10))
		}
	}
	h.types("systemctl start dbus.socket") // for questions of others than root
	return h
}

// try runs lines of shell as root on the host.
func (h *systemdHost) try(lines string) (string, error) {
	ctx, cancel := context.WithTimeout(h.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "nsenter", "-t", fmt.Sprint(h.pid), "-m", "-p", "-C", "-u", "-i", "-n", "sh", "-e", "-c", lines)
	cmd.Env = h.env
	cmd.Dir = "/"
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (h *systemdHost) types(lines string) string {
	h.Helper()
	out, err := h.try(lines)
	if err != nil {
		h.Fatalf("%s: %v\n%s", lines, err, out)
	}
	return out
}

// postmasterFile is the pid and the start time of a running postmaster.
func (s *story) postmasterFile(n *harness.Node) string {
	s.Helper()
	content, err := os.ReadFile(filepath.Join(n.PGDATA, "postmaster.pid"))
	s.must(err)
	lines := strings.Split(string(content), "\n")
	return lines[0] + " " + lines[2]
}

// documentedUnder is the block ```sh WORD of a document.
func documentedUnder(t *testing.T, document, word string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(run.Repo, "docs", document))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(content), "```sh "+word+"\n")
	block, _, closed := strings.Cut(rest, "```")
	if !found || !closed {
		t.Fatalf("%s has no block %q", document, word)
	}
	return block
}
