package main

import (
	"context"

	"pgaf/keeper"
	"pgaf/monitor"
)

type runCmd struct {
	pgdataOption
	Name       string `name:"name" short:"a" placeholder:"NAME" help:"New name of the node."`
	Hostname   string `name:"hostname" short:"n" aliases:"nodename" placeholder:"HOST" help:"New name or address under which the other nodes reach this one."`
	Port       port   `name:"pgport" short:"p" placeholder:"PORT" help:"New port of its Postgres."`
	MonitorURI string `name:"monitor-uri" placeholder:"URI" help:"Run only the monitor service (health checks, timers) for the monitor in this Postgres."`
}

func (c *runCmd) Run(a *app) error {
	if c.MonitorURI != "" {
		return c.monitorService(a)
	}
	pgdata, err := c.require()
	if err != nil {
		return err
	}
	defer a.watchNodeFile()()
	return keeper.Run(context.Background(), keeper.RunOptions{
		PGDATA:   pgdata,
		Name:     c.Name,
		Hostname: c.Hostname,
		Port:     int(c.Port),
		Version:  version,
		Options:  a.logOptions,
		Logger:   a.log,
	})
}

// monitorService watches over a monitor that lives in somebody else's Postgres.
func (c *runCmd) monitorService(a *app) error {
	for _, option := range []string{"pgdata", "name", "hostname", "pgport"} {
		if a.given[option] {
			return usageError("leave out --"+option, "--monitor-uri and --%s exclude each other", option)
		}
	}
	if err := checkMonitorURI(c.MonitorURI); err != nil {
		return err
	}
	ctx, stop := a.interruptible()
	defer stop()
	service := &monitor.Service{URI: c.MonitorURI, Logger: a.log}
	err := service.Run(ctx)
	if ctx.Err() != nil {
		return nil
	}
	return onMonitor(err)
}
