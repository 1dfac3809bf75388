package main

import (
	"fmt"
	"net"
	"path/filepath"
	"regexp"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// notifySocket is the script command "notify_socket SECONDS": from now on programs find
// a service manager with a watchdog of that time, as systemd would be one.
func notifySocket(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: notify_socket SECONDS")
	}
	watchdog, err := time.ParseDuration(args[0] + "s")
	ts.Check(err)
	path := filepath.Join(ts.Getenv("WORK"), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	ts.Check(err)
	ts.Defer(func() { conn.Close() })
	m := &messages{came: make(chan struct{}, 1)}
	notified.Store(ts.Getenv("WORK"), m)
	go m.collect(conn)
	ts.Setenv("NOTIFY_SOCKET", path)
	ts.Setenv("WATCHDOG_USEC", fmt.Sprint(watchdog.Microseconds()))
}

// notified has the messages of each script by its folder.
var notified sync.Map

// messages are those that a service has sent and no script has asked for yet.
type messages struct {
	mu   sync.Mutex
	all  []string
	came chan struct{}
}

func (m *messages) collect(conn *net.UnixConn) {
	buffer := make([]byte, 4096)
	for {
		n, err := conn.Read(buffer)
		if err != nil {
			return
		}
		m.mu.Lock()
		m.all = append(m.all, string(buffer[:n]))
		m.mu.Unlock()
		select {
		case m.came <- struct{}{}:
		default:
		}
	}
}

// take removes the messages up to the first that matches, and says whether one did.
func (m *messages) take(want *regexp.Regexp) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, message := range m.all {
		if want.MatchString(message) {
			m.all = m.all[i+1:]
			return true
		}
	}
	return false
}

// wasNotified is the script command "[!] notified SECONDS REGEXP": a message that
// matches comes within that time, after those that were found before. With ! none comes
// until the end of it.
func wasNotified(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: [!] notified SECONDS REGEXP")
	}
	limit, err := time.ParseDuration(args[0] + "s")
	ts.Check(err)
	want, err := regexp.Compile("(?m)" + args[1])
	ts.Check(err)
	m := messagesOf(ts)
	late := time.After(limit)
	for !m.take(want) {
		select {
		case <-m.came:
			continue
		case <-late:
		}
		if !neg {
			ts.Fatalf("after %s no message matches %q; those that came: %q", limit, want, m.all)
		}
		return
	}
	if neg {
		ts.Fatalf("a message matches %q", want)
	}
}

// forgetNotified is the script command "forget_notified".
func forgetNotified(ts *testscript.TestScript, _ bool, _ []string) {
	for m := messagesOf(ts); m.take(regexp.MustCompile("")); {
	}
}

func messagesOf(ts *testscript.TestScript) *messages {
	m, found := notified.Load(ts.Getenv("WORK"))
	if !found {
		ts.Fatalf("notify_socket comes first")
	}
	return m.(*messages)
}
