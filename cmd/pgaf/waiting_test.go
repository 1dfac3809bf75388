package main

import (
	"bytes"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// A wait says what for, how long already and at most, and how to stop it; on a terminal its line is gone in the end.
func TestWaitingOnTerminal(t *testing.T) {
	var terminal bytes.Buffer
	a := &app{stderr: &bar{w: &terminal}, log: slog.New(slog.NewTextHandler(io.Discard, nil))}
	w := a.waiting(waitText{what: "node_b to leave", limit: time.Minute, stop: "Ctrl-C stops waiting"})
	w.changed("node_b to stop")
	w.end()
	for _, want := range []string{"waiting for node_b to stop: 0 s of at most 60 s", "; Ctrl-C"} {
		if !strings.Contains(terminal.String(), want) {
			t.Errorf("%q is not shown in %q", want, terminal.String())
		}
	}
	if !strings.HasSuffix(terminal.String(), eraseLine) {
		t.Errorf("the line stays: %q", terminal.String())
	}
}

func TestWaitingInLog(t *testing.T) {
	var log bytes.Buffer
	a := &app{stderr: &log, log: slog.New(slog.NewTextHandler(&log, nil))}
	a.waiting(waitText{what: "node_b to leave", limit: time.Minute, stop: "Ctrl-C stops waiting"}).end()
	if want := "waiting for node_b to leave, at most 60 s; Ctrl-C stops waiting"; strings.Count(log.String(), want) != 1 {
		t.Errorf("%q is not logged once in %q", want, log.String())
	}
	log.Reset()
	a.waiting(waitText{what: "a moment", late: true}).end()
	if log.String() != "" {
		t.Errorf("a short wait is logged: %q", log.String())
	}
}
