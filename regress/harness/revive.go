package harness

import (
	"errors"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// revivePause is between the end of a pgaf that failed by itself and its next start.
const revivePause = 200 * time.Millisecond

// Revive starts the node's pgaf again whenever it ended otherwise than well, as a service manager would, with the
// options that it had. One that ends with exit code 0 stays ended. The returned function ends the care; twice is no error.
func (n *Node) Revive() (stop func()) {
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			p := n.running()
			select {
			case <-p.Done():
			case <-quit:
				return
			}
			if p.err == nil {
				return
			}
			if !p.killed() {
				select {
				case <-time.After(revivePause):
				case <-quit:
					return
				}
			}
			select {
			case <-quit:
				return
			default:
			}
			if n.start(n.args...) != nil {
				return
			}
		}
	}()
	return sync.OnceFunc(func() {
		close(quit)
		<-done
	})
}

// killed tells whether SIGKILL has ended the process.
func (p *Process) killed() bool {
	var exit *exec.ExitError
	if !errors.As(p.err, &exit) {
		return false
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGKILL
}
