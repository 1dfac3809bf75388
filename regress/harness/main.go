package harness

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// Environment variables by which Main recognises its own further runs.
const (
	watchdogVariable = "PGAF_REGRESS_WATCHDOG" // value: the folder of the run to watch
	guardedVariable  = "PGAF_REGRESS_GUARDED"  // value: a World, or why it could not be had
)

// World is what body may use besides the loopback of this machine.
type World string

// An ordinary user's body sees the processes of its own world only, those of an earlier run
// in another user namespace not.
const (
	ThisMachine World = "machine"    // nothing; the processes that it starts may stay
	Namespaces  World = "namespaces" // network namespaces and mounts; System V memory of its own
)

// Main runs body in the world that it needs and returns the exit code.
// Call it first thing in main or TestMain: os.Exit(harness.Main(harness.Namespaces, m.Run)).
//
// The program then runs up to three times: first as the guardian, which only reaps; as
// its child, which is the run with body; and as the run's watchdog.
//
// The guardian is there because a killed keeper leaves an orphan, a Postgres whose end
// somebody has to collect at once: a dead process that nobody collected still looks
// alive to the next Postgres on the same PGDATA. The first process of a container often
// takes its time, the guardian does not. For an ordinary user it also puts
// the child in an unprivileged user namespace, in which it may create network
// namespaces and mounts. Where the kernel refuses that, body still runs, and
// what needs a namespace fails with the kernel's reason.
//
// A killed Postgres whose folder is removed leaves a piece of System V shared memory, of
// which a machine has some thousands only. Those of an IPC namespace end with it.
func Main(world World, body func() int) int {
	if dir := os.Getenv(watchdogVariable); dir != "" {
		watchdog(dir)
		return 0
	}
	if os.Getenv(guardedVariable) != "" {
		// The main thread must never be the one that goes into a host's namespaces: what
		// the kernel says about the process (/proc/self) it says about its main thread.
		runtime.LockOSThread()
		return body()
	}
	code, err := guard(world)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// guard removes what dead runs left, runs this program again as a child, reaps all that the child's processes leave,
// and returns the child's exit code.
func guard(world World) (int, error) {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return 0, fmt.Errorf("become the reaper of orphans: %w", err)
	}
	// A terminal sends its interrupt to the child as well; what is sent to the
	// guardian alone is passed on.
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGQUIT)
	runtime.LockOSThread() // Pdeathsig is sent when the starting thread ends
	sweep()
	child, err := startGuarded(world)
	if err != nil {
		return 0, err
	}
	go func() {
		for s := range signals {
			if s != os.Interrupt {
				_ = syscall.Kill(child, s.(syscall.Signal))
			}
		}
	}()
	for {
		var status unix.WaitStatus
		pid, err := unix.Wait4(-1, &status, 0, nil)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return 0, fmt.Errorf("wait for the guarded run: %w", err)
		case pid == child && status.Exited():
			return status.ExitStatus(), nil
		case pid == child && status.Signaled():
			return 128 + int(status.Signal()), nil
		}
	}
}

// startGuarded starts this program again; for an ordinary user as the same user in a
// new user and mount namespace, with the two capabilities that the harness uses there.
func startGuarded(world World) (int, error) {
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	start := func(guarded string, attributes syscall.SysProcAttr) (int, error) {
		attributes.Pdeathsig = syscall.SIGKILL
		return syscall.ForkExec(self, os.Args, &syscall.ProcAttr{
			Env:   append(os.Environ(), guardedVariable+"="+guarded),
			Files: []uintptr{0, 1, 2},
			Sys:   &attributes,
		})
	}
	switch {
	case world == ThisMachine:
		return start(string(world), syscall.SysProcAttr{})
	case os.Geteuid() == 0:
		if pid, err := start(string(world), syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWIPC}); err == nil {
			return pid, nil
		}
		return start(string(world), syscall.SysProcAttr{}) // root of a container that may not
	}
	uid, gid := os.Getuid(), os.Getgid()
	pid, err := start(string(world), syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS | syscall.CLONE_NEWIPC,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: uid, HostID: uid, Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: gid, HostID: gid, Size: 1}},
		AmbientCaps: []uintptr{unix.CAP_NET_ADMIN, unix.CAP_SYS_ADMIN},
	})
	if err == nil {
		return pid, nil
	}
	return start(fmt.Sprintf("no unprivileged user namespace: %v; run as root, or allow it (sysctl kernel.unprivileged_userns_clone=1 or kernel.apparmor_restrict_unprivileged_userns=0)", err), syscall.SysProcAttr{})
}

// namespacesAllowed tells why network namespaces and mounts cannot be made here.
func namespacesAllowed() error {
	if os.Geteuid() == 0 {
		return nil
	}
	switch why := os.Getenv(guardedVariable); why {
	case string(Namespaces):
		return nil
	case "", string(ThisMachine):
		return errors.New("network namespaces need root, or a program that starts with harness.Main(harness.Namespaces, …)")
	default:
		return errors.New(why)
	}
}
