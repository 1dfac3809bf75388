package nodefile

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"pgaf/keeper"
)

// Describe is the file that would make the node at pgdata what it is.
func Describe(ctx context.Context, pgdata string) (string, error) {
	paths, err := keeper.PathsOf(pgdata)
	if err != nil {
		return "", err
	}
	cfg, err := keeper.LoadFile(paths.Config)
	if err != nil {
		return "", err
	}
	f := defaults("")
	f.Kind, f.Hostname, f.Port, f.PGDATA = kindOf(cfg), cfg.Hostname, cfg.Port, paths.PGDATA
	f.Auth, f.SSL = cfg.AuthMethod, sslOf(cfg)
	if strings.HasPrefix(f.SSL, "verify-") {
		f.CAFile, f.CertFile, f.KeyFile = cfg.SSL.CAFile, cfg.SSL.CertFile, cfg.SSL.KeyFile
	}
	f.AutoctlNodePassword = cfg.AutoctlNodePassword
	if cfg.IsMonitor() {
		err = f.describeMonitor(ctx, cfg)
	} else {
		err = f.describeNode(ctx, paths, cfg)
	}
	if err != nil {
		return "", err
	}
	return f.ini(), nil
}

func (f *File) describeMonitor(ctx context.Context, cfg *keeper.Config) error {
	client, err := connect(ctx, cfg)
	if err != nil {
		return err
	}
	defer client.Close(context.WithoutCancel(ctx))
	formations, err := client.Formations(ctx)
	if err != nil {
		return &keeper.ExitError{Code: keeper.ExitMonitor, Err: err}
	}
	for _, has := range formations {
		f.Formations = append(f.Formations, Formation{Name: has.ID, Kind: has.Kind, Secondary: has.OptSecondary, NumSyncStandbys: has.NumberSyncStandbys})
	}
	return nil
}

func (f *File) describeNode(ctx context.Context, paths keeper.Paths, cfg *keeper.Config) error {
	f.Name, f.Formation, f.Group = cfg.Name, cfg.Formation, max(cfg.Group, 0)
	f.HBALan = cfg.HBALevel == "app"
	f.MonitorPassword, f.ReplicationPassword = cfg.MonitorPassword, cfg.Replication.Password
	f.CitusRole, f.CitusCluster = "", cfg.Citus.ClusterName
	if cfg.MonitorDisabled() {
		return f.describeAlone(paths)
	}
	f.MonitorURI = cfg.Monitor
	client, err := connect(ctx, cfg)
	if err != nil {
		return err
	}
	defer client.Close(context.WithoutCancel(ctx))
	node, found, err := client.NodeByName(ctx, cfg.Formation, cfg.Name)
	if err == nil && !found {
		err = fmt.Errorf("the monitor has no node %s in formation %s", cfg.Name, cfg.Formation)
	}
	if err != nil {
		return &keeper.ExitError{Code: keeper.ExitMonitor, Err: err}
	}
	f.CandidatePriority, f.ReplicationQuorum, f.Region = node.CandidatePriority, node.ReplicationQuorum, node.Region
	return nil
}

// describeAlone is a node whose monitor is disabled: what it last heard is written down.
func (f *File) describeAlone(paths keeper.Paths) error {
	state, err := keeper.ReadState(paths.State)
	if err != nil {
		return err
	}
	f.NoMonitor, f.NodeID = true, int(state.NodeID)
	if state.CandidatePriority != nil {
		f.CandidatePriority = *state.CandidatePriority
	}
	if state.ReplicationQuorum != nil {
		f.ReplicationQuorum = *state.ReplicationQuorum
	}
	return nil
}

// ini leaves out what is empty, and what a node of this kind does not have.
func (f *File) ini() string {
	var b strings.Builder
	section := func(name string, pairs ...string) {
		header := false
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i+1] == "" {
				continue
			}
			if !header {
				if b.Len() > 0 {
					b.WriteByte('\n')
				}
				fmt.Fprintf(&b, "[%s]\n", name)
				header = true
			}
			fmt.Fprintf(&b, "%s = %s\n", pairs[i], pairs[i+1])
		}
	}
	section("node", "kind", f.Kind, "name", f.Name, "hostname", f.Hostname, "port", strconv.Itoa(f.Port))
	section("postgresql", "pgdata", f.PGDATA)
	if !f.IsMonitor() {
		if f.NoMonitor {
			section("monitor", "no_monitor", "true", "node_id", strconv.Itoa(f.NodeID))
		}
		section("monitor", "pguri", f.MonitorURI)
		section("formation", "name", f.Formation, "group", strconv.Itoa(f.Group))
		section("settings", "candidate_priority", strconv.Itoa(f.CandidatePriority), "replication_quorum", strconv.FormatBool(f.ReplicationQuorum), "region", f.Region)
		section("options", "ssl", f.SSL, "auth", f.Auth, "pg_hba_lan", strconv.FormatBool(f.HBALan))
	} else {
		section("options", "ssl", f.SSL, "auth", f.Auth)
	}
	section("ssl", "ca_file", f.CAFile, "cert_file", f.CertFile, "key_file", f.KeyFile)
	section("pg_auto_failover", "autoctl_node_password", f.AutoctlNodePassword, "monitor_password", f.MonitorPassword)
	section("replication", "password", f.ReplicationPassword)
	section("citus", "role", f.CitusRole, "cluster_name", f.CitusCluster)
	for _, formation := range f.Formations {
		section("formation "+formation.Name, "kind", formation.Kind, "secondary", strconv.FormatBool(formation.Secondary), "num_sync_standbys", strconv.Itoa(formation.NumSyncStandbys))
	}
	return b.String()
}
