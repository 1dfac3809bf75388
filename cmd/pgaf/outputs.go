package main

import "slices"

// What the commands print on stdout: the columns of their tables and the keys of
// their JSON. The sessions of testdata/examples compare them with what is printed.
// A key with ? is not always there; a key with * stands for what is below it.

func (showURICmd) output() output {
	return output{text: "A table with Type, Name and Connection String (JSON: an array of objects with type, name, uri); with --formation " +
		"the bare connection string (JSON: an object with the formation as its key)."}
}

func (showEventsCmd) output() output {
	return output{
		columns: []string{"Event Time", "Node", "Current State", "Assigned State", "Rule", "Comment"},
		keys: []string{".[].eventid", ".[].eventtime", ".[].formationid", ".[].nodeid", ".[].groupid", ".[].nodename", ".[].nodehost",
			".[].nodeport", ".[].reportedstate", ".[].goalstate", ".[].reportedrepstate", ".[].reportedtli", ".[].reportedlsn",
			".[].candidatepriority", ".[].replicationquorum", ".[].description", ".[].rule", ".[].rule_pos?", ".[].requested_by?", ".[].reason?"},
	}
}

func (showStateCmd) output() output {
	return output{
		columns: []string{"Name", "Node", "Host:Port", "TLI: LSN", "Connection", "Reported State", "Assigned State"},
		keys:    nodeKeys,
	}
}

// nodeKeys are those of a node as the monitor knows it.
var nodeKeys = []string{".[].formation", ".[].formation_kind", ".[].nodename", ".[].nodehost", ".[].nodeport", ".[].group_id",
	".[].node_id", ".[].current_group_state", ".[].assigned_group_state", ".[].candidate_priority", ".[].replication_quorum",
	".[].reported_tli", ".[].reported_lsn", ".[].replication_lag_bytes", ".[].health", ".[].health_sign", ".[].nodecluster",
	".[].noderegion", ".[].report_time", ".[].health_time", ".[].state_change_time"}

func (showSettingsCmd) output() output {
	var keys []string
	for _, part := range []string{".formation[]", ".primary[]", ".nodes[]"} {
		for _, key := range []string{".context", ".group_id", ".node_id", ".nodename", ".setting", ".value"} {
			keys = append(keys, part+key)
		}
	}
	return output{columns: []string{"Context", "Name", "Setting", "Value"}, keys: keys}
}

func (showStandbyNamesCmd) output() output {
	return output{text: "The value in single quotes.", keys: []string{".formation", ".group", ".synchronous_standby_names"}}
}

func (showFileCmd) output() output {
	return output{text: "A table of the files (JSON: an object with config, state, init, pid); with the option of one of them its place, or its content with --contents."}
}

func (showSystemdCmd) output() output { return output{text: "The unit; what to do with it is logged."} }

func (explainCmd) output() output {
	return output{
		text: "The group and each node in a paragraph: what it does, what it waits for, since when, what ends that, what you can do, and the rule.",
		keys: []string{".[].group_id", ".[].node_id", ".[].node_name", ".[].reported_state", ".[].assigned_state", ".[].rule",
			".[].doing", ".[].waiting_for", ".[].since", ".[].ends", ".[].action"},
	}
}

// postgresKeys are those of the local Postgres.
var postgresKeys = []string{".postgres.pgdata", ".postgres.pg_ctl", ".postgres.version", ".postgres.host", ".postgres.port",
	".postgres.proxyport", ".postgres.pid", ".postgres.in_recovery", ".postgres.control.version", ".postgres.control.catalog_version",
	".postgres.control.system_identifier", ".postgres.postmaster.status"}

func (configCheckCmd) output() output {
	return output{text: "One line \"label: value\" each.", keys: append(slices.Clone(postgresKeys), ".config.*")}
}

func (configGetCmd) output() output {
	return output{text: "The configuration as its file has it, defaults included, or the bare value of one setting. JSON: an object of sections."}
}

func (configSetCmd) output() output { return output{text: "The value as it is stored."} }

func (getNodeReplicationQuorumCmd) output() output {
	return output{text: "true or false.", keys: []string{".name", ".replication-quorum"}}
}

func (getNodeCandidatePriorityCmd) output() output {
	return output{text: "A number from 0 to 100.", keys: []string{".name", ".candidate-priority"}}
}

func (getNodeRegionCmd) output() output {
	return output{text: "The region.", keys: []string{".name", ".region"}}
}

func (setNodeReplicationQuorumCmd) output() output {
	return output{text: "The value that is set.", keys: []string{".replication-quorum"}}
}

func (setNodeCandidatePriorityCmd) output() output {
	return output{text: "The value that is set.", keys: []string{".candidate-priority"}}
}

func (setNodeRegionCmd) output() output {
	return output{text: "The value that is set.", keys: []string{".region"}}
}

func (setNodeMetadataCmd) output() output {
	return output{text: "Nothing without --json; JSON: the configuration, an object of sections."}
}

func (getFormationNumberSyncStandbysCmd) output() output {
	return output{text: "A number.", keys: []string{".number-sync-standbys"}}
}

func (setFormationNumberSyncStandbysCmd) output() output {
	return output{text: "The number that is set.", keys: []string{".number-sync-standbys", ".synchronous_standby_names?"}}
}

// changes are printed while a command waits.
var changes = output{
	text:    "One row for each change of a node, as it happens.",
	columns: []string{"Time", "Name", "Node", "Host:Port", "Current State", "Assigned State"},
}

func (enableMaintenanceCmd) output() output  { return changes }
func (disableMaintenanceCmd) output() output { return changes }

func (failoverOptions) output() output {
	return output{text: changes.text + " JSON: the nodes in the end, as show state prints them.", columns: changes.columns}
}

// nodeState is what the files of a node say.
var nodeState = output{
	text: "Always JSON.",
	keys: append(slices.Clone(postgresKeys), ".state.*"),
}

func (fsmStateCmd) output() output  { return nodeState }
func (fsmInitCmd) output() output   { return nodeState }
func (fsmAssignCmd) output() output { return nodeState }

func (fsmListCmd) output() output {
	return output{
		text: "A table of the states that the node can reach from its own; with --json every transition there is, which needs no node.",
		keys: []string{".[].current", ".[].assigned"},
	}
}

func (fsmGvCmd) output() output      { return output{text: "A program for dot."} }
func (fsmMermaidCmd) output() output { return output{text: "A Mermaid state diagram."} }
func (fsmStepCmd) output() output {
	return output{text: "One line: the state before ➜ the state after."}
}

func (fsmNodesGetCmd) output() output { return peers }
func (fsmNodesSetCmd) output() output { return peers }

var peers = output{
	columns: []string{"Name", "Node", "Host:Port", "TLI: LSN", "Primary?"},
	keys:    []string{".[].node_id", ".[].node_name", ".[].node_host", ".[].node_port", ".[].node_lsn", ".[].node_is_primary"},
}

func (statusCmd) output() output {
	return output{
		text: "Nothing without --json: the exit code is the answer, and it is logged.",
		keys: append(slices.Clone(postgresKeys), ".pg_autoctl.*"),
	}
}

func (helpCmd) output() output {
	return output{text: "The tree of commands, one line each; or the help of one command."}
}

func (versionCmd) output() output {
	return output{
		text: "Four lines.",
		keys: []string{".pg_autoctl", ".pgautofailover", ".pg_major", ".pg_version", ".pg_version_str", ".pg_version_num"},
	}
}
