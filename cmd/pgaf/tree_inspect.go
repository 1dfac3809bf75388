package main

// The trees inspect and manual are types of their own, one for each group, so that
// the old spellings in tree_do.go are the same commands.

type inspectCommands struct {
	Show    inspectShowCommands    `cmd:"" help:"How this machine is called and reached."`
	PgSetup inspectPgSetupCommands `cmd:"" name:"pgsetup" help:"The Postgres of a data folder, also without a node."`
	FSM     inspectFSMCommands     `cmd:"" name:"fsm" help:"The state machine of a node."`
	Monitor inspectMonitorCommands `cmd:"" help:"What the monitor answers to a keeper."`
	Getpid  inspectGetpidCommands  `cmd:"" help:"Process ids of a running service."`
}

type inspectShowCommands struct {
	IPAddr   inspectShowIPAddrCmd   `cmd:"" name:"ipaddr" help:"Print the address with which this machine reaches others." example:"${prog} inspect show ipaddr"`
	CIDR     inspectShowCIDRCmd     `cmd:"" name:"cidr" help:"Print the local network of that address." example:"${prog} inspect show cidr"`
	Lookup   inspectShowLookupCmd   `cmd:"" help:"Print the addresses of a host name." example:"${prog} inspect show lookup localhost"`
	Hostname inspectShowHostnameCmd `cmd:"" help:"Print the name that this machine would be registered with." example:"${prog} inspect show hostname"`
	Reverse  inspectShowReverseCmd  `cmd:"" help:"Print the addresses of a host name and the names that they lead back to." example:"${prog} inspect show reverse localhost"`
	Version  inspectShowVersionCmd  `cmd:"" help:"Log the versions of this program and of the monitor's extension that it needs." example:"${prog} inspect show version"`
}

type inspectPgSetupCommands struct {
	PgCtl    pgsetupPgCtlCmd    `cmd:"" name:"pg_ctl" help:"Print the pg_ctl that is used, and its version." example:"${prog} inspect pgsetup pg_ctl"`
	Discover pgsetupDiscoverCmd `cmd:"" help:"Print what can be found out about the Postgres of a data folder." example:"${prog} inspect pgsetup discover --pgdata ./node_a"`
	Ready    pgsetupReadyCmd    `cmd:"" help:"Succeed when Postgres accepts connections (exit code 0, else 4)." example:"${prog} inspect pgsetup ready --pgdata ./node_a"`
	Wait     pgsetupWaitCmd     `cmd:"" help:"Wait until Postgres accepts connections." example:"${prog} inspect pgsetup wait --pgdata ./node_a --read-write --timeout 60"`
	Logs     pgsetupLogsCmd     `cmd:"" help:"Log again what Postgres printed when it was started." example:"${prog} inspect pgsetup logs --pgdata ./node_a"`
	Tune     pgsetupTuneCmd     `cmd:"" help:"Print the settings of Postgres that are computed from this machine." example:"${prog} inspect pgsetup tune --pgdata ./node_a"`
	HBALan   pgsetupHBALanCmd   `cmd:"" name:"hba-lan" help:"Let the local network connect: adds lines to pg_hba.conf." example:"${prog} inspect pgsetup hba-lan --pgdata ./node_a --auth scram-sha-256"`
}

type inspectFSMCommands struct {
	State   fsmStateCmd   `cmd:"" help:"Print the state of the local node and of its Postgres." example:"${prog} inspect fsm state --pgdata ./node_a"`
	List    fsmListCmd    `cmd:"" help:"List the states that the local node can reach from its current one." example:"${prog} inspect fsm list --json"`
	Check   fsmCheckCmd   `cmd:"" help:"Check that the node can reach every state that its monitor may assign." example:"${prog} inspect fsm check --pgdata ./node_a"`
	Gv      fsmGvCmd      `cmd:"" help:"Print the state machine of a node as a graphviz program." example:"${prog} inspect fsm gv"`
	Mermaid fsmMermaidCmd `cmd:"" help:"Print one phase of the state machine as a Mermaid diagram." example:"${prog} inspect fsm mermaid failover"`
}

type inspectMonitorCommands struct {
	Get               inspectMonitorGetCommands `cmd:"" help:"Ask the monitor about a group."`
	ParseNotification parseNotificationCmd      `cmd:"" help:"Print the fields of a notification of the monitor." example:"${prog} inspect monitor parse-notification '{\"type\":\"state\"}'"`
}

type inspectMonitorGetCommands struct {
	Primary        monitorGetPrimaryCmd        `cmd:"" help:"Print the primary of a group." example:"${prog} inspect monitor get primary --pgdata ./node_a"`
	Others         monitorGetOthersCmd         `cmd:"" help:"Print the other nodes of the group of a node." example:"${prog} inspect monitor get others --pgdata ./node_a"`
	CandidateCount monitorGetCandidateCountCmd `cmd:"" help:"Print how many nodes could take over now." example:"${prog} inspect monitor get candidate-count --pgdata ./monitor"`
	Coordinator    monitorGetCoordinatorCmd    `cmd:"" help:"Print the coordinator of a Citus formation." example:"${prog} inspect monitor get coordinator --pgdata ./monitor --formation sharded"`
}

type inspectGetpidCommands struct {
	Postgres   getpidPostgresCmd   `cmd:"" help:"Print the process id of the service that runs Postgres." example:"${prog} inspect getpid postgres --pgdata ./node_a"`
	Listener   getpidListenerCmd   `cmd:"" help:"Print the process id of the service of a monitor." example:"${prog} inspect getpid listener --pgdata ./monitor"`
	NodeActive getpidNodeActiveCmd `cmd:"" help:"Print the process id of the service that reports to the monitor." example:"${prog} inspect getpid node-active --pgdata ./node_a"`
}
