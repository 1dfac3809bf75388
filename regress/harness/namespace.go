package harness

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// socketFolder is where Debian's Postgres puts its Unix sockets. Each namespace has
// an empty one of its own, so that servers with the same port on different hosts, or outside,
// do not meet there, and an ordinary user may write to it.
const socketFolder = "/var/run/postgresql"

// namespace is a network and a mount namespace without names, kept alive by one thread, which
// starts the processes that live there, and by a file descriptor.
type namespace struct {
	net    *os.File
	starts chan func()
}

// newNamespace creates both on a thread of its own.
func newNamespace() (*namespace, error) {
	ns := &namespace{starts: make(chan func())}
	ready := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		err := ns.enter()
		ready <- err
		if err != nil {
			return
		}
		for start := range ns.starts {
			start()
		}
	}()
	return ns, <-ready
}

// enter moves the calling thread to new namespaces.
func (n *namespace) enter() (err error) {
	if err := unix.Unshare(unix.CLONE_NEWNET | unix.CLONE_NEWNS | unix.CLONE_FS); err != nil {
		return fmt.Errorf("create a network and a mount namespace: %w", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make the mounts of a namespace private: %w", err)
	}
	if _, err := os.Stat(socketFolder); err == nil {
		if err := unix.Mount("tmpfs", socketFolder, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=1777"); err != nil {
			return fmt.Errorf("mount a private %s: %w", socketFolder, err)
		}
	}
	n.net, err = os.Open("/proc/thread-self/ns/net")
	return err
}

// start starts a process in both namespaces.
func (n *namespace) start(cmd *exec.Cmd) error {
	done := make(chan error)
	n.starts <- func() { done <- cmd.Start() }
	return <-done
}

// mountFile lets the processes of the namespace see one file in the place of another.
func (n *namespace) mountFile(file, place string) error {
	done := make(chan error)
	n.starts <- func() { done <- unix.Mount(file, place, "", unix.MS_BIND, "") }
	if err := <-done; err != nil {
		return fmt.Errorf("mount %s as %s: %w", file, place, err)
	}
	return nil
}

// do calls f on a thread inside the network namespace.
func (n *namespace) do(f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		home, err := os.Open("/proc/thread-self/ns/net")
		if err != nil {
			done <- err
			return
		}
		defer home.Close()
		if err := unix.Setns(int(n.net.Fd()), unix.CLONE_NEWNET); err != nil {
			done <- fmt.Errorf("enter a network namespace: %w", err)
			return
		}
		err = f()
		// A thread that cannot come home stays locked and ends with the goroutine.
		if unix.Setns(int(home.Fd()), unix.CLONE_NEWNET) == nil {
			runtime.UnlockOSThread()
		}
		done <- err
	}()
	return <-done
}

// path names the network namespace for a child process such as ip.
func (n *namespace) path() string {
	return fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), n.net.Fd())
}

// ip runs iproute2 commands inside the namespace, all by one process.
func (n *namespace) ip(commands ...string) error {
	cmd := exec.Command("ip", "-batch", "-")
	cmd.Stdin = strings.NewReader(strings.Join(commands, "\n") + "\n")
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := n.start(cmd); err != nil {
		if errors.Is(err, exec.ErrNotFound) {
			return fmt.Errorf("%w; install iproute2 (make deps)", err)
		}
		return err
	}
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("ip %s: %w: %s", strings.Join(commands, "; "), err, strings.TrimSpace(out.String()))
	}
	return nil
}

// close lets the thread end; the kernel removes the namespaces with their last process.
func (n *namespace) close() {
	close(n.starts)
	n.net.Close()
}
