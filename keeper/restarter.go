package keeper

import "context"

// restarter starts something that ended, beside a loop that must not wait for it.
type restarter struct {
	start   func(context.Context) // as often as it takes; returns early when its context ends
	done    chan struct{}
	running bool
	again   bool // it ended anew meanwhile
}

func (r *restarter) begin(ctx context.Context) {
	if r.running {
		r.again = true
		return
	}
	r.running = true
	go func() {
		r.start(ctx)
		r.done <- struct{}{}
	}()
}

// ended is what the loop does when done was received.
func (r *restarter) ended(ctx context.Context) {
	r.running = false
	if r.again {
		r.again = false
		r.begin(ctx)
	}
}

// wait returns when no start is under way.
func (r *restarter) wait() error {
	if r.running {
		<-r.done
		r.running = false
	}
	return nil
}
