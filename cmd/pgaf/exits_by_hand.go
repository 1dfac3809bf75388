package main

import "pgaf/keeper"

// The exit codes of the commands of inspect, manual and internal.

func (handOptions) exits() []exit {
	return []exit{
		{exitBadState, "the state file of the node cannot be read, its service runs, or it would do harm here"},
		{exitSQL, "a Postgres cannot be connected to, or answers with an error"},
		{keeper.ExitPostgres, "Postgres is not as it has to be: it runs, does not run, or cannot be started or stopped"},
	}
}

func (monitorRegisterCmd) exits() []exit {
	return []exit{
		{exitBadConfig, "the node has no monitor, or is one"},
		{exitBadState, "the service runs, or the monitor knows the node"},
		{exitMonitor, "the monitor cannot be reached, or refuses"},
	}
}

func (monitorActiveCmd) exits() []exit {
	return []exit{
		{exitBadConfig, "the node has no monitor, or is one"},
		{exitBadState, "the service runs, or the state file of the node cannot be read"},
		{exitMonitor, "the monitor cannot be reached"},
		{keeper.ExitDropped, "the node was dropped"},
	}
}

func (standbyInitCmd) exits() []exit {
	return []exit{{keeper.ExitKeeper, "the data cannot be copied"}}
}

func (activateCmd) exits() []exit    { return coordinatorExits }
func (coordinatorCmd) exits() []exit { return coordinatorExits }

var coordinatorExits = []exit{
	{exitBadConfig, "the monitor of the node is disabled"},
	{exitMonitor, "the monitor cannot be reached, or has no coordinator that is ready"},
	{keeper.ExitCoordinator, "this version does not change the metadata of Citus"},
	{keeper.ExitExtension, "the database has no pgaf monitor"},
}

func (restartPostgresCmd) exits() []exit {
	return []exit{
		{exitBadState, "the service does not run, or would not simply start Postgres again"},
		{keeper.ExitPostgres, "Postgres cannot be stopped, or does not run again in time"},
	}
}

func (restartListenerCmd) exits() []exit   { return restartExits }
func (restartNodeActiveCmd) exits() []exit { return restartExits }

var restartExits = []exit{
	{exitBadState, "the service does not run"},
	{keeper.ExitReload, "the program on disk cannot take over"},
}

func (getpidPostgresCmd) exits() []exit {
	return []exit{
		{exitBadState, "the service does not run"},
		{keeper.ExitPostgres, "the service runs, and its Postgres does not"},
	}
}

func (getpidListenerCmd) exits() []exit   { return getpidExits }
func (getpidNodeActiveCmd) exits() []exit { return getpidExits }

var getpidExits = []exit{{exitBadState, "this service does not run"}}

func (monitorGetOthersCmd) exits() []exit {
	return []exit{
		{exitBadState, "the state file of the node cannot be read"},
		{exitMonitor, "the monitor cannot be reached, or does not know the node"},
		{keeper.ExitExtension, "the database has no pgaf monitor"},
	}
}

func (fsmCheckCmd) exits() []exit {
	return []exit{{exitInternal, "the node cannot reach a state that the monitor may assign"}}
}

func (pgsetupReadyCmd) exits() []exit { return []exit{{exitSQL, "Postgres is not ready"}} }

func (pgsetupWaitCmd) exits() []exit {
	return []exit{{exitSQL, "Postgres is not ready, or accepts no writes, within --timeout"}}
}

func (pgsetupLogsCmd) exits() []exit {
	return []exit{{exitBadState, "there is no log of a start"}}
}

func (pgsetupHBALanCmd) exits() []exit {
	return []exit{
		{exitBadConfig, "pg_hba.conf or pg_ident.conf cannot be written to"},
		{exitSQL, "pg_hba.conf does not appear, or Postgres is not ready, within a minute"},
		{keeper.ExitPostgres, "Postgres cannot be told to read them"},
		{exitInternal, "the local network cannot be found out"},
	}
}

func (inspectShowIPAddrCmd) exits() []exit   { return networkExits }
func (inspectShowCIDRCmd) exits() []exit     { return networkExits }
func (inspectShowHostnameCmd) exits() []exit { return networkExits }

var networkExits = []exit{{exitInternal, "this machine has no address by which it reaches others"}}

func (inspectShowLookupCmd) exits() []exit  { return lookupExits }
func (inspectShowReverseCmd) exits() []exit { return lookupExits }

var lookupExits = []exit{{exitInternal, "the host name leads to no address"}}

func (oldServiceCmd) exits() []exit {
	return []exit{{keeper.ExitFatal, "always: a restart would not help"}}
}

func (demoOptions) exits() []exit {
	return []exit{{exitSQL, "the Postgres of the application cannot be connected to, or answers with an error"}}
}

func (demoRunCmd) exits() []exit {
	return []exit{{exitSQL, "the Postgres of the application answers with an error, or a write that it acknowledged is lost"}}
}
