package main

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Every wait looks the same: what is waited for, how long already and at most, and how to stop waiting. On a terminal
// that is the last line, drawn anew every second; in a log it is a line at the begin and ever rarer ones after that.

// waitText is what is said of a wait.
type waitText struct {
	what  string        // what is waited for at first
	limit time.Duration // 0: none
	stop  string        // what Ctrl-C does
	late  bool          // usually short: a log has nothing at the begin
}

type waitLine struct {
	waitText
	present atomic.Value // string: what is waited for now
	app     *app
	begun   time.Time
	done    chan struct{}
	ended   sync.WaitGroup
}

// A log has a line after these; then one every waitLogMost.
const (
	waitLogFirst = 5 * time.Second
	waitLogMost  = time.Minute
)

// waiting shows a wait until its end is called.
func (a *app) waiting(t waitText) *waitLine {
	w := &waitLine{waitText: t, app: a, begun: time.Now(), done: make(chan struct{})}
	w.present.Store(t.what)
	if _, terminal := a.stderr.(*bar); terminal {
		w.ended.Go(w.draw)
	} else {
		if !t.late {
			a.log.Info(w.first())
		}
		w.ended.Go(w.logs)
	}
	return w
}

func (w *waitLine) end() {
	close(w.done)
	w.ended.Wait()
}

// changed shows at once what is waited for now.
func (w *waitLine) changed(what string) {
	w.present.Store(what)
	if b, terminal := w.app.stderr.(*bar); terminal {
		b.showText(w.now())
	}
}

func (w *waitLine) elapsed() string {
	return shortDuration(time.Since(w.begun).Round(100 * time.Millisecond))
}

// first is "waiting for node_b to leave, at most 60 s; Ctrl-C …".
func (w *waitLine) first() string {
	text := "waiting for " + w.what
	if w.limit > 0 {
		text += ", at most " + shortDuration(w.limit)
	}
	return text + w.how()
}

// now is "waiting for node_b to leave: 12 s of at most 60 s; Ctrl-C …".
func (w *waitLine) now() string {
	text := fmt.Sprintf("waiting for %s: %s", w.present.Load(), shortDuration(time.Since(w.begun).Truncate(time.Second)))
	if w.limit > 0 {
		text += " of at most " + shortDuration(w.limit)
	}
	return text + w.how()
}

func (w *waitLine) how() string {
	if w.stop == "" {
		return ""
	}
	return "; " + w.stop
}

func (w *waitLine) draw() {
	b := w.app.stderr.(*bar)
	defer b.showText("")
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		b.showText(w.now())
		select {
		case <-tick.C:
		case <-w.done:
			return
		}
	}
}

func (w *waitLine) logs() {
	for pause := waitLogFirst; ; pause = min(2*pause, waitLogMost) {
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
			w.app.log.Info(w.now())
		case <-w.done:
			timer.Stop()
			return
		}
	}
}
