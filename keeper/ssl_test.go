package keeper

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pgaf/monitor"
)

func TestSSLOfConnectionString(t *testing.T) {
	cfg := NewConfig(RoleKeeper)
	cfg.SSL.Mode, cfg.SSL.CAFile = "verify-ca", "/etc/ca file"
	for uri, want := range map[string]string{
		"postgres://u:p@m1:1,m2:2/db":                                         "postgres://u:p@m1:1,m2:2/db?sslmode=verify-ca&sslrootcert=%2Fetc%2Fca+file",
		"postgres://u@m/db?sslmode=prefer&application_name=x&sslcrl=/old.crl": "postgres://u@m/db?application_name=x&sslmode=verify-ca&sslrootcert=%2Fetc%2Fca+file",
	} {
		if got := withSSL(uri, cfg); got != want {
			t.Error(got)
		}
	}
	cfg.SSL.Mode = "prefer"
	if got := withSSL("postgres://u@m/db?sslmode=verify-ca&sslrootcert=/x", cfg); got != "postgres://u@m/db?sslmode=prefer" {
		t.Error(got)
	}
}

// Encryption comes and goes while a cluster serves: no restart, no failover.
func TestSSLComesAndGoes(t *testing.T) {
	c := newCluster(t)
	m := &testNode{c: c, name: "monitor", pgdata: filepath.Join(c.dir, "monitor"), port: freePort(t)}
	c.monitor = m
	plain := SSLOptions{None: true}
	c.mustRun("monitor", program{Command: "create-monitor", Monitor: CreateMonitorOptions{PGDATA: m.pgdata, Port: m.port, Hostname: "127.0.0.1", Auth: "trust", SSL: plain}})
	cfg, err := LoadFile(m.paths().Config)
	if err != nil {
		t.Fatal(err)
	}
	c.uri = cfg.MonitorURI()
	m.run()
	c.client().Close(context.Background())
	a, b := c.node("a"), c.node("b")
	for _, n := range []*testNode{a, b} {
		o := c.options(n.name, n.port)
		o.SSL = plain
		c.mustRun(n.name, program{Command: "create", Create: o})
		n.run()
	}
	c.await(a.is(monitor.StatePrimary), b.is(monitor.StateSecondary))
	pids := []int{m.postmaster(), a.postmaster(), b.postmaster()}
	ssl := func(n *testNode, o SSLOptions) (int, string) {
		return c.run("ssl", program{Command: "ssl", SSL: SetSSLOptions{PGDATA: n.pgdata, SSL: o}})
	}
	must := func(n *testNode, o SSLOptions) {
		t.Helper()
		if code, output := ssl(n, o); code != 0 {
			t.Fatalf("%s: exit %d: %s", n.name, code, output)
		}
	}
	refused := func(n *testNode, o SSLOptions, want int, says string) {
		t.Helper()
		before, _ := os.ReadFile(n.paths().Config)
		code, output := ssl(n, o)
		after, _ := os.ReadFile(n.paths().Config)
		if code != want || !strings.Contains(output, says) {
			t.Errorf("exit %d, want %d; says %q, want %q", code, want, output, says)
		}
		if diff := cmp.Diff(string(before), string(after)); diff != "" {
			t.Errorf("the configuration was changed:\n%s", diff)
		}
	}
	encrypted := func(want string) {
		t.Helper()
		waitFor(t, "replication with ssl "+want, func() bool {
			return a.ownSQL("select coalesce(string_agg(ssl::text, ','), '') from pg_stat_ssl join pg_stat_replication using (pid) where application_name like 'pgautofailover_standby%'") == want
		})
	}
	encrypted("false")
	self := SSLOptions{SelfSigned: true}

	// In the wrong order nobody is cut off.
	refused(a, self, ExitMonitor, "change it on the monitor first")
	must(m, self)
	refused(b, self, ExitKeeper, "change it on the primary first")
	refused(a, SSLOptions{}, ExitBadArgs, "--ssl-self-signed")
	refused(a, SSLOptions{SelfSigned: true, Mode: "verify-full"}, ExitBadArgs, "authority")
	other := filepath.Join(c.dir, "other.key")
	if err := writeKey(other); err != nil {
		t.Fatal(err)
	}
	refused(a, SSLOptions{CertFile: filepath.Join(m.pgdata, "server.crt"), KeyFile: other, Mode: "require"}, ExitBadArgs, "belong together")
	a.ownSQL("alter system set ssl to off")
	refused(a, self, ExitBadConfig, "not overwritten")
	a.ownSQL("alter system reset ssl")

	must(a, self)
	must(b, self)
	encrypted("true")
	changed, err := LoadFile(b.paths().Config)
	if err != nil || !strings.Contains(changed.Monitor, "sslmode=require") || !changed.SSL.Active {
		t.Errorf("%+v, %v", changed, err)
	}
	waitFor(t, "the keepers' connections to the monitor are encrypted", func() bool {
		return m.ownSQL("select bool_and(ssl) from pg_stat_ssl join pg_stat_activity using (pid) where usename = 'autoctl_node' and client_addr is not null") == "true"
	})
	c.await(a.is(monitor.StatePrimary), b.is(monitor.StateSecondary))

	// And back.
	must(b, plain)
	must(a, plain)
	must(m, plain)
	for _, n := range []*testNode{m, a, b} {
		if got := n.ownSQL("show ssl"); got != "off" {
			t.Errorf("%s: ssl is %s", n.name, got)
		}
	}
	c.await(a.is(monitor.StatePrimary), b.is(monitor.StateSecondary))
	a.ownSQL("create table written as select 1")
	if diff := cmp.Diff(pids, []int{m.postmaster(), a.postmaster(), b.postmaster()}); diff != "" {
		t.Errorf("Postgres was restarted: %s", diff)
	}
	if code, output := ssl(&testNode{c: c, pgdata: filepath.Join(c.dir, "none")}, self); code != ExitBadArgs {
		t.Errorf("exit %d: %s", code, output)
	}
}

func writeKey(file string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	return os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600)
}
