package main

import (
	"fmt"
	"net"
	"os"
	"sync"
)

// The ports of this package's tests.
const (
	firstPort = 7400
	lastPort  = 7499
)

// portPool lends ports to scripts that run at the same time.
type portPool struct {
	mu   sync.Mutex
	next int
	lent map[int]bool
}

// It begins anywhere: the same tests may run in another checkout.
var ports = portPool{next: firstPort + os.Getpid()%(lastPort-firstPort+1), lent: map[int]bool{}}

// take lends n ports that nothing listens on. It goes round the range, so that a
// port rests before it is used again.
func (p *portPool) take(n int) ([]int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var taken []int
	for tries := firstPort; tries <= lastPort && len(taken) < n; tries++ {
		port := p.next
		if p.next++; p.next > lastPort {
			p.next = firstPort
		}
		if p.lent[port] || !listens(port) {
			continue
		}
		p.lent[port] = true
		taken = append(taken, port)
	}
	if len(taken) < n {
		return nil, fmt.Errorf("no %d free ports between %d and %d", n, firstPort, lastPort)
	}
	return taken, nil
}

// giveBack ends a loan.
func (p *portPool) giveBack(taken []int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, port := range taken {
		delete(p.lent, port)
	}
}

// listens reports whether this process can listen on port, so nobody else does.
func listens(port int) bool {
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return false
	}
	listener.Close()
	return true
}
