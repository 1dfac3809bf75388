package postgres

import (
	"errors"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// Kernels without pidfd can be asked only.
func TestProcessWithoutPidfd(t *testing.T) {
	cmd := exec.Command("sleep", "60")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &process{pid: cmd.Process.Pid}
	if err := p.signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := p.wait(); err != nil || alive(p.pid) {
		t.Fatalf("alive after wait: %v", err)
	}
	_ = cmd.Wait()
	if err := p.signal(syscall.SIGTERM); !errors.Is(err, syscall.ESRCH) {
		t.Fatalf("signal to a process that is gone: %v", err)
	}
}

// One that ignores the polite signal is killed; the innocent stay.
func TestEndProcesses(t *testing.T) {
	stubborn := exec.Command("/bin/sh", "-c", `trap "" QUIT; echo ready; while :; do sleep 1; done`)
	out, err := stubborn.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	other := exec.Command("sleep", "60")
	for _, cmd := range []*exec.Cmd{stubborn, other} {
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := out.Read(make([]byte, 6)); err != nil {
		t.Fatal(err)
	}
	err = endProcesses(within(t, time.Minute), 50*time.Millisecond, func(pid int) bool {
		return pid == stubborn.Process.Pid && alive(pid)
	})
	if err != nil || alive(stubborn.Process.Pid) || !alive(other.Process.Pid) {
		t.Fatalf("%v, stubborn %t, other %t", err, alive(stubborn.Process.Pid), alive(other.Process.Pid))
	}
	_ = other.Process.Kill()
	_ = stubborn.Wait()
	_ = other.Wait()
}
