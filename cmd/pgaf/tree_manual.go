package main

type manualCommands struct {
	FSM manualFSMCommands `cmd:"" name:"fsm" help:"Steer a node by hand."`
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
