package nodefile

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// key is one line of the table of keys: its place, its default, and how its value is
// read.
type key struct {
	section, name string
	fallback      string
	set           func(f *File, value string) error
}

// Name is what messages call it.
func (k key) Name() string { return k.section + "." + k.name }

// keys is the one table of keys, in the order of the file.
var keys = []key{
	{"node", "kind", KindPostgres, word(func(f *File) *string { return &f.Kind }, KindMonitor, KindPostgres, "coordinator", "worker")},
	{"node", "name", "", text(func(f *File) *string { return &f.Name })},
	{"node", "hostname", "", text(func(f *File) *string { return &f.Hostname })},
	{"node", "port", "5432", number(func(f *File) *int { return &f.Port }, 1, 65535)},
	{"postgresql", "pgdata", "", text(func(f *File) *string { return &f.PGDATA })},
	{"monitor", "pguri", "", text(func(f *File) *string { return &f.MonitorURI })},
	{"monitor", "no_monitor", "false", truth(func(f *File) *bool { return &f.NoMonitor })},
	{"monitor", "node_id", "0", number(func(f *File) *int { return &f.NodeID }, 0, 1<<31-1)},
	{"formation", "name", "default", text(func(f *File) *string { return &f.Formation })},
	{"formation", "group", "0", number(func(f *File) *int { return &f.Group }, 0, 1<<31-1)},
	{"settings", "candidate_priority", "50", number(func(f *File) *int { return &f.CandidatePriority }, 0, 100)},
	{"settings", "replication_quorum", "true", truth(func(f *File) *bool { return &f.ReplicationQuorum })},
	{"settings", "region", "", text(func(f *File) *string { return &f.Region })},
	{"options", "ssl", SSLSelfSigned, word(func(f *File) *string { return &f.SSL }, SSLSelfSigned, SSLOff, "verify-ca", "verify-full")},
	{"options", "auth", "trust", word(func(f *File) *string { return &f.Auth }, authMethods...)},
	{"options", "pg_hba_lan", "true", truth(func(f *File) *bool { return &f.HBALan })},
	{"options", "debian_cluster", "", text(func(f *File) *string { return &f.DebianCluster })},
	{"ssl", "ca_file", "", text(func(f *File) *string { return &f.CAFile })},
	{"ssl", "cert_file", "", text(func(f *File) *string { return &f.CertFile })},
	{"ssl", "key_file", "", text(func(f *File) *string { return &f.KeyFile })},
	{"launch", "create", Immediate, word(func(f *File) *string { return &f.LaunchCreate }, Immediate, Deferred)},
	{"launch", "run", Immediate, word(func(f *File) *string { return &f.LaunchRun }, Immediate, Deferred)},
	{"pg_auto_failover", "autoctl_node_password", "", text(func(f *File) *string { return &f.AutoctlNodePassword })},
	{"pg_auto_failover", "monitor_password", "", text(func(f *File) *string { return &f.MonitorPassword })},
	{"replication", "password", "", text(func(f *File) *string { return &f.ReplicationPassword })},
	{"citus", "role", "", text(func(f *File) *string { return &f.CitusRole })},
	{"citus", "cluster_name", "", text(func(f *File) *string { return &f.CitusCluster })},
}

// formationKeys are those of a section [formation NAME].
var formationKeys = []string{"kind", "secondary", "num_sync_standbys"}

// authMethods are those of pg_hba.conf that take no more than their name.
var authMethods = []string{"trust", "scram-sha-256", "md5", "password", "cert", "peer", "ident", "gss", "ldap", "radius", "pam"}

func (f *Formation) set(name, value string) error {
	switch name {
	case "kind":
		return oneOf(&f.Kind, value, "pgsql", "citus")
	case "secondary":
		return boolean(&f.Secondary, value)
	}
	return whole(&f.NumSyncStandbys, value, 0, 100)
}

func text(field func(*File) *string) func(*File, string) error {
	return func(f *File, value string) error {
		*field(f) = value
		return nil
	}
}

func word(field func(*File) *string, words ...string) func(*File, string) error {
	return func(f *File, value string) error { return oneOf(field(f), value, words...) }
}

func number(field func(*File) *int, least, most int) func(*File, string) error {
	return func(f *File, value string) error { return whole(field(f), value, least, most) }
}

func truth(field func(*File) *bool) func(*File, string) error {
	return func(f *File, value string) error { return boolean(field(f), value) }
}

func oneOf(target *string, value string, words ...string) error {
	if !slices.Contains(words, value) {
		return fmt.Errorf("%q is none of %s", value, strings.Join(words, ", "))
	}
	*target = value
	return nil
}

func whole(target *int, value string, least, most int) error {
	n, err := strconv.Atoi(value)
	if err != nil || n < least || n > most {
		return fmt.Errorf("%q is not a whole number from %d to %d", value, least, most)
	}
	*target = n
	return nil
}

func boolean(target *bool, value string) error {
	switch strings.ToLower(value) {
	case "true", "yes", "on", "1":
		*target = true
	case "false", "no", "off", "0":
		*target = false
	default:
		return fmt.Errorf("%q is neither true nor false", value)
	}
	return nil
}
