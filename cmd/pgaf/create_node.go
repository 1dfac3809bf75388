package main

import (
	"context"
	"slices"
	"strings"

	"pgaf/keeper"
)

// createNodeOptions are what create postgres, coordinator and worker have in common.
type createNodeOptions struct {
	localPostgresOptions
	authOptions
	HBALan bool `name:"pg-hba-lan" short:"L" env:"PG_AUTOCTL_PG_HBA_LAN" help:"Also let applications of the local network connect."`
	sslOptions
	nodeOptions

	PgHost              string `name:"pghost" short:"H" env:"PGHOST" placeholder:"DIR" help:"Folder of the Unix socket of Postgres, or localhost."`
	Username            string `name:"username" short:"U" env:"PGUSER" placeholder:"ROLE" help:"Owner of the database, made as superuser (default: postgres)."`
	Database            string `name:"dbname" short:"d" env:"PGDATABASE" placeholder:"NAME" help:"Database of the application (default postgres; of Citus nodes citus)."`
	MaximumBackupRate   string `name:"maximum-backup-rate" short:"R" placeholder:"RATE" help:"Limit of a base backup per second, such as 100M (the default) or 800k."`
	BackupSource        string `name:"backup-source" placeholder:"primary|standby" help:"Whom base backups are taken from: the primary (the default), or a standby where there is one."`
	CloneCommand        string `name:"clone-command" placeholder:"COMMAND" help:"Program that fills the folder $$PGDATA with a copy of the primary, instead of pg_basebackup."`
	KeepOldPGDATA       bool   `name:"keep-old-pgdata" help:"When a copy replaces the data of this node, keep the old data beside it."`
	MonitorPassword     string `name:"monitor-password" short:"W" placeholder:"PASSWORD" help:"Password of the monitor, where its connection string has none."`
	ReplicationPassword string `name:"replication-password" short:"w" placeholder:"PASSWORD" help:"Password of the replication role, the same on all nodes (default: follows from the monitor's)."`
	RunIt               bool   `name:"run" short:"x" help:"Stay in the foreground as the keeper once the node is created."`
}

// nodeOptions say how the monitor knows a new node.
type nodeOptions struct {
	Monitor           string    `name:"monitor" short:"m" env:"PG_AUTOCTL_MONITOR" placeholder:"URI" help:"Connection string of the monitor."`
	DisableMonitor    bool      `name:"disable-monitor" short:"M" help:"Without a monitor: the node is steered by hand."`
	NodeID            *nodeID   `name:"node-id" short:"I" placeholder:"N" help:"With --disable-monitor: the number of the node in its group, from 1."`
	Name              string    `name:"name" short:"a" env:"PG_AUTOCTL_NODE_NAME" placeholder:"NAME" help:"Name of the node (default: the monitor chooses one)."`
	Formation         string    `name:"formation" short:"f" placeholder:"NAME" help:"Formation to join (default: default)."`
	CandidatePriority *priority `name:"candidate-priority" short:"P" env:"PG_AUTOCTL_CANDIDATE_PRIORITY" placeholder:"0..100" help:"Which node an election prefers; 0 is never promoted (default 50)."`
	ReplicationQuorum *boolean  `name:"replication-quorum" short:"r" env:"PG_AUTOCTL_REPLICATION_QUORUM" placeholder:"BOOL" help:"Whether commits wait for this node (default true)."`
	Region            string    `name:"region" short:"G" placeholder:"NAME" help:"Region of the node, a label."`
}

// check refuses a node without, or with two, answers to who steers it.
func (o *nodeOptions) check(a *app) error {
	switch {
	case o.DisableMonitor && a.given["monitor"]:
		return usageError("leave out one of them", "--monitor and --disable-monitor exclude each other")
	case o.DisableMonitor && o.NodeID == nil:
		return usageError("pass --node-id N, another one for each node of the group", "no monitor numbers this node: --node-id is missing")
	case o.DisableMonitor:
		o.Monitor = "" // of the environment
		return nil
	case o.NodeID != nil:
		return usageError("leave out --node-id, or pass --disable-monitor", "the monitor numbers its nodes: --node-id is only for --disable-monitor")
	case o.Monitor == "":
		return usageError("pass --monitor URI or set PG_AUTOCTL_MONITOR; on the monitor, the URI is printed by: "+a.name+" show uri --formation monitor",
			"which monitor? --monitor is missing")
	}
	return checkMonitorURI(o.Monitor)
}

func (c *createNodeOptions) check(a *app) error {
	if err := c.localPostgresOptions.check(); err != nil {
		return err
	}
	if err := c.authOptions.check(a); err != nil {
		return err
	}
	if c.SkipHBA && a.given["pg-hba-lan"] {
		return usageError("leave out one of them", "--pg-hba-lan and --skip-pg-hba exclude each other")
	}
	if c.BackupSource != "" && !slices.Contains(keeper.BackupSources, c.BackupSource) {
		return usageError("use one of "+strings.Join(keeper.BackupSources, ", "), "option --backup-source: %q is no source of a base backup", c.BackupSource)
	}
	return nil
}

// options are the keeper's form of them.
func (c *createNodeOptions) options(a *app) (o keeper.CreateOptions, err error) {
	if err := c.check(a); err != nil {
		return o, err
	}
	ssl, err := c.sslOptions.choice(a)
	if err != nil {
		return o, err
	}
	if err := c.nodeOptions.check(a); err != nil {
		return o, err
	}
	o = keeper.CreateOptions{
		PGDATA:              c.PGData,
		PgCtl:               c.PgCtl,
		PgHost:              c.PgHost,
		Port:                int(c.Port),
		Listen:              c.Listen,
		Username:            c.Username,
		Database:            c.Database,
		Name:                c.Name,
		Hostname:            c.Hostname,
		Formation:           c.Formation,
		Region:              c.Region,
		Monitor:             c.Monitor,
		DisableMonitor:      c.DisableMonitor,
		MonitorPassword:     c.MonitorPassword,
		ReplicationPassword: c.ReplicationPassword,
		Auth:                c.method(),
		SkipHBA:             c.SkipHBA,
		HBALan:              c.HBALan && !c.SkipHBA,
		SSL:                 ssl,
		CandidatePriority:   (*int)(c.CandidatePriority),
		ReplicationQuorum:   (*bool)(c.ReplicationQuorum),
		MaximumBackupRate:   c.MaximumBackupRate,
		BackupSource:        c.BackupSource,
		CloneCommand:        c.CloneCommand,
		KeepOldPGDATA:       c.KeepOldPGDATA,
		Progress:            a.progressOn(),
		Run:                 c.RunIt,
		Version:             version,
		Options:             a.logOptions,
		Logger:              a.log,
	}
	if c.NodeID != nil {
		o.NodeID = int64(*c.NodeID)
	}
	return o, nil
}

func (c *createNodeOptions) create(o keeper.CreateOptions) error {
	if err := keeper.RefuseRoot(); err != nil {
		return err
	}
	return keeper.Create(context.Background(), o)
}
