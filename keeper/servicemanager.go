package keeper

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// serviceManager is who started this process and wants to hear how it does: systemd,
// for a unit of Type=notify (sd_notify(3)). Without one every call does nothing.
//
// The program that replaces this one inherits the environment, and so the socket.
type serviceManager struct {
	socket   string
	watchdog time.Duration // 0: none; else a process that is silent for that long is killed

	mu     sync.Mutex
	ready  bool
	status string
	fed    time.Time
}

// notifyLimit bounds one message: a service manager that hangs must not make a keeper
// hang that has a lease to watch.
const notifyLimit = 100 * time.Millisecond

// newServiceManager finds it in the environment.
func newServiceManager() *serviceManager {
	m := &serviceManager{socket: os.Getenv("NOTIFY_SOCKET")}
	if m.socket == "" {
		return m
	}
	// The variables are inherited: those of a watchdog name the process they are for.
	pid := os.Getenv("WATCHDOG_PID")
	if pid == "" || pid == strconv.Itoa(os.Getpid()) {
		if us, err := strconv.ParseInt(os.Getenv("WATCHDOG_USEC"), 10, 64); err == nil && us > 0 {
			m.watchdog = time.Duration(us) * time.Microsecond
		}
	}
	return m
}

func (m *serviceManager) send(lines ...string) {
	if m.socket == "" {
		return
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: m.socket, Net: "unixgram"})
	if err != nil {
		return // it is gone: nobody to tell
	}
	defer conn.Close()
	_ = conn.SetWriteDeadline(time.Now().Add(notifyLimit))
	_, _ = conn.Write([]byte(strings.Join(lines, "\n")))
}

// started ends the start of the unit, once.
func (m *serviceManager) started() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.ready {
		m.ready = true
		m.send("READY=1", mainPid())
	}
}

// mainPid names this process: a program that was replaced may have had another one.
func mainPid() string { return fmt.Sprintf("MAINPID=%d", os.Getpid()) }

// says is the line that systemctl status shows.
func (m *serviceManager) says(status string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if status != m.status {
		m.status = status
		m.send("STATUS=" + status)
	}
}

// alive is called by the service's own loop, each time round: a loop that hangs is
// noticed.
func (m *serviceManager) alive() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if now := time.Now(); m.watchdog > 0 && now.Sub(m.fed) >= m.watchdog/4 {
		m.fed = now
		m.send("WATCHDOG=1")
	}
}

// reloading and reloaded enclose what a reload, or a replacement of the program, does.
func (m *serviceManager) reloading(status string) {
	m.send("RELOADING=1", "MONOTONIC_USEC="+monotonic(), "STATUS="+status)
}

func (m *serviceManager) reloaded() {
	m.mu.Lock()
	defer m.mu.Unlock()
	lines := []string{"READY=1", mainPid()}
	if m.status != "" {
		lines = append(lines, "STATUS="+m.status)
	}
	m.send(lines...)
}

// stopping says that the end has begun, and why it may take its time.
func (m *serviceManager) stopping(status string) {
	m.send("STOPPING=1", "STATUS="+status)
}

// while runs f, which is bounded by itself, and waits for it as a living service.
func (m *serviceManager) while(f func() error) error {
	done := make(chan error, 1)
	go func() { done <- f() }()
	tick := time.NewTicker(lookInterval)
	defer tick.Stop()
	for {
		m.alive()
		select {
		case err := <-done:
			return err
		case <-tick.C:
		}
	}
}

// monotonic is CLOCK_MONOTONIC in microseconds: by it systemd tells this reload from
// an earlier one.
func monotonic() string {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		return "0"
	}
	return strconv.FormatInt(now.Nano()/1000, 10)
}
