package postgres

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
)

// SettingsFile holds the server settings that pgaf owns; it is included by the first line of postgresql.conf.
const SettingsFile = "postgresql-auto-failover.conf"

// Kind of node the settings are for.
type Kind string

const (
	KindStandalone  Kind = "pgsql"
	KindMonitor     Kind = "monitor"
	KindCoordinator Kind = "coordinator"
	KindWorker      Kind = "worker"
)

func (k Kind) citus() bool { return k == KindCoordinator || k == KindWorker }

// SSLSettings of the server; empty files are left out.
type SSLSettings struct {
	Active                             bool
	CertFile, KeyFile, CAFile, CRLFile string
}

// CitusSettings are added for coordinators and workers.
type CitusSettings struct {
	SSLMode, SSLRootCert, SSLCRL string
	ClusterName                  string // of a read-replica cluster
	LocalHostname                string
}

// NodeSettings are the server settings that pgaf owns; what follows in postgresql.conf overrides them.
type NodeSettings struct {
	Kind            Kind
	ListenAddresses string // default *
	Port            int
	AuthMethod      string   // decides password_encryption
	Preload         []string // shared_preload_libraries of a node; leave out what Bin.HasLibrary does not find
	SSL             SSLSettings
	Citus           CitusSettings
	Tuning          Tuning         // zero: HostTuning of this machine and of PGDATA's disk
	Group           map[string]int // of GroupSettings
}

// sslCiphers are those of TLS 1.2 with forward secrecy; TLS 1.3 has its own list.
const sslCiphers = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:" +
	"ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384:" +
	"ECDHE-ECDSA-AES128-SHA256:ECDHE-ECDSA-AES256-SHA384:ECDHE-RSA-AES128-SHA256:ECDHE-RSA-AES256-SHA384"

// WriteSettings writes SettingsFile and its include as first line of postgresql.conf. Nothing is written when
// nothing changes. A changed file wants a reload; Server.PendingRestart tells what wants more.
func WriteSettings(pgdata string, s NodeSettings) (changed bool, err error) {
	if s.Tuning == (Tuning{}) {
		s.Tuning = HostTuning(pgdata)
	}
	changed, err = replaceFile(filepath.Join(pgdata, SettingsFile), []byte(s.render()), 0o600)
	if err == nil {
		var included bool
		included, err = includeFirst(pgdata, SettingsFile)
		changed = changed || included
	}
	if err != nil {
		return changed, fmt.Errorf("write the settings of %s: %w", pgdata, err)
	}
	return changed, nil
}

func (s NodeSettings) render() string {
	c := &settingsFile{}
	c.comment("Settings by pgaf; changes are overwritten. Your own belong into postgresql.conf, below the include of this file.")
	if s.Kind == KindMonitor {
		s.renderMonitor(c)
	} else {
		s.renderNode(c)
	}
	c.b.WriteByte('\n')
	s.Tuning.render(c, s.Kind)
	if s.Kind.citus() {
		c.b.WriteByte('\n')
		s.renderCitus(c)
	}
	s.renderGroup(c)
	return c.b.String()
}

func (s NodeSettings) renderNode(c *settingsFile) {
	if len(s.Preload) > 0 {
		c.quoted("shared_preload_libraries", strings.Join(s.Preload, ","))
	}
	s.renderListen(c)
	c.set("max_wal_senders", "12")
	c.set("max_replication_slots", "12")
	c.set("wal_level", "'replica'")
	c.set("wal_log_hints", "on")
	c.comment("A peer that vanished without a word is noticed within these. They also bound the time that a fast stop")
	c.comment("waits for a dead standby.")
	c.set("wal_sender_timeout", "'10s'")
	c.set("wal_receiver_timeout", "'10s'")
	c.set("wal_receiver_status_interval", "'1s'")
	c.comment("A standby looks for its upstream again this soon.")
	c.set("wal_retrieve_retry_interval", "'100ms'")
	c.set("hot_standby_feedback", "on")
	c.set("hot_standby", "on")
	c.set("synchronous_commit", "on")
	s.renderLogging(c)
	s.renderTLS(c)
	c.comment("Standbys are served by slots. This much more is kept for pg_rewind and for nodes whose slot is not there yet.")
	c.set("wal_keep_size", "'512 MB'")
}

func (s NodeSettings) renderMonitor(c *settingsFile) {
	if len(s.Preload) > 0 {
		c.quoted("shared_preload_libraries", strings.Join(s.Preload, ","))
	}
	c.set("cluster_name", "'pg_auto_failover monitor'")
	s.renderListen(c)
	s.renderLogging(c)
	c.set("log_statement", "ddl")
	s.renderTLS(c)
	c.set("tcp_keepalives_idle", "30")
	c.set("tcp_keepalives_interval", "10")
	c.set("tcp_keepalives_count", "6")
	c.set("tcp_user_timeout", "60000")
}

func (s NodeSettings) renderListen(c *settingsFile) {
	listen := s.ListenAddresses
	if listen == "" {
		listen = "*"
	}
	c.quoted("listen_addresses", listen)
	if s.Port != 0 {
		c.set("port", strconv.Itoa(s.Port))
	}
}

func (s NodeSettings) renderLogging(c *settingsFile) {
	c.set("logging_collector", "on")
	c.set("log_destination", "stderr")
	c.set("log_directory", "log")
	c.set("log_min_messages", "info")
	c.set("log_connections", "off")
	c.set("log_disconnections", "off")
	c.set("log_lock_waits", "on")
	switch s.AuthMethod {
	case "md5", "scram-sha-256":
		c.quoted("password_encryption", s.AuthMethod)
	case "password":
		c.quoted("password_encryption", "scram-sha-256")
	}
}

func (s NodeSettings) renderTLS(c *settingsFile) {
	c.set("ssl", map[bool]string{true: "on", false: "off"}[s.SSL.Active])
	c.quoted("ssl_ca_file", s.SSL.CAFile)
	c.quoted("ssl_crl_file", s.SSL.CRLFile)
	c.quoted("ssl_cert_file", s.SSL.CertFile)
	c.quoted("ssl_key_file", s.SSL.KeyFile)
	c.quoted("ssl_ciphers", sslCiphers)
}

// renderCitus comes last: later lines win.
func (s NodeSettings) renderCitus(c *settingsFile) {
	c.quoted("shared_preload_libraries", strings.Join(append([]string{"citus"}, s.Preload...), ","))
	c.set("wal_level", "logical")
	info := &conninfo{}
	info.add("sslmode", s.Citus.SSLMode)
	info.add("sslrootcert", s.Citus.SSLRootCert)
	info.add("sslcrl", s.Citus.SSLCRL)
	c.quoted("citus.node_conninfo", info.String())
	if s.Citus.ClusterName != "" {
		c.quoted("citus.cluster_name", s.Citus.ClusterName)
		c.set("citus.use_secondary_nodes", "'always'")
	}
	c.quoted("citus.local_hostname", s.Citus.LocalHostname)
}

// settingsFile is a configuration file in the making.
type settingsFile struct{ b strings.Builder }

func (c *settingsFile) comment(text string)      { fmt.Fprintf(&c.b, "# %s\n", text) }
func (c *settingsFile) set(name, value string)   { fmt.Fprintf(&c.b, "%s = %s\n", name, value) }
func (c *settingsFile) size(name string, mb int) { c.set(name, "'"+prettySize(mb)+"'") }

// quoted sets a string; an empty one is left out.
func (c *settingsFile) quoted(name, value string) {
	if value != "" {
		c.set(name, quoteSetting(value))
	}
}
