package nodefile

import (
	"crypto/tls"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"pgaf/monitor"
)

// maxFormations is how many formations a file may have, as create monitor takes.
const maxFormations = 16

// checker collects what is wrong with a file whose values are well-formed.
type checker struct {
	f        *File
	problems []Problem
}

// check looks at what the values mean together, and at the files they name.
func (f *File) check() []Problem {
	c := &checker{f: f}
	c.checkPlace()
	c.checkMonitor()
	c.checkFormations()
	c.checkSSL()
	return c.problems
}

// at complains about the line of a key, or the file when it has no such line.
func (c *checker) at(key, format string, args ...any) {
	c.problems = append(c.problems, Problem{c.f.lines[key], fmt.Sprintf(format, args...)})
}

func (c *checker) checkPlace() {
	f := c.f
	switch {
	case f.PGDATA == "":
		c.at("postgresql.pgdata", "postgresql.pgdata is missing: where is the data?")
	case !filepath.IsAbs(f.PGDATA):
		c.at("postgresql.pgdata", "postgresql.pgdata: %s is no absolute path", f.PGDATA)
	}
	if strings.ContainsAny(f.Hostname, " \t,'\"/") {
		c.at("node.hostname", "node.hostname: %q is neither a host name nor an IP address", f.Hostname)
	}
	if f.DebianCluster != "" {
		c.at("options.debian_cluster", "options.debian_cluster: make the cluster with pg_createcluster, and name its folder in postgresql.pgdata")
	}
}

func (c *checker) checkMonitor() {
	f := c.f
	switch {
	case f.IsMonitor():
		for _, key := range []string{"monitor.pguri", "monitor.no_monitor", "monitor.node_id", "formation.name", "formation.group", "settings.candidate_priority",
			"settings.replication_quorum", "settings.region", "pg_auto_failover.monitor_password", "replication.password", "citus.role", "citus.cluster_name"} {
			if f.Has(key) {
				c.at(key, "%s is of data nodes, and this is a monitor (node.kind)", key)
			}
		}
		return
	case f.NoMonitor && f.MonitorURI != "":
		c.at("monitor.no_monitor", "monitor.no_monitor and monitor.pguri exclude each other")
	case f.NoMonitor && f.NodeID == 0:
		c.at("monitor.no_monitor", "monitor.node_id is missing: a node without a monitor needs a number of its own")
	case !f.NoMonitor && f.NodeID != 0:
		c.at("monitor.node_id", "monitor.node_id is for a node without a monitor (monitor.no_monitor = true)")
	case !f.NoMonitor && f.MonitorURI == "":
		c.at("monitor.pguri", "monitor.pguri is missing; on the monitor it is printed by: pgaf show uri --formation monitor")
	case f.MonitorURI != "":
		if _, err := monitor.ParseURI(f.MonitorURI); err != nil {
			c.at("monitor.pguri", "monitor.pguri: %v", err)
		}
	}
	if f.Has("pg_auto_failover.autoctl_node_password") {
		c.at("pg_auto_failover.autoctl_node_password", "pg_auto_failover.autoctl_node_password is of a monitor, and this is a data node (node.kind)")
	}
	for _, key := range []string{"citus.role", "citus.cluster_name"} {
		if f.Has(key) && f.Kind == KindPostgres {
			c.at(key, "%s is of kinds coordinator and worker (node.kind)", key)
		}
	}
	if f.CitusRole != "" && f.CitusRole != "primary" {
		c.at("citus.role", "citus.role: %q: nodes of a read-only Citus cluster are not made from a file; the role is primary", f.CitusRole)
	}
	if f.Formation == "" {
		c.at("formation.name", "formation.name is empty")
	}
}

func (c *checker) checkFormations() {
	seen := map[string]int{}
	for i, formation := range c.f.Formations {
		line := formation.lines[""]
		complain := func(format string, args ...any) {
			c.problems = append(c.problems, Problem{line, fmt.Sprintf(format, args...)})
		}
		switch {
		case !c.f.IsMonitor():
			complain("[formation %s] is of a monitor, and this is a data node (node.kind); its own formation is named in [formation]", formation.Name)
		case formation.Name == "":
			complain("a formation has a name: [formation NAME]")
		case seen[formation.Name] > 0:
			complain("[formation %s] stands twice, first in line %d", formation.Name, seen[formation.Name])
		case i == maxFormations:
			complain("there are more than %d formations; create the others with: pgaf create formation", maxFormations)
		case !formation.Secondary && formation.NumSyncStandbys > 0:
			complain("[formation %s]: num_sync_standbys without secondary", formation.Name)
		}
		seen[formation.Name] = line
	}
}

func (c *checker) checkSSL() {
	f := c.f
	files := []struct{ key, path string }{{"ssl.ca_file", f.CAFile}, {"ssl.cert_file", f.CertFile}, {"ssl.key_file", f.KeyFile}}
	verify := strings.HasPrefix(f.SSL, "verify-")
	complete := true
	for _, file := range files {
		switch {
		case file.path == "" && verify:
			c.at("options.ssl", "options.ssl = %s needs %s", f.SSL, file.key)
		case file.path == "":
		case !verify:
			c.at(file.key, "%s is for options.ssl = verify-ca or verify-full", file.key)
		case !filepath.IsAbs(file.path):
			c.at(file.key, "%s: %s is no absolute path", file.key, file.path)
		default:
			if err := readable(file.path); err != nil {
				c.at(file.key, "%s: %v", file.key, err)
				break
			}
			continue
		}
		complete = false
	}
	if verify && complete {
		if _, err := tls.LoadX509KeyPair(f.CertFile, f.KeyFile); err != nil {
			c.at("ssl.key_file", "ssl.cert_file and ssl.key_file do not fit together: %v", err)
		}
	}
}

func readable(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	if info, err := file.Stat(); err != nil || info.Mode().IsRegular() {
		return err
	}
	return fmt.Errorf("%s is no file", path)
}
