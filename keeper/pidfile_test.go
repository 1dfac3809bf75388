package keeper

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func samplePidFile() PidFile {
	return PidFile{Pid: os.Getpid(), PGDATA: "/srv/pg data", Version: "1.0", ExtensionVersion: "3.0",
		Services: []PidService{{os.Getpid(), "postgres"}, {os.Getpid(), "node-active"}}}
}

func TestPidFileRoundTrip(t *testing.T) {
	want := samplePidFile()
	got, err := parsePidFile(want.String())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, damaged := range []string{"", "1\n/x\n", "x\n/x\n1\n3\n0\n", "1\n/x\n1\n3\nx\n", "1\n/x\n1\n3\n0\nx postgres\n"} {
		if _, err := parsePidFile(damaged); err == nil {
			t.Errorf("%q is taken for a pid file", damaged)
		}
	}
}

func TestOneServicePerNode(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pgaf.pid")
	if _, err := ReadPidFile(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	lock, err := acquirePidFile(path, samplePidFile())
	if err != nil {
		t.Fatal(err)
	}
	if got, err := ReadPidFile(path); err != nil || got.Pid != os.Getpid() {
		t.Errorf("%+v, %v", got, err)
	}
	_, err = acquirePidFile(path, samplePidFile())
	if !errors.Is(err, errRunning) || ExitCode(err) != ExitBadState {
		t.Errorf("a second service starts: %v", err)
	}
	lock.release()
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the file stays: %v", err)
	}
	again, err := acquirePidFile(path, samplePidFile())
	if err != nil {
		t.Fatal(err)
	}
	again.release()
}

// After SIGKILL the file is left behind, and its pid may be that of somebody else.
func TestStalePidFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pgaf.pid")
	stale := samplePidFile()
	stale.Pid = 1
	if err := os.WriteFile(path, []byte(stale.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadPidFile(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a stale file counts as a running service: %v", err)
	}
	lock, err := acquirePidFile(path, samplePidFile())
	if err != nil {
		t.Fatal(err)
	}
	defer lock.release()
	if got, err := ReadPidFile(path); err != nil || got.Pid != os.Getpid() {
		t.Errorf("%+v, %v", got, err)
	}
}

// Whoever finds the lock held may send SIGHUP at once; it must not end the service.
func TestReloadIsAwaitedBeforeTheLock(t *testing.T) {
	paths := Paths{Pid: filepath.Join(t.TempDir(), "pgaf.pid"), Lock: filepath.Join(t.TempDir(), "pgaf.lock")}
	lock, err := lockNode(paths, samplePidFile())
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(os.Getpid(), reloadSignal); err != nil {
		t.Fatal(err)
	}
	<-lock.reload
	lock.release()
}
