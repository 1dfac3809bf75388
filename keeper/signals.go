package keeper

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	"pgaf/keeper/postgres"
)

// How the services of nodes and monitors hear that they have to end, and end Postgres.

// leavePatience bounds a fast stop at the end of the service; reportPatience the
// goodbye.
const (
	leavePatience  = 60 * time.Second
	reportPatience = 3 * time.Second
)

// stopAsAsked stops Postgres as the signal says that ended ctx.
func stopAsAsked(ctx context.Context, server *postgres.Server, log *slog.Logger) error {
	stopping, cancel := context.WithTimeout(context.Background(), leavePatience)
	defer cancel()
	mode := postgres.Fast
	if stopSignal(ctx) == syscall.SIGQUIT {
		mode = postgres.Immediate
	} else {
		// A later SIGQUIT makes it short.
		defer onQuit(ctx, func() { server.Stop(stopping, postgres.Immediate) })()
	}
	err := server.Stop(stopping, mode)
	if err != nil && errors.Is(stopping.Err(), context.DeadlineExceeded) {
		log.Warn("the fast stop of Postgres takes too long: stopping it without a checkpoint", "after", leavePatience)
		err = server.Stop(context.Background(), postgres.Immediate)
	}
	if err != nil {
		return &ExitError{Code: ExitPostgres, Err: err}
	}
	return nil
}

// stopQuickly stops Postgres in good order when that is quick, else without, and
// ends its processes when they do not even follow that.
func stopQuickly(ctx context.Context, server *postgres.Server) error {
	var err error
	for _, mode := range []postgres.StopMode{postgres.Fast, postgres.Immediate, postgres.Kill} {
		patient, cancel := context.WithTimeout(ctx, stopPatience)
		err = server.Stop(patient, mode)
		late := errors.Is(patient.Err(), context.DeadlineExceeded)
		cancel()
		if err == nil || ctx.Err() != nil || !late {
			return err
		}
	}
	return err
}

type stopSignals struct {
	first  atomic.Int32
	quit   chan struct{} // closed on the first SIGQUIT
	polite chan struct{} // closed on the first SIGTERM, while it does not end the context
	defers atomic.Bool   // somebody acts on polite
}

type stopKey struct{}

// notifyStop returns a context that ends on SIGTERM, SIGINT and SIGQUIT and
// remembers which.
func notifyStop(parent context.Context) (context.Context, context.CancelFunc) {
	if _, nested := parent.Value(stopKey{}).(*stopSignals); nested {
		return parent, func() {}
	}
	s := &stopSignals{quit: make(chan struct{}), polite: make(chan struct{})}
	ctx, cancel := context.WithCancel(context.WithValue(parent, stopKey{}, s))
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT)
	done := make(chan struct{})
	go func() {
		quit, polite := false, false
		for {
			select {
			case sig := <-signals:
				s.first.CompareAndSwap(0, int32(sig.(syscall.Signal)))
				if sig == syscall.SIGTERM && s.defers.Load() {
					if !polite {
						polite = true
						close(s.polite)
					}
					continue
				}
				if sig == syscall.SIGQUIT && !quit {
					quit = true
					close(s.quit)
				}
				cancel()
			case <-done:
				return
			}
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(done)
		cancel()
	}
}

// politeStop makes SIGTERM close the returned channel and no longer end ctx: whoever
// reads it has something to do before it stops. SIGINT and SIGQUIT go on to end ctx.
// It is nil, and so blocks for ever, where no signals are awaited.
func politeStop(ctx context.Context) <-chan struct{} {
	s, ok := ctx.Value(stopKey{}).(*stopSignals)
	if !ok {
		return nil
	}
	s.defers.Store(true)
	return s.polite
}

// stopSignal is the signal that ended ctx; SIGTERM when it was no signal.
func stopSignal(ctx context.Context) syscall.Signal {
	if s, ok := ctx.Value(stopKey{}).(*stopSignals); ok {
		if sig := syscall.Signal(s.first.Load()); sig != 0 {
			return sig
		}
	}
	return syscall.SIGTERM
}

// onQuit calls f on SIGQUIT, until the returned function is called.
func onQuit(ctx context.Context, f func()) (stop func()) {
	s, ok := ctx.Value(stopKey{}).(*stopSignals)
	if !ok {
		return func() {}
	}
	done := make(chan struct{})
	go func() {
		select {
		case <-s.quit:
			f()
		case <-done:
		}
	}()
	return func() { close(done) }
}
