package keeper

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestConfigDefaultsAreValid(t *testing.T) {
	for _, role := range []Role{RoleKeeper, RoleMonitor} {
		c := NewConfig(role)
		for _, s := range settings {
			if !s.roles.has(role) || s.key == "role" {
				continue
			}
			if err := s.set(c, s.fallback); err != nil {
				t.Errorf("%s: its default %q is invalid: %v", s.Name(), s.fallback, err)
			}
		}
		if c.Role != role {
			t.Errorf("role is %q", c.Role)
		}
	}
	c := NewConfig(RoleKeeper)
	if c.Timeout.NetworkPartition != 20*time.Second || c.Port != 5432 || c.Group != -1 ||
		c.Timeout.CitusUpdateNodeLock != 10*time.Second || c.Replication.MaximumBackupRate != "100M" {
		t.Errorf("unexpected defaults: %+v", c)
	}
}

// odd are values with everything that means something in INI files.
var odd = rapid.StringOfN(rapid.RuneFrom([]rune("abcXYZ019 =#;%[]\"'`\\:/@?&$äπ")), 1, 40, -1)

func TestConfigRoundTrip(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(r *rapid.T) {
		c := NewConfig(RoleKeeper)
		c.PGDATA = "/srv/" + strings.TrimSpace(odd.Draw(r, "pgdata")) + "x"
		c.Name = strings.TrimSpace(odd.Draw(r, "name"))
		c.Monitor = "postgres://autoctl_node:" + strings.ReplaceAll(odd.Draw(r, "password"), " ", "") + "@m:1/db"
		c.Replication.Password = strings.TrimSpace(odd.Draw(r, "replication password"))
		c.MonitorPassword = strings.TrimSpace(odd.Draw(r, "monitor password"))
		c.Port = rapid.IntRange(1, 65535).Draw(r, "port")
		c.Group = rapid.IntRange(-1, 9).Draw(r, "group")
		c.SSL.Active = rapid.Bool().Draw(r, "ssl")
		c.Timeout.NetworkPartition = time.Duration(rapid.IntRange(1, 3600).Draw(r, "timeout")) * time.Second
		if checkMonitorURI(c.Monitor) != nil {
			return
		}
		path := filepath.Join(dir, "pgaf.cfg")
		if err := c.SaveFile(path); err != nil {
			r.Fatal(err)
		}
		got, err := LoadFile(path)
		if err != nil {
			r.Fatalf("%v\n%s", err, c.INI())
		}
		if diff := cmp.Diff(c, got); diff != "" {
			r.Fatalf("(-saved +loaded):\n%s\n%s", diff, c.INI())
		}
	})
}

func TestConfigReadsFilesOfPgAutoctl(t *testing.T) {
	c, err := parseConfig([]byte(`[pg_autoctl]
role = keeper
monitor = postgres://autoctl_node@m:5432/pg_auto_failover?sslmode=require
formation = default
group = 0
name = node_1
nodename = 10.0.0.7
nodekind = standalone

[postgresql]
pgdata = /srv/pg
pg_ctl = /usr/lib/postgresql/15/bin/pg_ctl
dbname = postgres
port = 5432
proxyport = 0
listen_addresses = *
auth_method = trust
hba_level = app

[ssl]
active = 1
sslmode = require

[replication]
slot = pgautofailover_standby_1
maximum_backup_rate = 100M

[timeout]
network_partition_timeout = 20

[pg_autoctl]
monitor_password =
`))
	if err != nil {
		t.Fatal(err)
	}
	if c.Hostname != "10.0.0.7" || c.Name != "node_1" || c.Monitor == "" || !c.SSL.Active {
		t.Errorf("%+v", c)
	}
}

func TestConfigErrors(t *testing.T) {
	for name, content := range map[string]string{
		"role is":                "[pg_autoctl]\nname = x\n",
		"postgresql.pgdata is m": "[pg_autoctl]\nrole = monitor\n[postgresql]\nport = 1\n",
		"postgresql.port":        "[pg_autoctl]\nrole = monitor\n[postgresql]\npgdata = /x\nport = none\n",
		"ssl.sslmode":            "[pg_autoctl]\nrole = monitor\n[postgresql]\npgdata = /x\nport = 1\n[ssl]\nsslmode = maybe\n",
	} {
		if _, err := parseConfig([]byte(content)); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("error %v, want one about %q", err, name)
		}
	}
	_, err := LoadFile(filepath.Join(t.TempDir(), "none"))
	if !errors.Is(err, ErrNoConfig) || ExitCode(err) != ExitBadArgs {
		t.Errorf("missing file: %v (exit %d)", err, ExitCode(err))
	}
}

