package keeper

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestOptionsBecomeConfiguration(t *testing.T) {
	o := CreateOptions{Port: 6010, Hostname: "10.0.0.7", Monitor: "postgres://autoctl_node@m/pg_auto_failover", Auth: "scram-sha-256", HBALan: true, SSL: SSLOptions{SelfSigned: true}}
	c, err := o.config("/srv/a", nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.Port != 6010 || c.Database != "postgres" || c.HBALevel != "app" || c.AuthMethod != "scram-sha-256" ||
		!c.SSL.Active || c.SSL.Mode != "require" || c.SSL.CertFile != "/srv/a/server.crt" || c.Formation != "default" {
		t.Errorf("%+v", c)
	}
	// A repeated create keeps what is not given again, and takes what is.
	again, err := CreateOptions{Name: "a", Database: "app", SkipHBA: true}.config("/srv/a", c)
	if err != nil {
		t.Fatal(err)
	}
	want := *c
	want.Name, want.Database, want.AuthMethod, want.HBALevel = "a", "app", authSkip, authSkip
	if diff := cmp.Diff(&want, again); diff != "" {
		t.Error(diff)
	}
	plain, err := CreateOptions{Monitor: o.Monitor, Auth: "trust", SSL: SSLOptions{None: true}}.config("/srv/a", c)
	if err != nil {
		t.Fatal(err)
	}
	if plain.SSL.Active || plain.SSL.Mode != "prefer" || plain.SSL.CertFile != "" {
		t.Errorf("%+v", plain.SSL)
	}
}

func TestSSLFiles(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"crt", "key", "ca"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	files := SSLOptions{CertFile: "crt", KeyFile: "key", CAFile: "ca"}
	if err := files.check(nil); err != nil {
		t.Fatal(err)
	}
	c := NewConfig(RoleMonitor)
	c.PGDATA = "/srv/m"
	if err := files.apply(c); err != nil {
		t.Fatal(err)
	}
	if c.SSL.Mode != "verify-full" || c.SSL.CertFile != filepath.Join(dir, "crt") || c.SSL.CAFile != filepath.Join(dir, "ca") {
		t.Errorf("%+v", c.SSL)
	}
	if err := (SSLOptions{CertFile: "crt", KeyFile: "key"}).check(nil); ExitCode(err) != ExitBadArgs {
		t.Errorf("verify-full without an authority: %v", err)
	}
	if err := (SSLOptions{CertFile: "crt", KeyFile: "none", Mode: "require"}).check(nil); ExitCode(err) != ExitBadArgs {
		t.Errorf("missing file: %v", err)
	}
}

func TestMonitorPassword(t *testing.T) {
	for _, test := range []struct{ uri, password, want string }{
		{"postgres://autoctl_node@m/db?sslmode=require", "", "postgres://autoctl_node@m/db?sslmode=require"},
		{"postgres://autoctl_node@m/db?sslmode=require", "a@b", "postgres://autoctl_node:a%40b@m/db?sslmode=require"},
		{"postgres://autoctl_node:own@m/db", "other", "postgres://autoctl_node:own@m/db"},
		{"postgres://autoctl_node@m1:5432,m2:5433/db", "a b", "postgres://autoctl_node:a%20b@m1:5432,m2:5433/db"},
		{"postgres://m/db?user=u&password=own", "other", "postgres://m/db?user=u&password=own"},
		{"postgres://m/db?user=u", "a&b", "postgres://m/db?user=u&password=a%26b"},
		{"PG_AUTOCTL_DISABLED", "other", "PG_AUTOCTL_DISABLED"},
	} {
		if got := withPassword(test.uri, test.password); got != test.want {
			t.Errorf("%s: %s", test.uri, got)
		}
	}
}

func TestMonitorHosts(t *testing.T) {
	got, err := monitorHosts("postgres://autoctl_node@m1:5432,m2:5433/pg_auto_failover?sslmode=disable")
	if err != nil || !cmp.Equal(got, []string{"m1", "m2"}) {
		t.Errorf("%v, %v", got, err)
	}
	got, err = monitorHosts("postgres:///pg_auto_failover?host=/tmp")
	if err != nil || !cmp.Equal(got, []string{"127.0.0.1"}) {
		t.Errorf("%v, %v", got, err)
	}
}
