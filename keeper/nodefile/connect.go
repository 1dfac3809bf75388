package nodefile

import (
	"context"

	"pgaf/keeper"
	"pgaf/monitor"
)

// connect opens a connection to the monitor that the node belongs to, or is.
func connect(ctx context.Context, cfg *keeper.Config) (*monitor.Client, error) {
	uri := cfg.Monitor
	if cfg.IsMonitor() {
		uri = cfg.LocalMonitorURI()
	}
	client, err := monitor.Connect(ctx, uri, monitor.WithApplicationName("pgaf node"))
	if err != nil {
		return nil, &keeper.ExitError{Code: keeper.ExitMonitor, Err: err}
	}
	if err := client.CheckVersion(ctx); err != nil {
		client.Close(ctx)
		return nil, &keeper.ExitError{Code: keeper.ExitMonitor, Err: err}
	}
	return client, nil
}

// Differences compares the file with the node that it is about, and calls f with what
// was found and a connection to change it through: nil for a node without a monitor.
func (f *File) Differences(ctx context.Context, act func([]Difference, *monitor.Client) error) error {
	cfg, err := keeper.Load(f.PGDATA)
	if err != nil {
		return err
	}
	if _, err := f.Exists(); err != nil { // of the same kind?
		return err
	}
	var client *monitor.Client
	if !cfg.MonitorDisabled() {
		if client, err = connect(ctx, cfg); err != nil {
			return err
		}
		defer client.Close(context.WithoutCancel(ctx))
	}
	found, err := f.Compare(ctx, cfg, client)
	if err != nil {
		return err
	}
	return act(found, client)
}
