package monitor

import (
	"net"
	"time"
)

// keepalive holds the TCP settings of a connection to the monitor. Without
// them a monitor whose machine vanished would be waited for during hours.
type keepalive struct {
	off         bool
	idle        time.Duration
	interval    time.Duration
	count       int
	userTimeout time.Duration // unacknowledged data ends the connection after this long
}

func keepaliveFrom(params map[string]string) (keepalive, error) {
	var k keepalive
	var err error
	if k.idle, err = seconds(params, "keepalives_idle", 5*time.Second); err != nil {
		return k, err
	}
	if k.interval, err = seconds(params, "keepalives_interval", 2*time.Second); err != nil {
		return k, err
	}
	if k.count, err = count(params, "keepalives_count", 3); err != nil {
		return k, err
	}
	ms, err := count(params, "tcp_user_timeout", 10_000)
	k.userTimeout = time.Duration(ms) * time.Millisecond
	k.off = params["keepalives"] == "0"
	return k, err
}

func (k keepalive) dialer() *net.Dialer {
	d := &net.Dialer{
		KeepAliveConfig: net.KeepAliveConfig{
			Enable: !k.off, Idle: k.idle, Interval: k.interval, Count: k.count,
		},
		Control: userTimeoutControl(k.userTimeout),
	}
	if k.off {
		d.KeepAlive = -1 // zero would mean Go's own default
	}
	return d
}
