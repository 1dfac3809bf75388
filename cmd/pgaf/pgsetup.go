package main

import "pgaf/keeper"

// pgsetupOptions name a Postgres by its data folder. What a create command was told is
// accepted again, so that a script has one list of options for both; without them the
// configuration of the node counts, where there is one.
type pgsetupOptions struct {
	pgdataOption
	PgCtl             string `name:"pgctl" short:"C" placeholder:"PATH" help:"pg_ctl to use (default: that of the node, else found through PG_CONFIG or PATH)."`
	PgHost            string `name:"pghost" short:"H" env:"PGHOST" placeholder:"DIR" help:"Folder of the Unix socket of Postgres, or localhost."`
	Port              port   `name:"pgport" short:"p" env:"PGPORT" placeholder:"PORT" help:"Port of Postgres."`
	Listen            string `name:"listen" short:"l" placeholder:"ADDRESSES" help:"listen_addresses of Postgres."`
	Username          string `name:"username" short:"U" env:"PGUSER" placeholder:"ROLE" help:"Owner of the database."`
	Database          string `name:"dbname" short:"d" env:"PGDATABASE" placeholder:"NAME" help:"Database of the application."`
	Hostname          string `name:"hostname" short:"n" aliases:"nodename" placeholder:"HOST" help:"Name or address of this machine for the others."`
	Formation         string `name:"formation" short:"f" placeholder:"NAME" hidden:"" help:"Taken as create takes it; not used here."`
	Monitor           string `name:"monitor" short:"m" env:"PG_AUTOCTL_MONITOR" placeholder:"URI" hidden:"" help:"Taken as create takes it; not used here."`
	DisableMonitor    bool   `name:"disable-monitor" short:"M" hidden:"" help:"Taken as create takes it; not used here."`
	CandidatePriority string `name:"candidate-priority" short:"P" placeholder:"0..100" hidden:"" help:"Taken as create takes it; not used here."`
	ReplicationQuorum string `name:"replication-quorum" short:"r" placeholder:"BOOL" hidden:"" help:"Taken as create takes it; not used here."`
	MaximumBackupRate string `name:"maximum-backup-rate" short:"R" placeholder:"RATE" hidden:"" help:"Taken as create takes it; not used here."`
	Auth              string `name:"auth" short:"A" env:"PG_AUTOCTL_AUTH_METHOD" placeholder:"METHOD" help:"Authentication method for rules in pg_hba.conf (default trust)."`
	SkipHBA           bool   `name:"skip-pg-hba" short:"S" hidden:"" help:"Taken as create takes it; not used here."`
	sslOptions
}

func (o pgsetupOptions) options(a *app) (found keeper.LocalPostgresOptions, err error) {
	if _, err := o.require(); err != nil {
		return found, err
	}
	ssl, err := o.choice(a)
	found = keeper.LocalPostgresOptions{PGDATA: o.PGData, PgCtl: o.PgCtl, PgHost: o.PgHost, Port: int(o.Port), Hostname: o.Hostname}
	if tls := ssl.SelfSigned || ssl.CertFile != ""; tls || ssl.None {
		found.TLS = &tls
	}
	return found, err
}

// find is the Postgres that the options name.
func (o pgsetupOptions) find(a *app) (*keeper.LocalPostgres, error) {
	options, err := o.options(a)
	if err != nil {
		return nil, err
	}
	return keeper.FindLocalPostgres(options)
}
