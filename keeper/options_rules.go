package keeper

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Rules of the create commands' options, and how they become a configuration.

// check refuses options that are missing or contradict each other. has is the
// configuration of an earlier create, or nil.
func (o CreateOptions) check(has *Config) error {
	if o.PGDATA == "" {
		return exitf(ExitBadArgs, "where shall the data be? pass --pgdata or set PGDATA")
	}
	if err := o.checkMonitorChoice(has); err != nil {
		return err
	}
	if !o.DisableMonitor && o.Monitor == "" && (has == nil || has.Monitor == "") {
		return exitf(ExitBadArgs, "which monitor? pass --monitor or set PG_AUTOCTL_MONITOR, for instance postgres://%s@host:5432/%s", MonitorUser, MonitorDatabase)
	}
	if err := checkAuth(o.Auth, o.SkipHBA, o.SSL, has); err != nil {
		return err
	}
	if o.HBALan && o.SkipHBA {
		return exitf(ExitBadArgs, "--pg-hba-lan and --skip-pg-hba contradict each other")
	}
	if o.CandidatePriority != nil && (*o.CandidatePriority < 0 || *o.CandidatePriority > 100) {
		return exitf(ExitBadArgs, "--candidate-priority is from 0 to 100, not %d", *o.CandidatePriority)
	}
	if err := o.SSL.check(has); err != nil {
		return err
	}
	if has != nil && o.NodeKind != "" && o.NodeKind != has.NodeKind {
		return exitf(ExitBadConfig, "this is a node of kind %s already, and cannot become a %s; create it in another --pgdata", has.NodeKind, o.NodeKind)
	}
	return nil
}

func (o CreateOptions) checkMonitorChoice(has *Config) error {
	switch {
	case o.DisableMonitor && o.Monitor != "":
		return exitf(ExitBadArgs, "--monitor and --disable-monitor contradict each other")
	case o.DisableMonitor && o.NodeID <= 0 && has == nil:
		return exitf(ExitBadArgs, "no monitor gives this node its number; pass --node-id N, another one for each node of the group")
	case !o.DisableMonitor && o.NodeID != 0:
		return exitf(ExitBadArgs, "the monitor numbers its nodes: --node-id is only for --disable-monitor")
	case o.DisableMonitor && has != nil && !has.MonitorDisabled():
		return exitf(ExitBadConfig, "this node has a monitor; leave it with: pgaf disable monitor --force --pgdata %s", o.PGDATA)
	}
	return nil
}

func (o CreateMonitorOptions) check(has *Config) error {
	if o.PGDATA == "" {
		return exitf(ExitBadArgs, "where shall the data be? pass --pgdata or set PGDATA")
	}
	if err := checkAuth(o.Auth, o.SkipHBA, o.SSL, has); err != nil {
		return err
	}
	return o.SSL.check(has)
}

// withDefaults takes the secure default for each choice that neither this command nor
// an earlier create made.
func (o CreateOptions) withDefaults(has *Config) CreateOptions {
	o.Auth, o.secured = authOrDefault(o.Auth, o.SkipHBA, has)
	o.SSL = o.SSL.orDefault(has)
	return o
}

func (o CreateMonitorOptions) withDefaults(has *Config) CreateMonitorOptions {
	o.Auth, o.secured = authOrDefault(o.Auth, o.SkipHBA, has)
	o.SSL = o.SSL.orDefault(has)
	return o
}

func authOrDefault(auth string, skip bool, has *Config) (method string, secured bool) {
	if auth != "" || skip || has != nil && has.AuthMethod != "" {
		return auth, false
	}
	return defaultAuth, true
}

func (s SSLOptions) orDefault(has *Config) SSLOptions {
	if has == nil && s == (SSLOptions{}) {
		s.SelfSigned = true
	}
	return s
}

func checkAuth(auth string, skip bool, ssl SSLOptions, has *Config) error {
	switch {
	case auth != "" && skip:
		return exitf(ExitBadArgs, "--auth and --skip-pg-hba contradict each other")
	case auth == "cert" && ssl.CAFile == "" && (has == nil || has.SSL.CAFile == ""):
		return exitf(ExitBadArgs, "--auth cert trusts certificates that an authority has signed; pass --ssl-ca-file, --server-cert and --server-key")
	}
	return nil
}

