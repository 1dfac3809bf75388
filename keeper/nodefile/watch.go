package nodefile

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"time"

	"pgaf/monitor"
)

// PathVariable names the file that a service watches.
const PathVariable = "PG_AUTOCTL_NODESPEC"

const (
	lookPause  = 500 * time.Millisecond // between looks at the file
	retryPause = 2 * time.Second        // before what failed is tried again
)

// mark is what a look at a file remembers. The file is looked at, and not waited for:
// containers replace a link somewhere above it.
type mark struct {
	modified time.Time
	size     int64
}

func markOf(path string) mark {
	info, err := os.Stat(path)
	if err != nil {
		return mark{}
	}
	return mark{info.ModTime(), info.Size()}
}

// Watch makes the node what the file says, now and whenever the file changes, until ctx
// ends. What cannot be applied yet, because the monitor is away for one, is tried again.
func Watch(ctx context.Context, path string, log *slog.Logger) {
	w := &watcher{path: path, log: log}
	var seen mark
	due := time.Now()
	for {
		now := time.Now()
		if m := markOf(path); m != seen {
			seen, due = m, now
			w.said = ""
		}
		if !due.IsZero() && !now.Before(due) {
			due = time.Time{}
			if !w.sync(ctx) {
				due = now.Add(retryPause)
			}
		}
		if !pause(ctx, lookPause) {
			return
		}
	}
}

type watcher struct {
	path string
	log  *slog.Logger
	said string // the last complaint
}

// sync applies the file once. It is false when it has to be tried again.
func (w *watcher) sync(ctx context.Context) (done bool) {
	f, err := Read(w.path)
	if err != nil {
		w.complain("the node file is not taken; the node stays as it is", err)
		return true // until it changes
	}
	if exists, err := f.Exists(); err == nil && !exists {
		return false // it is being created
	}
	err = f.Differences(ctx, func(found []Difference, client *monitor.Client) error {
		for _, d := range found {
			if !d.Mutable() {
				w.log.Warn("the node file asks for what a running node does not change", "setting", d.Setting, "file", d.File, "node", d.Node, "remedy", d.Remedy)
				continue
			}
			if err := d.Apply(ctx, client); err != nil {
				return err
			}
			w.log.Info("applied from the node file", "setting", d.Setting, "value", d.File, "before", d.Node)
		}
		return nil
	})
	if err != nil && ctx.Err() == nil {
		w.complain("the node file is not applied yet", err)
		return false
	}
	return true
}

// complain says the same thing once.
func (w *watcher) complain(what string, err error) {
	if err.Error() == w.said {
		return
	}
	w.said = err.Error()
	var invalid *InvalidError
	if !errors.As(err, &invalid) {
		w.log.Warn(what, "error", err)
		return
	}
	for _, line := range invalid.Lines() {
		w.log.Error(what, "problem", line)
	}
}

// pause is false when ctx ended.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