func TestConfigGetAndSet(t *testing.T) {
	c := NewConfig(RoleKeeper)
	c.PGDATA = "/srv/pg"
	for _, test := range []struct {
		key, value string
		stored     string
		code       int
	}{
		{"pg_autoctl.name", " node a ", "node a", ExitOK},
		{"pgaf.hostname", "10.0.0.7", "10.0.0.7", ExitOK},
		{"timeout.network_partition_timeout", "30", "30", ExitOK},
		{"replication.maximum_backup_rate", "fast", "", ExitBadConfig},
		{"timeout.network_partition_timeout", "-1", "", ExitBadConfig},
		{"timeout.network_partition_timeout", "20s", "", ExitBadConfig},
		{"postgresql.port", "70000", "", ExitBadConfig},
		{"postgresql.pgdata", "/elsewhere", "", ExitBadConfig},
		{"pg_autoctl.formation", "other", "", ExitBadConfig},
		{"pg_autoctl.hostname", "host:5432", "", ExitBadConfig},
		{"pg_autoctl.monitor", "host=m", "", ExitBadConfig},
		{"pg_autoctl.name", "two\nlines", "", ExitBadConfig},
		{"pg_autoctl.nmae", "x", "", ExitBadConfig},
	} {
		before := *c
		err := c.Set(test.key, test.value)
		if ExitCode(err) != test.code && !(err != nil && test.code == ExitBadConfig && ExitCode(err) == ExitBadConfig) {
			t.Errorf("set %s %q: %v (exit %d), want exit %d", test.key, test.value, err, ExitCode(err), test.code)
			continue
		}
		if err != nil {
			if *c != before {
				t.Errorf("set %s %q was refused and changed something", test.key, test.value)
			}
			continue
		}
		if got, err := c.Get(test.key); got != test.stored || err != nil {
			t.Errorf("get %s: %q, %v", test.key, got, err)
		}
	}
	if _, err := c.Get("pg_autoctl.nmae"); ExitCode(err) != ExitBadArgs || !strings.Contains(err.Error(), "pg_autoctl.name?") {
		t.Errorf("unknown key: %v", err)
	}
}

func TestConfigJSON(t *testing.T) {
	c := NewConfig(RoleMonitor)
	c.PGDATA, c.Hostname = "/srv/m", "m"
	content, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]map[string]any
	if err := json.Unmarshal(content, &got); err != nil {
		t.Fatalf("%v\n%s", err, content)
	}
	if got["pg_autoctl"]["role"] != "monitor" || got["postgresql"]["port"] != 5432.0 || got["postgresql"]["pgdata"] != "/srv/m" {
		t.Errorf("%v", got)
	}
	if _, found := got["citus"]; found {
		t.Error("a monitor has settings of a node")
	}
	if !slices.Contains(ConfigKeys(RoleKeeper), "timeout.network_partition_timeout") {
		t.Error("the list of keys lacks one")
	}
}

// Passwords are in the file.
func TestConfigFileIsPrivate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pgaf.cfg")
	c := NewConfig(RoleMonitor)
	c.PGDATA = "/srv/m"
	if err := c.SaveFile(path); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

func TestMonitorURI(t *testing.T) {
	c := NewConfig(RoleMonitor)
	c.Hostname, c.Port, c.SSL.Mode = "10.0.0.1", 6000, "require"
	if got, want := c.MonitorURI(), "postgres://autoctl_node@10.0.0.1:6000/pg_auto_failover?sslmode=require"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	c.Hostname, c.AutoctlNodePassword, c.SSL.Mode, c.SSL.CAFile = "fd00::1", "p@ss", "verify-full", "/etc/ca.crt"
	if got, want := c.MonitorURI(), "postgres://autoctl_node:p%40ss@[fd00::1]:6000/pg_auto_failover?sslmode=verify-full&sslrootcert=%2Fetc%2Fca.crt"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
