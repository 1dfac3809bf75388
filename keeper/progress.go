package keeper

import (
	"fmt"
	"sync/atomic"
	"time"

	"pgaf/keeper/postgres"
)

// Progress is how far a copy or a rewind has come.
type Progress struct {
	Doing       string // "copying", "cloning", "rewinding"
	Percent     int
	Done, Total int64 // bytes; 0 while nothing is known
	Ended       bool
}

// activity is what a node does that takes long, for the monitor's session and so for
// show state: "" or "copying 42 %".
type activity struct{ text atomic.Value }

func (a *activity) set(text string) { a.text.Store(text) }

func (a *activity) get() string {
	text, _ := a.text.Load().(string)
	return text
}

// report tells of the progress of one copy or rewind: to the terminal of a create, or
// else to the log, and to the monitor with the next heartbeat.
type report struct {
	n     *node
	doing string
	last  time.Time // of the log
	at    int       // percent in the log
}

func (n *node) progress(doing string) *report {
	n.activity.set(doing)
	return &report{n: n, doing: doing, last: time.Now()}
}

func (r *report) end() {
	r.n.activity.set("")
	if r.n.onProgress != nil {
		r.n.onProgress(Progress{Doing: r.doing, Ended: true})
	}
}

// A copy of an hour has some twenty lines in the log, one of a second has none.
const (
	progressLogStep  = 5 // percent
	progressLogLeast = 5 * time.Second
	progressLogMost  = 5 * time.Minute
)

func (r *report) add(p postgres.BackupProgress) {
	r.n.activity.set(fmt.Sprintf("%s %d %%", r.doing, p.Percent))
	if r.n.onProgress != nil {
		r.n.onProgress(Progress{Doing: r.doing, Percent: p.Percent, Done: p.DoneBytes, Total: p.TotalBytes})
		return
	}
	since := time.Since(r.last)
	if since < progressLogLeast || p.Percent < r.at+progressLogStep && since < progressLogMost {
		return
	}
	r.last, r.at = time.Now(), p.Percent
	r.n.log.Info(r.doing+" the data", "percent", p.Percent, "done_mb", p.DoneBytes>>20, "total_mb", p.TotalBytes>>20)
}
