package main

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// terminal is a program on a pseudo-terminal, with what it has printed.
type terminal struct {
	fail  func(format string, args ...any) // ends the test
	cmd   *exec.Cmd
	pty   *os.File
	mu    sync.Mutex
	shown strings.Builder
	more  chan struct{} // something was printed, or the program has ended
	ended chan struct{} // nothing more will be printed
}

// onTerminal starts cmd on a terminal wide enough that no line is broken.
func onTerminal(cmd *exec.Cmd, fail func(string, ...any)) *terminal {
	pty, tty, err := openPty()
	if err != nil {
		fail("open a pseudo-terminal: %v", err)
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = tty, tty, tty
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	err = cmd.Start()
	tty.Close()
	if err != nil {
		pty.Close()
		fail("%v", err)
	}
	term := &terminal{fail: fail, cmd: cmd, pty: pty, more: make(chan struct{}, 1), ended: make(chan struct{})}
	go func() {
		defer close(term.ended)
		term.read()
	}()
	return term
}

// close ends the program, if it has not ended by itself.
func (term *terminal) close() {
	_ = syscall.Kill(-term.cmd.Process.Pid, syscall.SIGKILL)
	_ = term.cmd.Wait()
	<-term.ended
	term.pty.Close()
}

func openPty() (pty, tty *os.File, err error) {
	if pty, err = os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0); err != nil {
		return nil, nil, err
	}
	fd := int(pty.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		return nil, nil, err
	}
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		return nil, nil, err
	}
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 200, Col: 400}); err != nil {
		return nil, nil, err
	}
	tty, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	return pty, tty, err
}

func (term *terminal) read() {
	buffer := make([]byte, 4096)
	for {
		n, err := term.pty.Read(buffer)
		term.mu.Lock()
		term.shown.Write(buffer[:n])
		term.mu.Unlock()
		select {
		case term.more <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

// send types text.
func (term *terminal) send(text string) {
	if _, err := term.pty.WriteString(text); err != nil {
		term.fail("%v", err)
	}
}

// await waits until the program has printed what matches, and forgets all that
// was printed so far. It returns the submatches.
func (term *terminal) await(expression string) []string {
	want := regexp.MustCompile(expression)
	deadline := time.After(time.Minute)
	for {
		term.mu.Lock()
		text := withoutEscapes(term.shown.String())
		m := want.FindStringSubmatch(text)
		if m != nil {
			term.shown.Reset()
		}
		term.mu.Unlock()
		if m != nil {
			return m
		}
		select {
		case <-term.more:
			continue
		default:
		}
		select {
		case <-term.more:
		case <-term.ended:
			term.fail("the program has ended, and there is no %q in:\n%s", expression, text)
		case <-deadline:
			term.fail("after a minute there is no %q in:\n%s", expression, text)
		}
	}
}

var escapes = regexp.MustCompile(`\x1b\[[0-9;?]*[a-zA-Z]|\x1b[=>]|\r`)

// withoutEscapes is text without what steers a terminal.
func withoutEscapes(text string) string { return escapes.ReplaceAllString(text, "") }

// runOnTTY is the program "tty REGEXP KEYS program args…": it runs the program on a
// terminal, waits until that shows what matches, types the keys, and ends as the
// program does.
func runOnTTY() {
	fail := func(format string, args ...any) {
		fmt.Fprintf(os.Stderr, format+"\n", args...)
		os.Exit(1)
	}
	if len(os.Args) < 4 {
		fail("usage: tty REGEXP KEYS program [args...]")
	}
	cmd := exec.Command(os.Args[3], os.Args[4:]...)
	cmd.Env = append(os.Environ(), "TERM=xterm")
	term := onTerminal(cmd, fail)
	term.await(os.Args[1])
	term.send(os.Args[2])
	<-term.ended
	err := cmd.Wait()
	term.close()
	if err != nil {
		fail("%v: %v", os.Args[3:], err)
	}
}
