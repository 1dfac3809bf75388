package main

// internalCommands is what pg_autoctl's supervisor and its demonstrations call. Neither
// is for users: both trees are hidden.
type internalCommands struct {
	Complete internalCompleteCmd `cmd:"" help:"Answer a shell that completes a command line." example:"${prog} internal complete --shell bash -- ${prog} show st"`
	Docs     internalDocsCmd     `cmd:"" help:"Write commands.md into a folder." example:"${prog} internal docs ./docs"`
	Man      internalManCmd      `cmd:"" help:"Write the man pages into a folder." example:"${prog} internal man ./man"`

	Service internalServiceCommands `cmd:"" help:"Processes of a supervisor of pg_auto_failover."`
	Demo    demoCommands            `cmd:"" help:"An application that writes while the group fails over."`
	Tmux    goneTmuxCmd             `cmd:"" passthrough:"" help:"Refused: replaced by pgaf watch and internal demo." example:"${prog} internal tmux session"`
}

type internalServiceCommands struct {
	Pgcontroller oldServiceCmd `cmd:"" help:"Refused: pgaf is one process." example:"${prog} internal service pgcontroller --pgdata ./node_a"`
	Postgres     oldServiceCmd `cmd:"" help:"Refused: pgaf is one process." example:"${prog} internal service postgres --pgdata ./node_a"`
	Listener     oldServiceCmd `cmd:"" help:"Refused: pgaf is one process." example:"${prog} internal service listener --pgdata ./monitor"`
	NodeActive   oldServiceCmd `cmd:"" help:"Refused: pgaf is one process." example:"${prog} internal service node-active --pgdata ./node_a"`
}

// doCommands are the same commands as in inspect, manual and internal, where 2.0 had
// them.
type doCommands struct {
	Monitor     doMonitorCommands         `cmd:""`
	Coordinator manualCoordinatorCommands `cmd:""`
	FSM         doFSMCommands             `cmd:"" name:"fsm"`
	Primary     manualPrimaryCommands     `cmd:""`
	Standby     manualStandbyCommands     `cmd:""`
	Show        inspectShowCommands       `cmd:""`
	PgSetup     inspectPgSetupCommands    `cmd:"" name:"pgsetup"`
	Pgctl       manualPgctlCommands       `cmd:""`
	Service     doServiceCommands         `cmd:""`
	Demo        demoCommands              `cmd:""`
	Tmux        goneTmuxCmd               `cmd:"" passthrough:"" help:"Refused: replaced by pgaf watch and internal demo." example:"${prog} do tmux session"`
	Azure       goneAzureCmd              `cmd:"" passthrough:"" help:"Refused: pgaf creates no machines in a cloud." example:"${prog} do azure create"`
}

type doMonitorCommands struct {
	inspectMonitorCommands
	manualMonitorCommands
}

type doFSMCommands struct {
	inspectFSMCommands
	manualFSMCommands
}

type doServiceCommands struct {
	internalServiceCommands
	Getpid  inspectGetpidCommands `cmd:""`
	Restart manualRestartCommands `cmd:""`
}
