package monitor

import (
	"errors"
	"net"
	"os"
	"sync"
	"time"
)

// errRung tells that a wait ended because the bell was rung.
var errRung = errors.New("rung")

// doorbell lets one goroutine sleep, on a timer or on a network connection,
// and others wake it. A ring while nobody sleeps ends the next sleep at once.
type doorbell struct {
	mu   sync.Mutex
	rung bool
	conn net.Conn      // the connection slept on
	bell chan struct{} // wakes a sleep on the timer
}

func newDoorbell() *doorbell { return &doorbell{bell: make(chan struct{}, 1)} }

// ring wakes the sleeper. Safe for concurrent use.
func (d *doorbell) ring() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.rung = true
	if d.conn != nil {
		_ = d.conn.SetReadDeadline(time.Unix(1, 0))
	}
	select {
	case d.bell <- struct{}{}:
	default:
	}
}

// sleep lasts until the given time (nil) or a ring (errRung).
func (d *doorbell) sleep(until time.Time) error {
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-d.bell:
		d.answer()
		return errRung
	}
}

// sleepOn reads from a connection until the given time (nil), a ring (errRung)
// or an error of read, which is returned. A deadline does no harm to the
// connection.
func (d *doorbell) sleepOn(conn net.Conn, until time.Time, read func() error) error {
	if !d.lieDown(conn, until) {
		return errRung
	}
	err := read()
	rung := d.answer()
	switch {
	case !errors.Is(err, os.ErrDeadlineExceeded):
		return err
	case rung:
		return errRung
	}
	return nil
}

// lieDown begins a sleep on conn; false when the bell has been rung already.
func (d *doorbell) lieDown(conn net.Conn, until time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.rung {
		d.takeRing()
		return false
	}
	d.conn = conn
	_ = conn.SetReadDeadline(until) // a closed connection fails in the read
	return true
}

// answer ends a sleep and reports whether the bell was rung.
func (d *doorbell) answer() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.conn = nil
	rung := d.rung
	d.takeRing()
	return rung
}

func (d *doorbell) takeRing() {
	d.rung = false
	select {
	case <-d.bell:
	default:
	}
}