// check refuses anything but exactly one choice.
func (s SSLOptions) check(has *Config) error {
	files := s.CertFile != "" || s.KeyFile != "" || s.CAFile != "" || s.CRLFile != ""
	choices := 0
	for _, chosen := range []bool{s.SelfSigned, s.None, files} {
		if chosen {
			choices++
		}
	}
	switch {
	case choices > 1:
		return exitf(ExitBadArgs, "--ssl-self-signed, --no-ssl and certificate files contradict each other")
	case choices == 0 && has != nil && s.Mode == "":
		return nil
	case choices == 0:
		return exitf(ExitBadArgs, "--ssl-mode alone does not say which certificate; pass --ssl-self-signed, or --server-cert and --server-key, or --no-ssl")
	}
	if s.Mode != "" && !slices.Contains(sslModes, s.Mode) {
		return exitf(ExitBadArgs, "--ssl-mode %s is none of %s", s.Mode, strings.Join(sslModes, ", "))
	}
	if s.SelfSigned && strings.HasPrefix(s.Mode, "verify-") {
		return exitf(ExitBadArgs, "--ssl-mode %s needs a certificate authority, which a self-signed certificate does not have; use require, or certificate files", s.Mode)
	}
	if files {
		return s.checkFiles()
	}
	return nil
}

func (s SSLOptions) checkFiles() error {
	if s.CertFile == "" || s.KeyFile == "" {
		return exitf(ExitBadArgs, "--server-cert and --server-key are needed together")
	}
	if mode := s.mode(); strings.HasPrefix(mode, "verify-") && s.CAFile == "" {
		return exitf(ExitBadArgs, "--ssl-mode %s needs --ssl-ca-file", mode)
	}
	for option, file := range map[string]string{"--server-cert": s.CertFile, "--server-key": s.KeyFile, "--ssl-ca-file": s.CAFile, "--ssl-crl-file": s.CRLFile} {
		if file == "" {
			continue
		}
		if _, err := os.Stat(file); err != nil {
			return exitf(ExitBadArgs, "%s: %w", option, err)
		}
	}
	return nil
}

// mode is the sslmode of a choice.
func (s SSLOptions) mode() string {
	switch {
	case s.Mode != "":
		return s.Mode
	case s.SelfSigned:
		return "require"
	case s.None:
		return "prefer"
	}
	return "verify-full"
}

// apply puts the choice into a configuration whose PGDATA is set.
func (s SSLOptions) apply(c *Config) error {
	switch {
	case s.SelfSigned:
		c.SSL.Active = true
		c.SSL.CertFile, c.SSL.KeyFile = filepath.Join(c.PGDATA, "server.crt"), filepath.Join(c.PGDATA, "server.key")
		c.SSL.CAFile, c.SSL.CRLFile = "", ""
	case s.None:
		c.SSL.Active = false
		c.SSL.CertFile, c.SSL.KeyFile, c.SSL.CAFile, c.SSL.CRLFile = "", "", "", ""
	case s.CertFile != "":
		c.SSL.Active = true
		for file, field := range map[string]*string{s.CertFile: &c.SSL.CertFile, s.KeyFile: &c.SSL.KeyFile, s.CAFile: &c.SSL.CAFile, s.CRLFile: &c.SSL.CRLFile} {
			if file == "" {
				continue
			}
			path, err := filepath.Abs(file)
			if err != nil {
				return exitf(ExitBadArgs, "%s: %w", file, err)
			}
			*field = path
		}
	default:
		return nil // an existing configuration keeps its choice
	}
	c.SSL.Mode = s.mode()
	return nil
}

