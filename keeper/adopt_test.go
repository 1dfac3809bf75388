package keeper

import (
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgaf/monitor"
)

// olderStateFile is the content of a pg_autoctl.state, field by field.
func olderStateFile(version int32, nodeID, group int32, assigned, current int32) []byte {
	order := binary.NativeEndian
	var b []byte
	b = order.AppendUint32(b, uint32(version))
	b = order.AppendUint32(b, 0) // pg_version
	b = order.AppendUint32(b, 1300)
	b = order.AppendUint32(b, 202209061)
	b = order.AppendUint64(b, 7713303383855902925)
	b = order.AppendUint32(b, uint32(nodeID))
	b = order.AppendUint32(b, uint32(group))
	b = order.AppendUint32(b, uint32(assigned))
	b = order.AppendUint32(b, 0)          // padding
	b = order.AppendUint64(b, 0)          // version of the nodes
	b = order.AppendUint64(b, 1795893421) // last contact of the monitor
	b = order.AppendUint32(b, uint32(current))
	b = order.AppendUint32(b, 0)
	b = order.AppendUint64(b, 0)          // last contact of a standby
	b = order.AppendUint64(b, ^uint64(0)) // lag
	return append(b, make([]byte, olderStateSize-len(b))...)
}

func TestOlderStateIsRead(t *testing.T) {
	for _, version := range []int32{1, 2} {
		got, err := parseOlderState(olderStateFile(version, 7, 2, 3, 4))
		want := State{
			NodeID: 7, GroupID: 2, Assigned: monitor.StatePrimary, Current: monitor.StateWaitPrimary,
			SystemIdentifier: 7713303383855902925, ControlVersion: 1300, CatalogVersion: 202209061,
			LastMonitorContact: time.Date(2026, 11, 28, 19, 17, 1, 0, time.UTC),
		}
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("version %d: %+v, %v", version, got, err)
		}
	}
}

func TestOlderStateIsWrittenBack(t *testing.T) {
	before := olderStateFile(1, 7, 2, 9, 9)
	after := patchOlderState(before, State{Current: monitor.StateDemoted, Assigned: monitor.StateCatchingup, NodeID: 99})
	if want := olderStateFile(1, 7, 2, 10, 6); !reflect.DeepEqual(after, want) {
		t.Errorf("%x, want %x", after[:80], want[:80])
	}
	if !reflect.DeepEqual(before, olderStateFile(1, 7, 2, 9, 9)) {
		t.Error("the content that was read has changed")
	}
}

func TestOlderStatesAreNumberedAsTheirs(t *testing.T) {
	if len(olderStates) != len(monitor.States) {
		t.Errorf("%d states, the monitor has %d", len(olderStates), len(monitor.States))
	}
	// By the numbers in the files of real nodes.
	for number, state := range map[int]monitor.State{1: monitor.StateInit, 2: monitor.StateSingle, 3: monitor.StatePrimary,
		4: monitor.StateWaitPrimary, 9: monitor.StateSecondary, 13: monitor.StateMaintenance, 21: monitor.StateDropped} {
		if olderStates[number] != state {
			t.Errorf("%d is %s, want %s", number, olderStates[number], state)
		}
	}
}

func TestOlderStateIsRefused(t *testing.T) {
	whole := olderStateFile(1, 1, 0, 3, 3)
	for reason, content := range map[string][]byte{
		"it has 0 bytes":                     nil,
		"it has 100 bytes":                   whole[:100],
		"it has 1025 bytes":                  append(whole[:1024:1024], 0),
		"its format is version 3":            olderStateFile(3, 1, 0, 3, 3),
		"its format is version 0":            make([]byte, olderStateSize),
		"by the unknown number 22":           olderStateFile(1, 1, 0, 22, 3),
		"by the unknown number -1":           olderStateFile(1, 1, 0, 3, -1),
		"a state by the unknown number 9999": olderStateFile(2, 1, 0, 3, 9999),
	} {
		if _, err := parseOlderState(content); err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("want %q, got %v", reason, err)
		}
	}
}

func TestUnitOfAProcess(t *testing.T) {
	for cgroup, want := range map[string]string{
		"0::/system.slice/pgautofailover.service\n":                                                        "pgautofailover.service ",
		"12:pids:/system.slice/other.service\n1:name=systemd:/system.slice/pgautofailover.service\n0::/\n": "pgautofailover.service ",
		"0::/system.slice/system-pg.slice/pg@main.service\n":                                               "pg@main.service ",
		"0::/user.slice/user-1000.slice/user@1000.service/app.slice/pg.service\n":                          "pg.service --user",
		"0::/user.slice/user-1000.slice/session-3.scope\n":                                                 " ",
		"0::/user.slice/user-1000.slice/user@1000.service/user.slice/run-1.scope\n":                        " ",
		"0::/\n":                            " ",
		"4:memory:/docker/0123456789abcd\n": " ",
		"":                                  " ",
	} {
		unit, manager := unitOf(cgroup)
		if got := unit + " " + strings.Join(manager, " "); got != want {
			t.Errorf("%q: %q, want %q", cgroup, got, want)
		}
	}
}

// A supervisor with a service, and under that a child that must survive: real processes
// of a program of that name.
func TestOlderServiceEndsWithoutItsChild(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, olderProgram)
	shell, err := filepath.EvalSymlinks("/bin/sh")
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(shell)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(program, content, 0o755); err != nil {
		t.Fatal(err)
	}
	sleeping, err := exec.LookPath("sleep")
	if err != nil {
		t.Fatal(err)
	}
	service := exec.Command(program, "-c", `"$0" -c '"$1" 600 >/dev/null & echo $!; wait; echo ended >told' "$0" "$1" & wait; echo ended >told`, program, sleeping)
	service.Dir = dir
	says, err := service.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := service.Start(); err != nil {
		t.Fatal(err)
	}
	var child int
	if _, err := fmt.Fscanln(says, &child); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if p, err := os.FindProcess(child); err == nil {
			p.Kill()
		}
	}()
	pidFile := filepath.Join(dir, "pg_autoctl.pid")
	if err := os.WriteFile(pidFile, []byte(number(service.Process.Pid)+"\n"+dir+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}

	byFile := findOlderService([]string{filepath.Join(dir, "nowhere"), pidFile}, dir, 0)
	byChild := findOlderService(nil, dir, child)
	if len(byFile.pids) != 2 || byFile.pids[0] != service.Process.Pid || !reflect.DeepEqual(byFile, byChild) {
		t.Fatalf("found %v by its pid file, %v by its child; it is %d", byFile, byChild, service.Process.Pid)
	}
	if other := findOlderService([]string{pidFile}, "/another/folder", 0); other.running() {
		t.Errorf("found %v for another folder", other)
	}
	if err := byFile.freeze(); err != nil {
		t.Fatal(err)
	}
	if err := byFile.kill(); err != nil {
		t.Fatal(err)
	}
	service.Wait()
	if again := findOlderService([]string{pidFile}, dir, child); again.running() {
		t.Errorf("%v still runs", again)
	}
	if programOf(child) == "" {
		t.Error("the child ended, too")
	}
	if _, err := os.Stat(filepath.Join(dir, "told")); err == nil {
		t.Error("it could say that it ended")
	}
}
