package harness

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
)

// Ports are leased from this range, below the kernel's ephemeral ports, so that
// no outgoing connection takes one between two starts of a server.
const (
	firstPort = 7600
	lastPort  = 7999
)

// portFolder holds one lock file per leased port, shared by all runs and users of
// the machine.
const portFolder = "/tmp/pgaf-regress-ports"

// portLeases are the ports that one process holds until it ends.
type portLeases struct {
	mu    sync.Mutex
	files []*os.File
}

// lease returns a port, at or after preferred, that no other run has leased and
// nothing listens on.
func (l *portLeases) lease(preferred int) (int, error) {
	if err := os.MkdirAll(portFolder, 0o777); err != nil {
		return 0, err
	}
	_ = os.Chmod(portFolder, 0o777|os.ModeSticky) // fails when it is another user's, who did it
	for port := max(preferred, firstPort); port <= lastPort; port++ {
		path := filepath.Join(portFolder, strconv.Itoa(port))
		lock, err := lockFile(path)
		if err != nil {
			continue
		}
		_ = os.Chmod(path, 0o666)
		if !portFree(port) {
			lock.Close()
			continue
		}
		l.mu.Lock()
		l.files = append(l.files, lock)
		l.mu.Unlock()
		return port, nil
	}
	return 0, fmt.Errorf("no free port between %d and %d", max(preferred, firstPort), lastPort)
}

// release gives all ports back.
func (l *portLeases) release() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, f := range l.files {
		f.Close()
	}
	l.files = nil
}

// portFree tells whether nothing listens on port of the loopback.
func portFree(port int) bool {
	listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return false
	}
	listener.Close()
	return true
}
