package demo

import (
	"context"
	"fmt"
	"time"

	"pgaf/monitor"
)

// failovers asks for one failover after the other until ctx ends.
func failovers(ctx context.Context, o Options) {
	for wait(ctx, o.FirstFailover); ctx.Err() == nil; wait(ctx, o.FailoverEvery) {
		begun := time.Now()
		name, err := failover(ctx, o)
		switch {
		case ctx.Err() != nil:
		case err != nil:
			o.Logger.Error("no failover", "error", err)
		default:
			o.Logger.Info("failed over", "primary", name, "took", time.Since(begun).Round(time.Millisecond))
		}
		if o.FailoverEvery <= 0 {
			return
		}
	}
}

// failover returns the name of the new primary once the group is whole again.
func failover(ctx context.Context, o Options) (string, error) {
	listening, err := monitor.Connect(ctx, o.Monitor, monitor.WithApplicationName("pgaf demo"))
	if err != nil {
		return "", err
	}
	defer listening.Close(context.WithoutCancel(ctx))
	asking, err := monitor.Connect(ctx, o.Monitor, monitor.WithApplicationName("pgaf demo"))
	if err != nil {
		return "", err
	}
	defer asking.Close(context.WithoutCancel(ctx))
	feed := monitor.NewFeed(o.Formation, &o.Group)
	seen, err := feed.Attach(ctx, listening)
	if err != nil {
		return "", err
	}
	old, found := primary(seen.Nodes)
	if !found {
		return "", fmt.Errorf("the group has no primary with a standby")
	}
	if err := asking.PerformFailover(ctx, o.Formation, o.Group, monitor.FailoverOptions{Reason: "demo"}); err != nil {
		return "", err
	}
	for {
		if seen, err = feed.Next(ctx); err != nil {
			return "", err
		}
		if now, found := primary(seen.Nodes); found && now.ID != old.ID {
			return now.Name, nil
		}
	}
}

// primary is the node that has a standby to wait for.
func primary(nodes []monitor.Node) (monitor.Node, bool) {
	for _, n := range nodes {
		if n.Reported == monitor.StatePrimary && n.Converged() {
			return n, true
		}
	}
	return monitor.Node{}, false
}
