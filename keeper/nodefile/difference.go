package nodefile

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"pgaf/keeper"
	"pgaf/monitor"
)

// Difference is a key whose value in the file is not that of the node.
type Difference struct {
	Setting string // section.key
	File    string // what the file says
	Node    string // what is
	Remedy  string // of one that a running node cannot change

	apply func(context.Context, *monitor.Client) error // nil: see Remedy
}

// Mutable says whether a running node can change it.
func (d Difference) Mutable() bool { return d.apply != nil }

// Apply changes the node.
func (d Difference) Apply(ctx context.Context, client *monitor.Client) error {
	if err := d.apply(ctx, client); err != nil {
		return &keeper.ExitError{Code: keeper.ExitMonitor, Err: fmt.Errorf("apply %s = %s: %w", d.Setting, d.File, err)}
	}
	return nil
}

// Compare finds what the file says differently from the node: from its configuration,
// and from what the monitor knows of it. Values that the file leaves to the monitor, or
// to create, are not compared.
func (f *File) Compare(ctx context.Context, cfg *keeper.Config, client *monitor.Client) ([]Difference, error) {
	c := &comparison{file: f, cfg: cfg}
	c.compareConfig()
	if f.IsMonitor() {
		return c.found, c.compareFormations(ctx, client)
	}
	return c.found, c.compareSettings(ctx, client)
}

type comparison struct {
	file  *File
	cfg   *keeper.Config
	found []Difference
}

// fixed notes a value that only another command changes, or none.
func (c *comparison) fixed(setting, file, node, remedy string) {
	if file != node {
		c.found = append(c.found, Difference{Setting: setting, File: file, Node: node, Remedy: remedy})
	}
}

func (c *comparison) compareConfig() {
	f, cfg := c.file, c.cfg
	pgdata := " --pgdata " + f.PGDATA
	if f.Hostname != "" {
		c.fixed("node.hostname", f.Hostname, cfg.Hostname, "pgaf set node metadata --hostname "+f.Hostname+pgdata)
	}
	c.fixed("node.port", strconv.Itoa(f.Port), strconv.Itoa(cfg.Port), fmt.Sprintf("pgaf set node metadata --pgport %d%s, then a restart", f.Port, pgdata))
	c.fixed("options.auth", f.Auth, cfg.AuthMethod, "the rules in pg_hba.conf are yours once the node exists")
	c.fixed("options.ssl", f.SSL, sslOf(cfg), "pgaf enable ssl, or disable ssl"+pgdata)
	if f.IsMonitor() {
		return
	}
	if f.Name != "" {
		c.fixed("node.name", f.Name, cfg.Name, "pgaf set node metadata --name "+f.Name+pgdata)
	}
	c.fixed("node.kind", f.Kind, kindOf(cfg), "create another node")
	c.fixed("monitor.pguri", monitor.ScrubURI(f.MonitorURI), monitor.ScrubURI(cfg.Monitor), "pgaf disable monitor --force, then pgaf enable monitor URI"+pgdata)
	c.fixed("formation.name", f.Formation, cfg.Formation, "create another node")
	if f.Has("formation.group") {
		c.fixed("formation.group", strconv.Itoa(f.Group), strconv.Itoa(cfg.Group), "create another node")
	}
	c.fixed("options.pg_hba_lan", strconv.FormatBool(f.HBALan), strconv.FormatBool(cfg.HBALevel == "app"), "the rules in pg_hba.conf are yours once the node exists")
	c.secret("pg_auto_failover.monitor_password", "pg_autoctl.monitor_password", f.MonitorPassword, cfg.MonitorPassword)
	c.secret("replication.password", "replication.password", f.ReplicationPassword, cfg.Replication.Password)
}

// secret is a password of the configuration file; it is not shown.
func (c *comparison) secret(setting, key, file, node string) {
	if !c.file.Has(setting) || file == node {
		return
	}
	pgdata := c.file.PGDATA
	c.found = append(c.found, Difference{Setting: setting, File: "****", Node: "another one", apply: func(ctx context.Context, _ *monitor.Client) error {
		_, err := keeper.SetConfig(ctx, pgdata, key, file)
		return err
	}})
}

func (c *comparison) compareSettings(ctx context.Context, client *monitor.Client) error {
	if client == nil {
		return nil
	}
	f, formation, name := c.file, c.cfg.Formation, c.cfg.Name
	node, found, err := client.NodeByName(ctx, formation, name)
	if err == nil && !found {
		err = errors.New("the monitor has no node " + name + " in formation " + formation)
	}
	if err != nil {
		return &keeper.ExitError{Code: keeper.ExitMonitor, Err: err}
	}
	if f.CandidatePriority != node.CandidatePriority {
		c.found = append(c.found, Difference{Setting: "settings.candidate_priority", File: strconv.Itoa(f.CandidatePriority), Node: strconv.Itoa(node.CandidatePriority),
			apply: func(ctx context.Context, client *monitor.Client) error {
				_, err := client.SetNodeCandidatePriority(ctx, formation, name, f.CandidatePriority)
				return err
			}})
	}
	if f.ReplicationQuorum != node.ReplicationQuorum {
		c.found = append(c.found, Difference{Setting: "settings.replication_quorum", File: strconv.FormatBool(f.ReplicationQuorum), Node: strconv.FormatBool(node.ReplicationQuorum),
			apply: func(ctx context.Context, client *monitor.Client) error {
				_, err := client.SetNodeReplicationQuorum(ctx, formation, name, f.ReplicationQuorum)
				return err
			}})
	}
	if f.Region != "" && f.Region != node.Region {
		c.found = append(c.found, Difference{Setting: "settings.region", File: f.Region, Node: node.Region,
			apply: func(ctx context.Context, client *monitor.Client) error {
				_, err := client.SetNodeRegion(ctx, formation, name, f.Region)
				return err
			}})
	}
	return nil
}

func sslOf(cfg *keeper.Config) string {
	switch {
	case !cfg.SSL.Active:
		return SSLOff
	case cfg.SSL.CAFile == "":
		return SSLSelfSigned
	}
	return cfg.SSL.Mode
}

func kindOf(cfg *keeper.Config) string {
	switch {
	case cfg.IsMonitor():
		return KindMonitor
	case cfg.NodeKind == "standalone":
		return KindPostgres
	}
	return cfg.NodeKind
}
