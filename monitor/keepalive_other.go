//go:build !linux

package monitor

import (
	"syscall"
	"time"
)

// userTimeoutControl: only Linux has TCP_USER_TIMEOUT; elsewhere the keepalives must do.
func userTimeoutControl(time.Duration) func(network, address string, c syscall.RawConn) error {
	return nil
}
