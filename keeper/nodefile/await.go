package nodefile

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"pgaf/monitor"
)

// AwaitMonitor is Differences, once the monitor of the node answers or ctx ends.
func (f *File) AwaitMonitor(ctx context.Context, log *slog.Logger, act func([]Difference, *monitor.Client) error) error {
	for said := false; ; said = true {
		err := f.Differences(ctx, act)
		var refused *monitor.ConnectError
		if !errors.As(err, &refused) {
			return err
		}
		if !said {
			log.Info("waiting for the monitor to answer", "reason", refused)
		}
		if !pause(ctx, 100*time.Millisecond) {
			return err
		}
	}
}
