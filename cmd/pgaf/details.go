package main

// What --help tells below the first sentence of a command, where the options do
// not say it all. Paragraphs are separated by an empty line.

func (createMonitorCmd) Help() string {
	return "Makes a Postgres with the extension pgautofailover, or installs the extension into an existing one with --monitor-uri. " +
		"Keep its service running with \"run\", by hand or from the unit that \"show systemd\" prints."
}

func (createPostgresCmd) Help() string {
	return "The first node of a formation serves alone; the next ones copy it and follow it. " +
		"A create that is interrupted is finished by the same command; one that fails leaves nothing behind."
}

func (dropNodeCmd) Help() string {
	return "With --pgdata of a data node it is that node; with --monitor, or --pgdata of the monitor, the one that --name or " +
		"--hostname and --pgport tell. Its files stay unless --destroy is given; then what its tablespaces and pg_wal have outside of the data folder goes, too."
}

func (failoverOptions) Help() string {
	return "The primary finishes its writes and stops, a standby that has received them all takes over, and the old primary rejoins: " +
		"nothing is lost. When the primary is gone already, the standbys elect one of them. " +
		"The change goes on when this command is interrupted or stops waiting."
}

func (enableMaintenanceCmd) Help() string {
	return "Its Postgres is left to its operator meanwhile, and the node is not promoted. \"disable maintenance\" ends it."
}

func (disableMonitorCmd) Help() string {
	return "For a monitor that is lost or replaced: the node goes on as what it is, and no failover happens until \"enable monitor\"."
}

func (enableMonitorCmd) Help() string {
	return "Neither copies data nor restarts Postgres. In a group of several nodes, the primary first."
}

func (runCmd) Help() string {
	return "SIGTERM stops it and its Postgres; a primary hands over to a standby first. SIGHUP makes it read its configuration again."
}

func (stopCmd) Help() string {
	return "A primary hands over to a standby first, unless --fast or --immediate is given. Does not wait: status tells when it is done."
}

func (configSetCmd) Help() string {
	return "The value is checked and stored, and a running service takes it at once."
}

func (explainCmd) Help() string {
	return "The first command when something does not happen: it names the node or the setting that is waited for, and what ends the wait."
}
