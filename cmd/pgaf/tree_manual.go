package main

type manualCommands struct {
	FSM         manualFSMCommands         `cmd:"" name:"fsm" help:"Steer a node by hand."`
	Service     manualServiceCommands     `cmd:"" help:"Restart a service, start or stop Postgres."`
	Monitor     manualMonitorCommands     `cmd:"" help:"Register with the monitor, and report to it."`
	Primary     manualPrimaryCommands     `cmd:"" help:"What a primary has for its standbys."`
	Standby     manualStandbyCommands     `cmd:"" help:"Make a node a standby, recover it, promote it."`
	Coordinator manualCoordinatorCommands `cmd:"" help:"The metadata of Citus on the coordinator."`
}

type manualFSMCommands struct {
	Init   fsmInitCmd             `cmd:"" help:"Write a damaged or lost state file anew, from what the monitor knows of the node." example:"${prog} manual fsm init --pgdata ./node_a"`
	Assign fsmAssignCmd           `cmd:"" help:"Tell a node whose monitor is disabled what to become." example:"${prog} manual fsm assign --pgdata ./node_a wait_primary"`
	Step   fsmStepCmd             `cmd:"" help:"Without the service: ask the monitor once, and take one step." example:"${prog} manual fsm step --pgdata ./node_a"`
	Nodes  manualFSMNodesCommands `cmd:"" help:"The nodes that a node whose monitor is disabled knows."`
}

type manualFSMNodesCommands struct {
	Get fsmNodesGetCmd `cmd:"" help:"Print the nodes that a node whose monitor is disabled knows." example:"${prog} manual fsm nodes get --pgdata ./node_a"`
	Set fsmNodesSetCmd `cmd:"" help:"Set the nodes that a node whose monitor is disabled knows, from a file." example:"${prog} manual fsm nodes set --pgdata ./node_a nodes.json"`
}

type manualServiceCommands struct {
	Restart manualRestartCommands `cmd:"" help:"Restart a service of a running node or monitor."`
	Pgctl   manualPgctlCommands   `cmd:"" help:"Start or stop Postgres where the service does not run."`
}

type manualRestartCommands struct {
	Postgres   restartPostgresCmd   `cmd:"" help:"Restart Postgres, and print its new process id." example:"${prog} manual service restart postgres --pgdata ./node_b"`
	Listener   restartListenerCmd   `cmd:"" help:"Replace the service of a monitor by the program on disk; Postgres runs on." example:"${prog} manual service restart listener --pgdata ./monitor"`
	NodeActive restartNodeActiveCmd `cmd:"" help:"Replace the service of a node by the program on disk; Postgres runs on." example:"${prog} manual service restart node-active --pgdata ./node_a"`
}

type manualPgctlCommands struct {
	On  pgctlOnCmd  `cmd:"" help:"Start Postgres with the settings of the node." example:"${prog} manual service pgctl on --pgdata ./node_b"`
	Off pgctlOffCmd `cmd:"" help:"Stop Postgres fast." example:"${prog} manual service pgctl off --pgdata ./node_b"`
}

type manualMonitorCommands struct {
	Register monitorRegisterCmd `cmd:"" help:"Register a node that the monitor does not know, in a given state." example:"${prog} manual monitor register --pgdata ./node_b wait_standby"`
	Active   monitorActiveCmd   `cmd:"" help:"Without the service: report to the monitor once." example:"${prog} manual monitor active --pgdata ./node_a"`
	Version  monitorVersionCmd  `cmd:"" help:"Print the version of the monitor; on its own machine bring it up to this version first." example:"${prog} manual monitor version --pgdata ./monitor"`
}

type manualPrimaryCommands struct {
	Slot     manualSlotCommands    `cmd:"" help:"Replication slots."`
	Adduser  manualAdduserCommands `cmd:"" help:"Roles by which others connect."`
	Defaults primaryDefaultsCmd    `cmd:"" help:"Write the settings that pgaf owns, and reload Postgres." example:"${prog} manual primary defaults --pgdata ./node_a"`
	Identify primaryIdentifyCmd    `cmd:"" help:"Ask a Postgres for its timeline and position." example:"${prog} manual primary identify --pgdata ./node_b 127.0.0.1 6010"`
}

type manualSlotCommands struct {
	Create slotCreateCmd `cmd:"" help:"Create the replication slot of a node." example:"${prog} manual primary slot create --pgdata ./node_b --node-id 1"`
	Drop   slotDropCmd   `cmd:"" help:"Drop the replication slot of a node." example:"${prog} manual primary slot drop --pgdata ./node_b --node-id 1"`
}

type manualAdduserCommands struct {
	Monitor adduserMonitorCmd `cmd:"" help:"Create the role of health checks, and let the monitor in." example:"${prog} manual primary adduser monitor --pgdata ./node_a postgres://autoctl_node@127.0.0.1:6000/pg_auto_failover"`
	Replica adduserReplicaCmd `cmd:"" help:"Create the role of standbys." example:"${prog} manual primary adduser replica --pgdata ./node_a"`
}

type manualStandbyCommands struct {
	Init          standbyInitCmd          `cmd:"" help:"Copy a primary into the empty data folder of a node." example:"${prog} manual standby init --pgdata ./node_b 127.0.0.1 6010"`
	Rewind        standbyRewindCmd        `cmd:"" help:"Make a stopped node a standby with pg_rewind." example:"${prog} manual standby rewind --pgdata ./node_b 127.0.0.1 6010"`
	CrashRecovery standbyCrashRecoveryCmd `cmd:"" help:"Bring a Postgres that crashed to a clean end, without letting clients in." example:"${prog} manual standby crash-recovery --pgdata ./node_b"`
	Promote       standbyPromoteCmd       `cmd:"" help:"Promote a node whose monitor is disabled." example:"${prog} manual standby promote --pgdata ./node_b"`
}

type manualCoordinatorCommands struct {
	Add      coordinatorCmd             `cmd:"" help:"Needs Citus: add this node to the coordinator." example:"${prog} manual coordinator add --pgdata ./worker"`
	Activate coordinatorCmd             `cmd:"" help:"Needs Citus: activate this node on the coordinator." example:"${prog} manual coordinator activate --pgdata ./worker"`
	Remove   coordinatorCmd             `cmd:"" help:"Needs Citus: remove this node from the coordinator." example:"${prog} manual coordinator remove --pgdata ./worker"`
	Update   coordinatorUpdatesCommands `cmd:"" help:"Needs Citus: update the address of this node, in two phases."`
}

type coordinatorUpdatesCommands struct {
	Prepare  coordinatorCmd `cmd:"" help:"Needs Citus: prepare the update." example:"${prog} manual coordinator update prepare --pgdata ./worker"`
	Commit   coordinatorCmd `cmd:"" help:"Needs Citus: commit the update." example:"${prog} manual coordinator update commit --pgdata ./worker"`
	Rollback coordinatorCmd `cmd:"" help:"Needs Citus: give up the update." example:"${prog} manual coordinator update rollback --pgdata ./worker"`
}
