package main

import "pgaf/keeper"

// The exit codes of the commands, beside 0 and 1. Tests compare them with those
// that the scripts of testdata see.

func (pgdataOption) exits() []exit {
	return []exit{
		{exitBadArgs, "the command line is wrong, or --pgdata is no node"},
		{exitBadConfig, "the configuration of the node cannot be read, or does not allow it"},
	}
}

func (nodeSelector) exits() []exit {
	return []exit{
		{exitBadArgs, "the command line is wrong, or --pgdata is no node"},
		{exitBadConfig, "the configuration of the node cannot be read, or does not allow it"},
		{exitMonitor, "the monitor cannot be reached, or refuses"},
		{keeper.ExitExtension, "the database has no pgaf monitor"},
	}
}

func (localPostgresOptions) exits() []exit {
	return []exit{
		{exitBadConfig, "the configuration of the folder is that of something else"},
		{exitBadState, "a service runs for the folder already, or a create is in progress"},
		{keeper.ExitSQL, "the new Postgres answers with an error"},
		{keeper.ExitPostgres, "Postgres cannot be started"},
		{exitMonitor, "the monitor cannot be reached, or refuses"},
		{keeper.ExitKeeper, "the folder or the machine does not allow it; nothing was changed"},
		{exitInternal, "anything else"},
	}
}

func (createPostgresCmd) exits() []exit {
	return []exit{{keeper.ExitExtension, "the database has no pgaf monitor"}}
}

func (createCoordinatorCmd) exits() []exit { return citusExits }
func (createWorkerCmd) exits() []exit      { return citusExits }

var citusExits = []exit{
	{keeper.ExitCoordinator, "the extension citus is not installed; nothing was changed"},
	{keeper.ExitExtension, "the database has no pgaf monitor"},
}

func (adoptCmd) exits() []exit {
	return []exit{
		{exitBadConfig, "the configuration cannot be read, or is one that pgaf does not take over or give back"},
		{exitBadState, "the state cannot be read, or is one that pgaf does not take over or give back"},
		{keeper.ExitPostgres, "the Postgres of a monitor does not run, or that of a node cannot be looked at"},
		{exitMonitor, "the monitor cannot be reached, or refuses"},
		{keeper.ExitKeeper, "the folder holds no PostgreSQL cluster"},
		{exitInternal, "anything else"},
		{keeper.ExitExtension, "the extension of a monitor cannot be updated"},
	}
}

func (enableSSLCmd) exits() []exit  { return sslExits }
func (disableSSLCmd) exits() []exit { return sslExits }

var sslExits = []exit{
	{exitBadConfig, "the configuration of the node, or your own settings of Postgres, do not allow it"},
	{exitBadState, "the state file of the node cannot be read"},
	{keeper.ExitPostgres, "the settings of Postgres cannot be read or written"},
	{exitMonitor, "the node would not reach its monitor; nothing was changed"},
	{keeper.ExitKeeper, "the standby would not reach its primary; nothing was changed"},
	{keeper.ExitReload, "the configuration is changed, and Postgres has not taken it"},
}

func (failoverOptions) exits() []exit {
	return []exit{
		{exitBadState, "the formation has no nodes"},
		{exitInternal, "no new primary within --wait: the change goes on, or was taken back (show events says why)"},
	}
}

func (dropNodeCmd) exits() []exit {
	return []exit{
		{exitBadState, "the state file of the node cannot be read"},
		{keeper.ExitPostgres, "its Postgres cannot be stopped"},
		{exitMonitor, "the monitor cannot be reached, or knows no such node"},
		{exitInternal, "the node is not gone within --wait, or its service does not end"},
	}
}

func (dropMonitorCmd) exits() []exit {
	return []exit{
		{exitBadConfig, "--pgdata is no monitor"},
		{keeper.ExitPostgres, "its Postgres cannot be stopped"},
		{exitInternal, "its service does not end, or its files cannot be removed"},
	}
}

func (enableMaintenanceCmd) exits() []exit {
	return maintenanceExits("; or the group needs the node and the maintenance is called off")
}

func (disableMaintenanceCmd) exits() []exit { return maintenanceExits("") }

func maintenanceExits(or string) []exit {
	return []exit{
		{exitMonitor, "the monitor cannot be reached, or refuses; or it takes too long and goes on" + or},
		{keeper.ExitExtension, "the database has no pgaf monitor"},
	}
}

func (enableMonitorCmd) exits() []exit {
	return []exit{
		{exitBadConfig, "the monitor is enabled already, or --pgdata is no data node"},
		{exitBadState, "a node in this state cannot register"},
		{keeper.ExitPostgres, "its Postgres does not answer"},
		{exitMonitor, "the monitor cannot be reached, or refuses"},
		{keeper.ExitExtension, "the database has no pgaf monitor"},
	}
}

func (disableMonitorCmd) exits() []exit {
	return []exit{
		{exitBadState, "the monitor knows this node, and --force is not given"},
		{exitMonitor, "the monitor cannot be reached, or refuses"},
	}
}

