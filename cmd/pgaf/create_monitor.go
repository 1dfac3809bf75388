package main

import (
	"context"

	"pgaf/keeper"
	"pgaf/monitor"
)

type createMonitorCmd struct {
	localPostgresOptions
	authOptions
	sslOptions

	MonitorURI          string   `name:"monitor-uri" placeholder:"URI" help:"Install into this existing Postgres instead of making one; connect as a role that may create objects."`
	Formations          []string `name:"formation" short:"f" placeholder:"NAME" sep:"none" help:"Also create this formation; repeatable, at most 16."`
	AutoctlNodePassword string   `name:"autoctl-node-password" short:"W" placeholder:"PASSWORD" help:"Password of role autoctl_node."`
	RunIt               bool     `name:"run" short:"x" help:"Stay in the foreground as the monitor once it is created."`
}

const maxFormations = 16

func (c *createMonitorCmd) Run(a *app) error {
	if len(c.Formations) > maxFormations {
		return usageError("create the others with: "+a.name+" create formation",
			"--formation is given %d times, the limit is %d", len(c.Formations), maxFormations)
	}
	if c.MonitorURI != "" {
		return c.install(a)
	}
	if err := c.localPostgresOptions.check(); err != nil {
		return err
	}
	if err := c.authOptions.check(a); err != nil {
		return err
	}
	ssl, err := c.sslOptions.choice(a)
	if err != nil {
		return err
	}
	if err := keeper.RefuseRoot(); err != nil {
		return err
	}
	return keeper.CreateMonitor(context.Background(), keeper.CreateMonitorOptions{
		PGDATA:              c.PGData,
		PgCtl:               c.PgCtl,
		Port:                int(c.Port),
		Listen:              c.Listen,
		Hostname:            c.Hostname,
		Auth:                c.method(),
		SkipHBA:             c.SkipHBA,
		SSL:                 ssl,
		AutoctlNodePassword: c.AutoctlNodePassword,
		Formations:          c.Formations,
		Run:                 c.RunIt,
		Version:             version,
		Options:             a.logOptions,
		Logger:              a.log,
	})
}

// install puts the monitor into a Postgres that exists already.
func (c *createMonitorCmd) install(a *app) error {
	for _, option := range []string{"pgdata", "pgctl", "listen", "hostname", "auth", "skip-pg-hba", "ssl-self-signed", "no-ssl", "server-cert", "server-key"} {
		if a.given[option] {
			return usageError("leave out --"+option+"; the existing Postgres keeps its own configuration",
				"--monitor-uri and --%s exclude each other", option)
		}
	}
	if err := checkMonitorURI(c.MonitorURI); err != nil {
		return err
	}
	ctx, stop := a.interruptible()
	defer stop()
	client, err := monitor.Connect(ctx, c.MonitorURI)
	if err != nil {
		return onMonitor(err)
	}
	defer client.Close(context.WithoutCancel(ctx))
	if err := monitor.Install(ctx, client.Conn(), monitor.InstallOptions{Logger: a.log}); err != nil {
		return onMonitor(err)
	}
	for _, name := range c.Formations {
		if err := createFormation(ctx, client, name); err != nil {
			return onMonitor(err)
		}
	}
	a.log.Info("the monitor is installed; keep its service running with: " + a.name + " run --monitor-uri " + monitor.ScrubURI(c.MonitorURI))
	return nil
}

// createFormation makes a formation with the defaults, unless it is there.
func createFormation(ctx context.Context, client *monitor.Client, name string) error {
	_, found, err := client.Formation(ctx, name)
	if found || err != nil {
		return err
	}
	_, err = client.CreateFormation(ctx, monitor.Formation{ID: name, Kind: "pgsql", Database: "postgres", OptSecondary: true})
	return err
}
