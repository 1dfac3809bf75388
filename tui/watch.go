package tui

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/mattn/go-isatty"
	"golang.org/x/sync/errgroup"

	"pgaf/monitor"
)

// Options says what to watch.
type Options struct {
	URI       string // of the monitor
	Formation string // "" means "default"
	Group     *int   // nil means all groups
}

// refresh is how often the nodes are read again while nothing happens: report
// times and WAL positions change without a notification.
const refresh = time.Second

// ErrNotTerminal is returned where there is no screen to draw on.
var ErrNotTerminal = errors.New("watch needs a terminal; use pgaf show state and pgaf show events instead")

// Watch shows the formation until the user quits or ctx ends; both return nil.
func Watch(ctx context.Context, o Options) error {
	if !isatty.IsTerminal(os.Stdout.Fd()) || !isatty.IsTerminal(os.Stdin.Fd()) {
		return ErrNotTerminal
	}
	addresses, err := monitorAddresses(o.URI)
	if err != nil {
		return err
	}
	if o.Formation == "" {
		o.Formation = "default"
	}
	bus := monitor.NewBus(o.URI, o.Formation, o.Group).RefreshEvery(refresh)
	t := target{Formation: o.Formation, Group: o.Group, monitor: addresses}
	return run(ctx, bus, newModel(bus.Updates(), t, os.Getenv("NO_COLOR") != "", time.Now()))
}

// run draws m while bus runs; the end of either ends both.
func run(ctx context.Context, bus interface{ Run(context.Context) error }, m tea.Model, opts ...tea.ProgramOption) error {
	group, ctx := errgroup.WithContext(ctx)
	ctx, cancel := context.WithCancel(ctx)
	group.Go(func() error {
		if err := bus.Run(ctx); err != nil && ctx.Err() == nil {
			return fmt.Errorf("watch the monitor: %w", err)
		}
		return nil
	})
	group.Go(func() error {
		defer cancel()
		_, err := tea.NewProgram(m, append(opts, tea.WithContext(ctx))...).Run()
		if err != nil && ctx.Err() == nil && !errors.Is(err, tea.ErrInterrupted) {
			return fmt.Errorf("draw on the terminal: %w", err)
		}
		return nil
	})
	return group.Wait()
}

// monitorAddresses lists the host:port of every monitor in a URI, without user
// and password.
func monitorAddresses(uri string) (string, error) {
	config, err := monitor.ParseURI(uri)
	if err != nil {
		return "", err
	}
	addresses := []string{hostPort(config.Host, int(config.Port))}
	for _, f := range config.Fallbacks {
		// a host appears twice when it is tried with and without TLS
		if a := hostPort(f.Host, int(f.Port)); !slices.Contains(addresses, a) {
			addresses = append(addresses, a)
		}
	}
	return strings.Join(addresses, ", "), nil
}