func (configGetCmd) exits() []exit {
	return []exit{
		{exitBadConfig, "a setting in the configuration of the node has a wrong value"},
		{keeper.ExitPostgres, "the configuration of the node may not be read"},
		{exitInternal, "its file is no configuration of a node"},
	}
}

func (configCheckCmd) exits() []exit {
	return []exit{
		{exitBadConfig, "there is no Postgres, or it is not ready"},
		{keeper.ExitSQL, "the local Postgres cannot be connected to"},
		{exitMonitor, "the monitor cannot be reached"},
		{keeper.ExitExtension, "the database has no pgaf monitor"},
	}
}

func (configSetCmd) exits() []exit {
	return []exit{
		{exitBadConfig, "there is no such setting, or the value is wrong"},
		{exitMonitor, "the monitor cannot be told"},
	}
}

func (setNodeMetadataCmd) exits() []exit {
	return []exit{
		{exitBadConfig, "the monitor of the node is disabled"},
		{exitMonitor, "the monitor cannot be reached, or refuses"},
	}
}

func (showFileCmd) exits() []exit {
	return []exit{{exitBadState, "there is no such file, or it cannot be read"}}
}

func (showStateCmd) exits() []exit {
	return []exit{{exitBadState, "--local: the state file of the node cannot be read"}}
}

func (showSystemdCmd) exits() []exit {
	return []exit{{exitInternal, "the owner of the folder, or this program, cannot be found"}}
}

func (fsmListCmd) exits() []exit { return stateFileExits }

func (fsmStateCmd) exits() []exit { return stateFileExits }

var stateFileExits = []exit{{exitBadState, "the state file of the node cannot be read"}}

func (fsmInitCmd) exits() []exit {
	return []exit{
		{exitBadConfig, "the node has no monitor to ask"},
		{exitBadState, "the state file is in order, or the service runs"},
		{keeper.ExitPostgres, "Postgres cannot be looked at"},
		{exitMonitor, "the monitor cannot be reached, or does not know the node"},
	}
}

func (fsmAssignCmd) exits() []exit {
	return []exit{
		{exitBadConfig, "the monitor decides for this node"},
		{exitBadState, "it cannot become that, or not yet"},
	}
}

func (fsmStepCmd) exits() []exit {
	return []exit{
		{exitBadConfig, "the node has no monitor to ask"},
		{exitBadState, "the service runs, or the step failed"},
		{exitMonitor, "the monitor cannot be reached"},
		{keeper.ExitDropped, "the node was dropped"},
	}
}

func (fsmNodesGetCmd) exits() []exit { return nodesFileExits }
func (fsmNodesSetCmd) exits() []exit { return nodesFileExits }

var nodesFileExits = []exit{
	{exitBadConfig, "the monitor decides for this node, or it is none"},
	{exitBadState, "the file of nodes cannot be read or written"},
}

func (runCmd) exits() []exit {
	return []exit{
		{exitBadState, "the node has no state: its create was not finished"},
		{exitMonitor, "--monitor-uri cannot be reached"},
		{exitInternal, "there is no configuration, or the service runs already"},
		{keeper.ExitExtension, "the database has no pgaf monitor"},
		{keeper.ExitFatal, "a restart would not help: the node was dropped"},
	}
}

func (nodeFileArg) exits() []exit {
	return []exit{{exitBadConfig, "there are mistakes in the file"}}
}

func (nodeApplyCmd) exits() []exit {
	return []exit{
		{exitBadConfig, "there are mistakes in the file, or settings differ that cannot change while the node runs"},
		{exitMonitor, "the monitor cannot be reached, or refuses"},
		{keeper.ExitExtension, "the database has no pgaf monitor"},
	}
}

func (nodePostInitCmd) exits() []exit { return nodeApplyCmd{}.exits() }

func (nodeInitCmd) exits() []exit { return fileCreateExits }

func (nodeRunCmd) exits() []exit {
	return append([]exit{
		{exitInternal, "its create or its service failed, or the service runs already"},
		{keeper.ExitFatal, "a restart would not help: the node was dropped"},
	}, fileCreateExits...)
}

// fileCreateExits are those of a create that is told its options by a file.
var fileCreateExits = append([]exit{
	{exitBadConfig, "there are mistakes in the file, or the folder holds another node"},
	{keeper.ExitExtension, "the database has no pgaf monitor"},
}, localPostgresOptions{}.exits()...)

func (stopCmd) exits() []exit { return []exit{{exitInternal, "nothing runs"}} }

func (reloadCmd) exits() []exit {
	return []exit{
		{keeper.ExitReload, "--exec: the program on disk cannot take over"},
		{exitInternal, "--exec: nothing runs"},
	}
}

func (statusCmd) exits() []exit {
	return []exit{
		{exitBadState, "the service does not run"},
		{keeper.ExitPostgres, "the service runs, and its Postgres is not ready"},
	}
}

func (internalManCmd) exits() []exit  { return writeExits }
func (internalDocsCmd) exits() []exit { return writeExits }

var writeExits = []exit{{exitInternal, "the folder cannot be written to"}}
