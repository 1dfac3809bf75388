package main

import (
	"context"
	"slices"
	"strings"

	"pgaf/keeper"
)

type createPostgresCmd struct {
	localPostgresOptions
	authOptions
	HBALan bool `name:"pg-hba-lan" short:"L" env:"PG_AUTOCTL_PG_HBA_LAN" help:"Also let applications of the local network connect."`
	sslOptions
	nodeOptions

	PgHost              string `name:"pghost" short:"H" env:"PGHOST" placeholder:"DIR" help:"Folder of the Unix socket of Postgres, or localhost."`
	Username            string `name:"username" short:"U" env:"PGUSER" placeholder:"ROLE" help:"Owner of the database, made as superuser (default: postgres)."`
	Database            string `name:"dbname" short:"d" env:"PGDATABASE" placeholder:"NAME" help:"Database of the application (default postgres)."`
	MaximumBackupRate   string `name:"maximum-backup-rate" short:"R" placeholder:"RATE" help:"Limit of a base backup per second, such as 100M (the default) or 800k."`
	BackupSource        string `name:"backup-source" placeholder:"primary|standby" help:"Whom base backups are taken from: the primary (the default), or a standby where there is one."`
	CloneCommand        string `name:"clone-command" placeholder:"COMMAND" help:"Program that fills the folder $$PGDATA with a copy of the primary, instead of pg_basebackup."`
	KeepOldPGDATA       bool   `name:"keep-old-pgdata" help:"When a copy replaces the data of this node, keep the old data beside it."`
	MonitorPassword     string `name:"monitor-password" short:"W" placeholder:"PASSWORD" help:"Password of the monitor's role on this node."`
	ReplicationPassword string `name:"replication-password" short:"w" placeholder:"PASSWORD" help:"Password of the replication role."`
	RunIt               bool   `name:"run" short:"x" help:"Stay in the foreground as the keeper once the node is created."`
}

// nodeOptions say how the monitor knows a new node.
type nodeOptions struct {
	Monitor           string    `name:"monitor" short:"m" env:"PG_AUTOCTL_MONITOR" placeholder:"URI" help:"Connection string of the monitor."`
	Name              string    `name:"name" short:"a" env:"PG_AUTOCTL_NODE_NAME" placeholder:"NAME" help:"Name of the node (default: the monitor chooses one)."`
	Formation         string    `name:"formation" short:"f" placeholder:"NAME" help:"Formation to join (default: default)."`
	CandidatePriority *priority `name:"candidate-priority" short:"P" env:"PG_AUTOCTL_CANDIDATE_PRIORITY" placeholder:"0..100" help:"Which node an election prefers; 0 is never promoted (default 50)."`
	ReplicationQuorum *boolean  `name:"replication-quorum" short:"r" env:"PG_AUTOCTL_REPLICATION_QUORUM" placeholder:"BOOL" help:"Whether commits wait for this node (default true)."`
	Region            string    `name:"region" short:"G" placeholder:"NAME" help:"Region of the node, a label."`
}

func (c *createPostgresCmd) Run(a *app) error {
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
	ssl, err := c.sslOptions.choice(a)
	if err != nil {
		return err
	}
	if c.Monitor == "" {
		return usageError("pass --monitor URI or set PG_AUTOCTL_MONITOR; on the monitor, the URI is printed by: "+a.name+" show uri --formation monitor",
			"which monitor? --monitor is missing")
	}
	if err := checkMonitorURI(c.Monitor); err != nil {
		return err
	}
	if err := keeper.RefuseRoot(); err != nil {
		return err
	}
	return keeper.Create(context.Background(), keeper.CreateOptions{
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
	})
}