// config merges the options into the configuration of an earlier create, or into
// the defaults.
func (o CreateOptions) config(pgdata string, has *Config) (*Config, error) {
	c := NewConfig(RoleKeeper)
	if has != nil {
		copied := *has
		c = &copied
	}
	c.PGDATA = pgdata
	if o.DisableMonitor {
		o.Monitor = MonitorDisabled
	}
	given := []struct{ key, value string }{
		{"pg_autoctl.monitor", o.Monitor},
		{"pg_autoctl.monitor_password", o.MonitorPassword},
		{"pg_autoctl.formation", o.Formation},
		{"pg_autoctl.name", o.Name},
		{"pg_autoctl.hostname", o.Hostname},
		{"pg_autoctl.nodekind", o.NodeKind},
		{"postgresql.username", o.Username},
		{"postgresql.dbname", firstOf(o.Database, c.Database, defaultDatabase(o.NodeKind))},
		{"postgresql.host", o.PgHost},
		{"postgresql.port", number(o.Port)},
		{"postgresql.listen_addresses", o.Listen},
		{"replication.maximum_backup_rate", o.MaximumBackupRate},
		{"replication.backup_source", o.BackupSource},
		{"replication.clone_command", o.CloneCommand},
		{"replication.password", o.ReplicationPassword},
		{"citus.cluster_name", o.Cluster},
		{"postgresql.proxyport", number(o.ProxyPort)},
	}
	if o.CitusSecondary {
		given = append(given, struct{ key, value string }{"citus.role", "secondary"})
	}
	if err := setAll(c, given); err != nil {
		return nil, err
	}
	if o.KeepOldPGDATA {
		c.Replication.KeepOldPGDATA = true
	}
	applyAuth(c, o.Auth, o.SkipHBA)
	if o.HBALan {
		c.HBALevel = "app"
	}
	if has == nil && c.Replication.Password == "" && takesPassword(c.AuthMethod) {
		if password := monitorPassword(c); password != "" {
			c.Replication.Password = replicationPassword(password, c.Formation)
		} else if o.secured {
			return nil, o.noPassword()
		}
	}
	return c, o.SSL.apply(c)
}

// noPassword is the error of a node that has nothing to log in to the others with.
func (o CreateOptions) noPassword() error {
	if o.DisableMonitor {
		return exitf(ExitBadArgs, "without a monitor the nodes share no password to log in to each other with; pass the same --replication-password to each of them, or choose another --auth")
	}
	return exitf(ExitBadArgs, "the monitor's connection string has no password, from which that of the replication role would follow; pass the one that the monitor prints (pgaf show uri --formation monitor), or --monitor-password, or --replication-password, or choose another --auth")
}

func (o CreateMonitorOptions) config(pgdata string, has *Config) (*Config, error) {
	c := NewConfig(RoleMonitor)
	if has != nil {
		copied := *has
		c = &copied
	}
	c.PGDATA, c.Username, c.Database = pgdata, MonitorUser, MonitorDatabase
	given := []struct{ key, value string }{
		{"pg_autoctl.hostname", o.Hostname},
		{"pg_autoctl.autoctl_node_password", o.AutoctlNodePassword},
		{"postgresql.port", number(o.Port)},
		{"postgresql.listen_addresses", o.Listen},
	}
	if err := setAll(c, given); err != nil {
		return nil, err
	}
	applyAuth(c, o.Auth, o.SkipHBA)
	if has == nil && c.AutoctlNodePassword == "" && takesPassword(c.AuthMethod) {
		c.AutoctlNodePassword = randomPassword()
	}
	return c, o.SSL.apply(c)
}

// setAll sets the values that are given, by the rules of the table of settings.
func setAll(c *Config, given []struct{ key, value string }) error {
	for _, g := range given {
		if g.value == "" {
			continue
		}
		s, err := c.find(g.key)
		if err == nil && strings.ContainsAny(g.value, "\r\n") {
			err = errors.New("a value is one line")
		}
		if err == nil {
			err = s.set(c, g.value)
		}
		if err != nil {
			return exitf(ExitBadArgs, "%s: %w", g.key, err)
		}
	}
	return nil
}

func applyAuth(c *Config, auth string, skip bool) {
	switch {
	case skip && c.Role == RoleKeeper:
		c.AuthMethod, c.HBALevel = authSkip, authSkip
	case skip:
		c.AuthMethod = authSkip
	case auth != "":
		c.AuthMethod = auth
		if c.HBALevel == authSkip {
			c.HBALevel = "minimal"
		}
	}
}

func firstOf(values ...string) string {
	for _, value := range values {
		if value != "" {
			return value
		}
	}
	return ""
}

// number is the text of n, or nothing for 0.
func number(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(n)
}
