package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"pgaf/monitor"
	"pgaf/monitor/demo"
)

// demoCommands is an application that writes while its formation fails over.
type demoCommands struct {
	Run     demoRunCmd     `cmd:"" help:"Write for a while, fail over meanwhile, and print a summary." example:"${prog} internal demo run --pgdata ./monitor --username postgres --duration 10 --first-failover 2"`
	URI     demoURICmd     `cmd:"" name:"uri" help:"Print the connection string of the application." example:"${prog} internal demo uri --pgdata ./monitor"`
	Ping    demoPingCmd    `cmd:"" help:"Connect once to the node that accepts writes." example:"${prog} internal demo ping --pgdata ./monitor --username postgres"`
	Summary demoSummaryCmd `cmd:"" help:"Print the summary of the last run." example:"${prog} internal demo summary --pgdata ./monitor --username postgres"`
}

// demoOptions name the application's formation and user.
type demoOptions struct {
	nodeSelector
	formationOption
	groupOption
	Username string `name:"username" placeholder:"ROLE" help:"Role of the application (default: the user of the operating system)."`
}

// application calls f with the connection string of the application.
func (o demoOptions) application(a *app, f func(ctx context.Context, t target, uri string) error) error {
	return o.ask(a, o.Formation, o.Group, func(ctx context.Context, client *monitor.Client, t target) error {
		if err := formationExists(ctx, client, t.formation); err != nil {
			return err
		}
		uri, err := demo.URI(ctx, client, t.formation, o.Username, t.clientSSL())
		switch {
		case err != nil:
			return err
		case uri == "":
			return failure(exitMonitor, "create its first node with: "+a.name+" create postgres", "formation %q currently has no nodes in group 0", t.formation)
		}
		return f(ctx, t, uri)
	})
}

// onApplication gives the error of the application's Postgres its exit code.
func onApplication(err error) error {
	if err == nil || hasExitCode(err) {
		return err
	}
	return failure(exitSQL, "does show state show a node that accepts writes, and may --username log in?", "%s", strings.Join(strings.Fields(err.Error()), " "))
}

type demoURICmd struct{ demoOptions }

func (c *demoURICmd) Run(a *app) error {
	return c.application(a, func(_ context.Context, _ target, uri string) error {
		_, err := fmt.Fprintln(a.stdout, uri)
		return err
	})
}

type demoPingCmd struct{ demoOptions }

func (c *demoPingCmd) Run(a *app) error {
	return c.application(a, func(ctx context.Context, _ target, uri string) error {
		server, took, err := demo.Ping(ctx, uri)
		if err != nil {
			return onApplication(err)
		}
		_, err = fmt.Fprintf(a.stdout, "%s accepts writes (%s)\n", server, took.Round(time.Millisecond/10))
		return err
	})
}

type demoSummaryCmd struct{ demoOptions }

func (c *demoSummaryCmd) Run(a *app) error {
	return c.application(a, func(ctx context.Context, _ target, uri string) error {
		summary, err := demo.Summarise(ctx, uri)
		if err != nil {
			return onApplication(err)
		}
		return printSummary(a, summary)
	})
}

type demoRunCmd struct {
	demoOptions
	Clients       count   `name:"clients" env:"PG_AUTOCTL_DEMO_CLIENTS" default:"1" placeholder:"N" help:"Number of clients (default 1)."`
	Duration      seconds `name:"duration" env:"PG_AUTOCTL_DEMO_DURATION" default:"30" placeholder:"SECONDS" help:"How long to write (default 30)."`
	FirstFailover seconds `name:"first-failover" env:"PG_AUTOCTL_DEMO_FAILOVER_FIRST" default:"10" placeholder:"SECONDS" help:"When the first failover is (default 10)."`
	FailoverFreq  seconds `name:"failover-freq" env:"PG_AUTOCTL_DEMO_FAILOVER_FREQ" default:"45" placeholder:"SECONDS" help:"Time between failovers (default 45)."`
	NoFailover    bool    `name:"no-failover" help:"Write only."`
}

func (c *demoRunCmd) Run(a *app) error {
	if c.Clients < 1 || c.Duration.duration() <= 0 {
		return usageError("pass at least one of each", "--clients and --duration must be above 0")
	}
	return c.application(a, func(ctx context.Context, t target, uri string) error {
		o := demo.Options{Monitor: t.uri, Formation: t.formation, URI: uri, Clients: int(c.Clients), Duration: c.Duration.duration(), Logger: a.log}
		if t.group != nil {
			o.Group = *t.group
		}
		if !c.NoFailover {
			o.FirstFailover, o.FailoverEvery = c.FirstFailover.duration(), c.FailoverFreq.duration()
		}
		acknowledged, err := demo.Run(ctx, o)
		if err != nil {
			return onApplication(err)
		}
		summary, err := demo.Summarise(ctx, uri)
		if err != nil {
			return onApplication(err)
		}
		if err := printSummary(a, summary); err != nil {
			return err
		}
		return a.compareWrites(acknowledged, summary.Writes)
	})
}

// compareWrites is an error when a write that was acknowledged is not there. One whose
// answer was lost may be there without.
func (a *app) compareWrites(acknowledged, found int64) error {
	if found < acknowledged {
		return failure(exitSQL, "was a failover made with --allow-data-loss?", "%d writes were acknowledged and %d are there: %d are lost", acknowledged, found, acknowledged-found)
	}
	_, err := fmt.Fprintf(a.stdout, "%d writes were acknowledged, 0 of them are lost.\n", acknowledged)
	return err
}

// printSummary prints the clients, and how long it took them to connect.
func printSummary(a *app, s demo.Summary) error {
	clients := &table{columns: []column{{title: "Client"}, {title: "Writes", min: 6}, {title: "Retried"}, {title: "Retry Sleep"}, {title: "Retry Cap"},
		{title: "Median", min: 10}, {title: "90 %", min: 10}, {title: "99 %", min: 10}, {title: "Longest", min: 10}}}
	for _, c := range s.Clients {
		clients.add(fmt.Sprint(c.Client), fmt.Sprint(c.Writes), fmt.Sprint(c.Retried), fmt.Sprintf("%d ms", c.SleepMS), fmt.Sprintf("%d ms", c.CapMS),
			milliseconds(c.Median), milliseconds(c.P90), milliseconds(c.P99), milliseconds(c.Longest))
	}
	if err := clients.write(a.stdout); err != nil {
		return err
	}
	histogram := &table{columns: []column{{title: "From", min: 10}, {title: "To", min: 10}, {title: "Count", min: 6}, {title: "", min: 40, left: true}}}
	most := int64(1)
	for _, b := range s.Histogram {
		most = max(most, b.Count)
	}
	for _, b := range s.Histogram {
		histogram.add(milliseconds(b.From), milliseconds(b.To), fmt.Sprint(b.Count), strings.Repeat("*", int((40*b.Count+most-1)/most)))
	}
	if err := histogram.write(a.stdout); err != nil {
		return err
	}
	_, err := fmt.Fprintf(a.stdout, "%d writes; the longest time without one is %s.\n", s.Writes, milliseconds(s.LargestGap))
	return err
}

func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000)
}
