package keeper

import (
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The section that names the node keeps its name of pg_auto_failover, so that
// existing guides and scripts (`config set pg_autoctl.name …`) work; commands also
// accept pgaf.name.
const roleSection = "pg_autoctl"

// reload is what a change of a setting in the file of a running node does.
type reload int

const (
	onReload     reload = iota // applied on SIGHUP
	onRestart                  // applied when the keeper is restarted
	neverChanges               // refused
)

// roles are the roles that have a setting.
type roles int

const (
	forKeeper roles = 1 << iota
	forMonitor
	forBoth = forKeeper | forMonitor
)

func (r roles) has(role Role) bool {
	switch role {
	case RoleKeeper:
		return r&forKeeper != 0
	case RoleMonitor:
		return r&forMonitor != 0
	}
	return false
}

// setting is one line of the table of settings.
type setting struct {
	section, key string
	legacy       []string // older spellings, read but never written
	roles        roles
	fallback     string // the value when the file does not have the key
	required     bool
	integer      bool // JSON shows a number
	reload       reload
	get          func(*Config) string
	set          func(*Config, string) error
}

// Name is what users call the setting: section.key.
func (s setting) Name() string { return s.section + "." + s.key }

// settings is the one table of settings, in the order of the file.
var settings = []setting{
	text(setting{section: roleSection, key: "role", roles: forBoth, required: true, reload: neverChanges},
		func(c *Config) *string { return (*string)(&c.Role) }, nil),
	text(setting{section: roleSection, key: "monitor", roles: forKeeper},
		func(c *Config) *string { return &c.Monitor }, checkMonitorURI),
	text(setting{section: roleSection, key: "monitor_password", roles: forKeeper},
		func(c *Config) *string { return &c.MonitorPassword }, nil),
	text(setting{section: roleSection, key: "formation", roles: forKeeper, fallback: "default", required: true, reload: neverChanges},
		func(c *Config) *string { return &c.Formation }, nil),
	integers(setting{section: roleSection, key: "group", roles: forKeeper, fallback: "-1", reload: neverChanges},
		func(c *Config) *int { return &c.Group }, -1, 1<<31-1),
	text(setting{section: roleSection, key: "name", roles: forKeeper},
		func(c *Config) *string { return &c.Name }, nil),
	text(setting{section: roleSection, key: "hostname", legacy: []string{"nodename"}, roles: forBoth},
		func(c *Config) *string { return &c.Hostname }, checkHostname),
	text(setting{section: roleSection, key: "nodekind", roles: forKeeper, fallback: "standalone", reload: onRestart},
		func(c *Config) *string { return &c.NodeKind }, oneOf("standalone", "coordinator", "worker")),
	text(setting{section: roleSection, key: "autoctl_node_password", roles: forMonitor},
		func(c *Config) *string { return &c.AutoctlNodePassword }, nil),

	text(setting{section: "postgresql", key: "pgdata", roles: forBoth, required: true, reload: neverChanges},
		func(c *Config) *string { return &c.PGDATA }, nil),
	text(setting{section: "postgresql", key: "pg_ctl", roles: forBoth, reload: onRestart},
		func(c *Config) *string { return &c.PgCtl }, nil),
	text(setting{section: "postgresql", key: "username", roles: forBoth, reload: onRestart},
		func(c *Config) *string { return &c.Username }, nil),
	text(setting{section: "postgresql", key: "dbname", roles: forBoth, reload: onRestart},
		func(c *Config) *string { return &c.Database }, nil),
	text(setting{section: "postgresql", key: "host", roles: forBoth, reload: onRestart},
		func(c *Config) *string { return &c.Host }, nil),
	integers(setting{section: "postgresql", key: "port", roles: forBoth, fallback: "5432", required: true, reload: onRestart},
		func(c *Config) *int { return &c.Port }, 1, 65535),
	integers(setting{section: "postgresql", key: "proxyport", roles: forKeeper, fallback: "0", reload: onRestart},
		func(c *Config) *int { return &c.ProxyPort }, 0, 65535),
	text(setting{section: "postgresql", key: "listen_addresses", roles: forBoth, fallback: "*", reload: onRestart},
		func(c *Config) *string { return &c.ListenAddresses }, nil),
	text(setting{section: "postgresql", key: "auth_method", roles: forBoth, reload: onRestart},
		func(c *Config) *string { return &c.AuthMethod }, nil),
	text(setting{section: "postgresql", key: "hba_level", roles: forKeeper, fallback: "minimal", reload: onRestart},
		func(c *Config) *string { return &c.HBALevel }, oneOf("skip", "minimal", "app")),

	flag(setting{section: "ssl", key: "active", roles: forBoth, fallback: "0"},
		func(c *Config) *bool { return &c.SSL.Active }),
	text(setting{section: "ssl", key: "sslmode", roles: forBoth, fallback: "prefer"},
		func(c *Config) *string { return &c.SSL.Mode }, oneOf(sslModes...)),
	text(setting{section: "ssl", key: "ca_file", roles: forBoth},
		func(c *Config) *string { return &c.SSL.CAFile }, nil),
	text(setting{section: "ssl", key: "crl_file", roles: forBoth},
		func(c *Config) *string { return &c.SSL.CRLFile }, nil),
	text(setting{section: "ssl", key: "cert_file", roles: forBoth},
		func(c *Config) *string { return &c.SSL.CertFile }, nil),
	text(setting{section: "ssl", key: "key_file", roles: forBoth},
		func(c *Config) *string { return &c.SSL.KeyFile }, nil),

	text(setting{section: "replication", key: "maximum_backup_rate", roles: forKeeper, fallback: "100M"},
		func(c *Config) *string { return &c.Replication.MaximumBackupRate }, checkBackupRate),
	text(setting{section: "replication", key: "backup_directory", roles: forKeeper},
		func(c *Config) *string { return &c.Replication.BackupDirectory }, nil),
	text(setting{section: "replication", key: "backup_source", roles: forKeeper, fallback: backupFromPrimary},
		func(c *Config) *string { return &c.Replication.BackupSource }, oneOf(BackupSources...)),
	text(setting{section: "replication", key: "clone_command", roles: forKeeper},
		func(c *Config) *string { return &c.Replication.CloneCommand }, nil),
	flag(setting{section: "replication", key: "keep_old_pgdata", roles: forKeeper, fallback: "0"},
		func(c *Config) *bool { return &c.Replication.KeepOldPGDATA }),
	text(setting{section: "replication", key: "password", roles: forKeeper},
		func(c *Config) *string { return &c.Replication.Password }, nil),

	// How long a primary serves without hearing from the monitor or a standby.
	duration(setting{section: "timeout", key: "network_partition_timeout", roles: forKeeper, fallback: "20"},
		func(c *Config) *time.Duration { return &c.Timeout.NetworkPartition }, time.Second, 1),
	// How long a primary that is stopped (SIGTERM) may take to hand over to a standby
	// first; 0 stops it at once.
	duration(setting{section: "timeout", key: "handover_timeout", roles: forKeeper, fallback: "30"},
		func(c *Config) *time.Duration { return &c.Timeout.HandOver }, time.Second, 0),
	duration(setting{section: "timeout", key: "prepare_promotion_catchup", roles: forKeeper, fallback: "30"},
		func(c *Config) *time.Duration { return &c.Timeout.PreparePromotionCatchup }, time.Second, 0),
	duration(setting{section: "timeout", key: "prepare_promotion_walreceiver", roles: forKeeper, fallback: "5"},
		func(c *Config) *time.Duration { return &c.Timeout.PreparePromotionReceiver }, time.Second, 0),
	// How long, and how often, a keeper tries to restart its Postgres before the
	// monitor is told that it is down.
	duration(setting{section: "timeout", key: "postgresql_restart_failure_timeout", roles: forKeeper, fallback: "20"},
		func(c *Config) *time.Duration { return &c.Timeout.RestartFailure }, time.Second, 0),
	integers(setting{section: "timeout", key: "postgresql_restart_failure_max_retries", roles: forKeeper, fallback: "3"},
		func(c *Config) *int { return &c.Timeout.RestartFailureMaxRetries }, 0, 1000),
	duration(setting{section: "timeout", key: "listen_notifications_timeout", roles: forKeeper, fallback: "60", reload: onRestart},
		func(c *Config) *time.Duration { return &c.Timeout.ListenNotifications }, time.Second, 0),
	duration(setting{section: "timeout", key: "citus_master_update_node_lock_cooldown", roles: forKeeper, fallback: "10000", reload: onRestart},
		func(c *Config) *time.Duration { return &c.Timeout.CitusUpdateNodeLock }, time.Millisecond, 0),
	integers(setting{section: "timeout", key: "citus_coordinator_wait_max_retries", roles: forKeeper, fallback: "100", reload: onRestart},
		func(c *Config) *int { return &c.Timeout.CitusCoordinatorMaxRetry }, 0, 1<<31-1),
	duration(setting{section: "timeout", key: "citus_coordinator_wait_timeout", roles: forKeeper, fallback: "300", reload: onRestart},
		func(c *Config) *time.Duration { return &c.Timeout.CitusCoordinatorWaitLimit }, time.Second, 0),

	text(setting{section: "citus", key: "role", roles: forKeeper, fallback: "primary", reload: onRestart},
		func(c *Config) *string { return &c.Citus.Role }, oneOf("primary", "secondary")),
	text(setting{section: "citus", key: "cluster_name", roles: forKeeper, reload: onRestart},
		func(c *Config) *string { return &c.Citus.ClusterName }, nil),
}

// text completes a setting whose value is a string; check may be nil.
func text(s setting, field func(*Config) *string, check func(string) error) setting {
	s.get = func(c *Config) string { return *field(c) }
	s.set = func(c *Config, value string) error {
		if check != nil && value != "" {
			if err := check(value); err != nil {
				return err
			}
		}
		*field(c) = value
		return nil
	}
	return s
}

func integers(s setting, field func(*Config) *int, least, most int) setting {
	s.integer = true
	s.get = func(c *Config) string { return strconv.Itoa(*field(c)) }
	s.set = func(c *Config, value string) error {
		n, err := strconv.Atoi(value)
		if err != nil || n < least || n > most {
			return fmt.Errorf("%q is not an integer from %d to %d", value, least, most)
		}
		*field(c) = n
		return nil
	}
	return s
}

// duration completes a setting that is a whole number of units.
func duration(s setting, field func(*Config) *time.Duration, unit time.Duration, least int) setting {
	s.integer = true
	s.get = func(c *Config) string { return strconv.FormatInt(int64(*field(c)/unit), 10) }
	s.set = func(c *Config, value string) error {
		n, err := strconv.Atoi(value)
		if err != nil || n < least || n > 1<<31-1 {
			return fmt.Errorf("%q is not a whole number of %s ≥ %d", value, unitName(unit), least)
		}
		*field(c) = time.Duration(n) * unit
		return nil
	}
	return s
}

func unitName(unit time.Duration) string {
	if unit == time.Millisecond {
		return "milliseconds"
	}
	return "seconds"
}

// flag completes a setting that the file shows as 0 or 1.
func flag(s setting, field func(*Config) *bool) setting {
	s.integer = true
	s.get = func(c *Config) string {
		if *field(c) {
			return "1"
		}
		return "0"
	}
	s.set = func(c *Config, value string) error {
		switch strings.ToLower(value) {
		case "1", "on", "true", "yes":
			*field(c) = true
		case "0", "off", "false", "no":
			*field(c) = false
		default:
			return fmt.Errorf("%q is neither 0 nor 1", value)
		}
		return nil
	}
	return s
}

func oneOf(values ...string) func(string) error {
	return func(value string) error {
		if !slices.Contains(values, value) {
			return fmt.Errorf("%q is none of %s", value, strings.Join(values, ", "))
		}
		return nil
	}
}

var sslModes = []string{"disable", "allow", "prefer", "require", "verify-ca", "verify-full"}

var backupRate = regexp.MustCompile(`^[0-9]+(\.[0-9]+)?[kM]?$`)

func checkBackupRate(value string) error {
	if !backupRate.MatchString(value) {
		return fmt.Errorf("%q is not a rate as pg_basebackup --max-rate wants it, for instance 100M or 800k", value)
	}
	return nil
}

func checkHostname(value string) error {
	if strings.ContainsAny(value, " \t,'\"/") {
		return fmt.Errorf("%q is neither a host name nor an IP address", value)
	}
	if strings.Contains(value, ":") && net.ParseIP(value) == nil {
		return fmt.Errorf("%q is neither a host name nor an IP address; the port is a setting of its own", value)
	}
	return nil
}

func checkMonitorURI(value string) error {
	if value == MonitorDisabled {
		return nil
	}
	if !strings.HasPrefix(value, "postgres://") && !strings.HasPrefix(value, "postgresql://") {
		return fmt.Errorf("the monitor is named by a URI such as postgres://%s@host:5432/%s", MonitorUser, MonitorDatabase)
	}
	// A URI of several hosts ("host1:5432,host2:5432") is for libpq and pgx to
	// parse; net/url refuses its ports. Only one of a single host is checked here.
	if authority, _, _ := strings.Cut(strings.SplitN(value, "://", 2)[1], "/"); strings.Contains(authority, ",") {
		return nil
	}
	if _, err := url.Parse(value); err != nil {
		return fmt.Errorf("the connection string of the monitor is not a valid URI")
	}
	return nil
}
