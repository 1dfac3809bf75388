package main

import (
	"context"
	"fmt"
	"time"

	"pgaf/regress/harness"
)

// Targets of an idle cluster.
const (
	keeperCores         = 0.005       // of one core
	keeperResidentBytes = 30 << 20    // at any moment
	monitorCPUPerMinute = 0.6         // seconds, all processes of the monitor's machine
	settleFirst         = time.Second // what the last row left to do
)

// idle measures a cluster without any client.
func (m *meter) idle(ctx context.Context) error {
	if err := m.WaitStates(ctx, m.Healthy(m.primary)); err != nil {
		return err
	}
	if err := sleep(ctx, settleFirst); err != nil {
		return err
	}
	type sample struct{ primary, standby, monitor harness.Usage }
	take := func() (s sample, err error) {
		if s.primary, err = m.primary.KeeperUsage(); err != nil {
			return s, err
		}
		if s.standby, err = m.standby.KeeperUsage(); err != nil {
			return s, err
		}
		s.monitor, err = m.Monitor.TotalUsage()
		return s, err
	}
	first, err := take()
	if err != nil {
		return err
	}
	if err := sleep(ctx, m.options.idle); err != nil {
		return err
	}
	last, err := take()
	if err != nil {
		return err
	}
	service, err := m.Monitor.KeeperUsage()
	if err != nil {
		return err
	}
	const layout = "%-38s %12s %12s  %s\n"
	fmt.Printf("\nIdle for %s\n\n", m.options.idle)
	fmt.Printf(layout, "", "measured", "target", "")
	for _, keeper := range []struct {
		name        string
		first, last harness.Usage
	}{{"primary", first.primary, last.primary}, {"standby", first.standby, last.standby}} {
		cores := (keeper.last.CPU - keeper.first.CPU).Seconds() / m.options.idle.Seconds()
		fmt.Printf(layout, "keeper of the "+keeper.name+", CPU", fmt.Sprintf("%.2f %%", 100*cores), fmt.Sprintf("≤ %.1f %%", 100*keeperCores), verdict(cores <= keeperCores))
		fmt.Printf(layout, "keeper of the "+keeper.name+", resident", megabytes(keeper.last.ResidentBytes), "≤ "+megabytes(keeperResidentBytes), verdict(keeper.last.ResidentBytes <= keeperResidentBytes))
	}
	seconds := (last.monitor.CPU - first.monitor.CPU).Seconds() * time.Minute.Seconds() / m.options.idle.Seconds()
	fmt.Printf(layout, "monitor with its Postgres, CPU", fmt.Sprintf("%.2f s/min", seconds), fmt.Sprintf("≤ %.1f s/min", monitorCPUPerMinute), verdict(seconds <= monitorCPUPerMinute))
	fmt.Printf(layout, "monitor service, resident", megabytes(service.ResidentBytes), "", "")
	return nil
}

// starve keeps every core busy while a client writes, and counts failovers.
func (m *meter) starve(ctx context.Context) error {
	started, err := m.LastEvent(ctx)
	if err != nil {
		return err
	}
	writer, err := m.StartWriter(ctx, harness.WriterOptions{})
	if err != nil {
		return err
	}
	defer writer.Stop()
	if err := m.Starve(m.options.starve); err != nil {
		return err
	}
	if err := writer.WaitAcknowledged(ctx); err != nil {
		return err
	}
	tally, err := writer.Verify(ctx, "")
	if err != nil {
		return err
	}
	events, err := m.Events(ctx, started)
	if err != nil {
		return err
	}
	failovers := len(harness.Promotions(events))
	fmt.Printf("\nStarved for %s: %d failovers (target 0, %s); %s\n", m.options.starve, failovers, verdict(failovers == 0), tally)
	return tally.Err()
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

func megabytes(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }
