package keeper

import (
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// instant is a point in time on CLOCK_BOOTTIME, which no one sets and which goes
// on while the machine is suspended. It only compares within one boot of one
// machine, and that is all a lease needs.
type instant time.Duration

// sub is the time from u to t.
func (t instant) sub(u instant) time.Duration { return time.Duration(t - u) }

func (t instant) add(d time.Duration) instant { return t + instant(d) }

// bootTime reads the clock.
func bootTime() instant {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		// The clock exists since Linux 2.6.39 and cannot fail for a valid address.
		panic("clock_gettime(CLOCK_BOOTTIME): " + err.Error())
	}
	return instant(ts.Nano())
}

// bootID identifies the current boot, so that an instant read back from a file is
// recognised as one of another boot. Empty when it cannot be known.
func bootID() string {
	content, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(content))
}
