package main

// cli is the whole command tree, in the order in which help shows it. A leaf is
// one line here (its help and one example that works as it stands) and one file
// that defines it.
type cli struct {
	globalOptions

	Create struct {
		Monitor     createMonitorCmd     `cmd:"" help:"Create a monitor." example:"${prog} create monitor --pgdata ./monitor --pgport 6000 --hostname 127.0.0.1 --auth trust --ssl-self-signed"`
		Postgres    createPostgresCmd    `cmd:"" help:"Create a Postgres node and register it with the monitor." example:"${prog} create postgres --pgdata ./node_a --pgport 6010 --hostname 127.0.0.1 --auth trust --ssl-self-signed --monitor postgres://autoctl_node@127.0.0.1:6000/pg_auto_failover"`
		Coordinator createCoordinatorCmd `cmd:"" help:"Create the coordinator of a Citus formation and register it with the monitor." example:"${prog} create coordinator --pgdata ./coordinator --pgport 6020 --hostname 127.0.0.1 --auth trust --ssl-self-signed --formation sharded --monitor postgres://autoctl_node@127.0.0.1:6000/pg_auto_failover"`
		Worker      createWorkerCmd      `cmd:"" help:"Create a worker of a Citus formation and register it with the monitor." example:"${prog} create worker --pgdata ./worker --pgport 6021 --hostname 127.0.0.1 --auth trust --ssl-self-signed --formation sharded --group 1 --monitor postgres://autoctl_node@127.0.0.1:6000/pg_auto_failover"`
		Formation   createFormationCmd   `cmd:"" help:"Create a formation on the monitor." example:"${prog} create formation --pgdata ./monitor --formation sales --kind pgsql"`
	} `cmd:"" help:"Create a node or a formation."`

	Drop struct {
		Monitor   dropMonitorCmd   `cmd:"" help:"Stop the monitor of this machine; remove it with --destroy." example:"${prog} drop monitor --pgdata ./monitor --destroy"`
		Node      dropNodeCmd      `cmd:"" help:"Remove a node from its formation." example:"${prog} drop node --pgdata ./node_b"`
		Formation dropFormationCmd `cmd:"" help:"Remove an empty formation from the monitor." example:"${prog} drop formation --pgdata ./monitor --formation sales"`
	} `cmd:"" help:"Remove a node, a formation or the monitor."`

	Config struct {
		Check configCheckCmd `cmd:"" help:"Check the configuration of a node against its Postgres and the monitor." example:"${prog} config check --pgdata ./node_a"`
		Get   configGetCmd   `cmd:"" help:"Print the configuration, or one setting of it." example:"${prog} config get --pgdata ./node_a replication.maximum_backup_rate"`
		Set   configSetCmd   `cmd:"" help:"Change one setting." example:"${prog} config set --pgdata ./node_a replication.maximum_backup_rate 200M"`
	} `cmd:"" help:"Read, check and change the configuration of a node."`

	Show struct {
		URI          showURICmd          `cmd:"" name:"uri" help:"Print the connection strings of the monitor and of each formation." example:"${prog} show uri --pgdata ./monitor --formation default"`
		Events       showEventsCmd       `cmd:"" help:"Print the last decisions of the monitor and what the nodes reported." example:"${prog} show events --pgdata ./monitor --count 20"`
		State        showStateCmd        `cmd:"" help:"Print the state of each node." example:"${prog} show state --pgdata ./monitor"`
		Settings     showSettingsCmd     `cmd:"" help:"Print the replication settings of a formation and its nodes." example:"${prog} show settings --pgdata ./monitor"`
		StandbyNames showStandbyNamesCmd `cmd:"" name:"standby-names" help:"Print the synchronous_standby_names of a group." example:"${prog} show standby-names --pgdata ./monitor"`
		Timeline     showTimelineCmd     `cmd:"" help:"Print the timelines of a group, and which nodes are not on the one that counts." example:"${prog} show timeline --pgdata ./monitor"`
		File         showFileCmd         `cmd:"" help:"Print where the files of a node are, or their content." example:"${prog} show file --pgdata ./node_a --state --contents"`
		Systemd      showSystemdCmd      `cmd:"" help:"Print a systemd unit for a node." example:"${prog} -q show systemd --pgdata ./node_a"`
	} `cmd:"" help:"Show the state of nodes, events, settings and files."`

	Explain explainCmd `cmd:"" help:"Say what each node is doing, what it waits for, and what you can do." example:"${prog} explain --pgdata ./monitor"`

	Enable struct {
		Secondary   enableSecondaryCmd   `cmd:"" help:"Allow standby nodes in a formation." example:"${prog} enable secondary --pgdata ./monitor --formation default"`
		Maintenance enableMaintenanceCmd `cmd:"" help:"Take the local node out of service for maintenance." example:"${prog} enable maintenance --pgdata ./node_b"`
		Monitor     enableMonitorCmd     `cmd:"" help:"Register the local node with a monitor while it serves." example:"${prog} enable monitor --pgdata ./node_a postgres://autoctl_node@127.0.0.1:6000/pg_auto_failover"`
		SSL         enableSSLCmd         `cmd:"" name:"ssl" help:"Encrypt the connections of a node or monitor, or change how, while it serves." example:"${prog} enable ssl --pgdata ./node_a --ssl-self-signed"`
	} `cmd:"" help:"Enable a feature of a formation or node."`

	Disable struct {
		Secondary   disableSecondaryCmd   `cmd:"" help:"Allow no standby nodes in a formation." example:"${prog} disable secondary --pgdata ./monitor --formation default"`
		Maintenance disableMaintenanceCmd `cmd:"" help:"Put the local node back into service." example:"${prog} disable maintenance --pgdata ./node_b"`
		Monitor     disableMonitorCmd     `cmd:"" help:"Steer the local node by hand from now on." example:"${prog} disable monitor --pgdata ./node_b --force"`
		SSL         disableSSLCmd         `cmd:"" name:"ssl" help:"End the encryption of the connections of a node or monitor, while it serves." example:"${prog} disable ssl --pgdata ./node_a"`
	} `cmd:"" help:"Disable a feature of a formation or node."`

	Get struct {
		Node struct {
			ReplicationQuorum getNodeReplicationQuorumCmd `cmd:"" help:"Print whether the node counts for synchronous replication." example:"${prog} get node replication-quorum --pgdata ./node_a"`
			CandidatePriority getNodeCandidatePriorityCmd `cmd:"" help:"Print the candidate priority of the node." example:"${prog} get node candidate-priority --pgdata ./node_a"`
			Region            getNodeRegionCmd            `cmd:"" help:"Print the region of the node." example:"${prog} get node region --pgdata ./node_a"`
		} `cmd:"" help:"Get a property of a node."`
		Formation struct {
			Settings           showSettingsCmd                   `cmd:"" help:"Print the replication settings of a formation and its nodes." example:"${prog} get formation settings --pgdata ./monitor"`
			NumberSyncStandbys getFormationNumberSyncStandbysCmd `cmd:"" help:"Print how many standbys must confirm a commit." example:"${prog} get formation number-sync-standbys --pgdata ./monitor"`
		} `cmd:"" help:"Get a property of a formation."`
	} `cmd:"" help:"Get a property of a node or formation."`

	Set struct {
		Node struct {
			Metadata          setNodeMetadataCmd          `cmd:"" help:"Change the name, host name or port under which the local node is known." example:"${prog} set node metadata --pgdata ./node_a --name node_one"`
			ReplicationQuorum setNodeReplicationQuorumCmd `cmd:"" help:"Set whether the node counts for synchronous replication." example:"${prog} set node replication-quorum --pgdata ./node_a true"`
			CandidatePriority setNodeCandidatePriorityCmd `cmd:"" help:"Set the candidate priority of the node, 0 to 100; 0 is never promoted." example:"${prog} set node candidate-priority --pgdata ./node_a 60"`
			Region            setNodeRegionCmd            `cmd:"" help:"Set the region of the node." example:"${prog} set node region --pgdata ./node_a eu-west"`
		} `cmd:"" help:"Set a property of a node."`
		Formation struct {
			Settings           setFormationSettingsCmd           `cmd:"" help:"Change settings of Postgres that a standby must match, on all nodes of a group, in the right order." example:"${prog} set formation settings --pgdata ./monitor max_connections=120 max_worker_processes=10"`
			NumberSyncStandbys setFormationNumberSyncStandbysCmd `cmd:"" help:"Set how many standbys must confirm a commit." example:"${prog} set formation number-sync-standbys --pgdata ./monitor 0"`
		} `cmd:"" help:"Set a property of a formation."`
	} `cmd:"" help:"Set a property of a node or formation."`

	Perform struct {
		Failover   performFailoverCmd   `cmd:"" help:"Replace the primary of a group by a standby." example:"${prog} perform failover --pgdata ./monitor --group 0"`
		Switchover performSwitchoverCmd `cmd:"" help:"The same as perform failover: the old primary hands over and rejoins." example:"${prog} perform switchover --pgdata ./monitor"`
		Promotion  performPromotionCmd  `cmd:"" help:"Make one chosen node the primary." example:"${prog} perform promotion --pgdata ./monitor --name node_b"`
	} `cmd:"" help:"Change the roles of nodes."`

	Accept struct {
		Timeline acceptTimelineCmd `cmd:"" help:"Choose the timeline that a group goes on with after its nodes went different ways." example:"${prog} accept timeline --pgdata ./monitor --tli 2 --reason restored"`
	} `cmd:"" help:"Decide what only an operator can decide."`

	Activate activateCmd `cmd:"" help:"Activate a Citus worker, or add a coordinator to its own metadata." example:"${prog} activate --pgdata ./worker"`

	Inspect inspectCommands `cmd:"" help:"Look into the machinery; changes nothing (but for pgsetup hba-lan)."`
	Manual  manualCommands  `cmd:"" help:"Do by hand what monitor and keeper do."`

	Adopt adoptCmd `cmd:"" help:"Take a node or monitor of pg_auto_failover 2.x over, while its Postgres runs on." example:"${prog} adopt --pgdata ./node_a --dry-run"`

	Node struct {
		Run      nodeRunCmd      `cmd:"" help:"Create the node of a file unless it exists, run it, and follow the file." example:"${prog} node run node.ini"`
		Init     nodeInitCmd     `cmd:"" help:"Create the node of a file, and do not run it." example:"${prog} node init node.ini"`
		Apply    nodeApplyCmd    `cmd:"" help:"Show what a file says differently from its node, and change what a running node can change." example:"${prog} node apply node.ini --dry-run"`
		Start    nodeStartCmd    `cmd:"" help:"Release a node whose file defers its create or run." example:"${prog} node start node.ini"`
		Show     nodeShowCmd     `cmd:"" help:"Print the file that would make a node what it is." example:"${prog} node show --pgdata ./node_a"`
		Check    nodeCheckCmd    `cmd:"" help:"Check a file; changes nothing." example:"${prog} node check node.ini"`
		PostInit nodePostInitCmd `cmd:"" name:"post-init" help:"Create the formations of a monitor's file, once the monitor answers." example:"${prog} node post-init monitor.ini"`
	} `cmd:"" help:"A node from a file: it says what the node is, and the node becomes and stays that."`

	Run     runCmd     `cmd:"" help:"Run the service of a node or monitor in the foreground." example:"${prog} run --pgdata ./node_a"`
	Watch   watchCmd   `cmd:"" help:"Watch the nodes and events of a formation live." example:"${prog} watch --pgdata ./monitor"`
	Stop    stopCmd    `cmd:"" help:"Stop the service of a node or monitor, and its Postgres." example:"${prog} stop --pgdata ./node_a"`
	Reload  reloadCmd  `cmd:"" help:"Make a running service read its configuration again." example:"${prog} reload --pgdata ./node_a"`
	Status  statusCmd  `cmd:"" help:"Say whether the service and its Postgres run." example:"${prog} status --pgdata ./node_a"`
	Help    helpCmd    `cmd:"" help:"Print every command." example:"${prog} help"`
	Version versionCmd `cmd:"" help:"Print the version." example:"${prog} version --json"`

	Completion completionCmd `cmd:"" help:"Print the script that makes a shell complete command lines." example:"source <(${prog} completion bash)"`

	Internal internalCommands `cmd:"" hidden:"" help:"What packages, the build and demonstrations need, and what pg_auto_failover's own processes called."`
	Do       doCommands       `cmd:"" hidden:"" help:"The spellings of pg_auto_failover 2.0 of inspect, manual and internal."`
}
