package keeper

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"

	"pgaf/keeper/postgres"
	"pgaf/monitor"
)

func TestPasswordsOfConfigurations(t *testing.T) {
	create := func(o CreateOptions) (*Config, error) {
		o = o.withDefaults(nil)
		return o.config("/srv/a", nil)
	}
	const uri = "postgres://autoctl_node:secret@m/pg_auto_failover"
	a, err := create(CreateOptions{Monitor: uri})
	if err != nil {
		t.Fatal(err)
	}
	if a.AuthMethod != "scram-sha-256" || a.SSL.Mode != "require" || !a.SSL.Active || a.Replication.Password == "" {
		t.Errorf("%+v", a)
	}
	same, _ := create(CreateOptions{Monitor: "postgres://autoctl_node@m/pg_auto_failover", MonitorPassword: "secret", Port: 6000})
	if same.Replication.Password != a.Replication.Password {
		t.Error("two nodes of a formation have other passwords")
	}
	other, _ := create(CreateOptions{Monitor: uri, Formation: "other"})
	if other.Replication.Password == a.Replication.Password {
		t.Error("two formations have the same password")
	}
	own, _ := create(CreateOptions{Monitor: uri, ReplicationPassword: "own"})
	if own.Replication.Password != "own" {
		t.Errorf("%q", own.Replication.Password)
	}
	for _, o := range []CreateOptions{{Monitor: "postgres://autoctl_node@m/db"}, {DisableMonitor: true, NodeID: 1}} {
		if _, err := create(o); ExitCode(err) != ExitBadArgs || !strings.Contains(err.Error(), "--replication-password") {
			t.Errorf("without a password: %v", err)
		}
	}
	for _, o := range []CreateOptions{{Monitor: uri, Auth: "trust"}, {Monitor: uri, SkipHBA: true}} {
		if plain, err := create(o); err != nil || plain.Replication.Password != "" {
			t.Errorf("%+v, %v", plain, err)
		}
	}
	m, err := CreateMonitorOptions{}.withDefaults(nil).config("/srv/m", nil)
	if err != nil || len(m.AutoctlNodePassword) < 20 {
		t.Errorf("%+v, %v", m, err)
	}
	trusting, err := CreateMonitorOptions{Auth: "trust"}.withDefaults(nil).config("/srv/m", nil)
	if err != nil || trusting.AutoctlNodePassword != "" {
		t.Errorf("%+v, %v", trusting, err)
	}
}

// Created without a word about logging in and encryption, a cluster does both.
func TestSecureDefault(t *testing.T) {
	c := newCluster(t)
	m := &testNode{c: c, name: "monitor", pgdata: filepath.Join(c.dir, "monitor"), port: freePort(t)}
	c.monitor = m
	c.mustRun("monitor", program{Command: "create-monitor", Monitor: CreateMonitorOptions{PGDATA: m.pgdata, Port: m.port, Hostname: "127.0.0.1"}})
	cfg, err := LoadFile(m.paths().Config)
	if err != nil {
		t.Fatal(err)
	}
	c.uri = cfg.MonitorURI()
	m.run()
	c.client().Close(context.Background())
	secrets := []string{cfg.AutoctlNodePassword}
	for _, name := range []string{"a", "b"} {
		n := c.node(name)
		c.mustRun(name, program{Command: "create", Create: CreateOptions{PGDATA: n.pgdata, Port: n.port, Name: name, Hostname: "127.0.0.1", Monitor: c.uri}})
		n.run()
		own, err := LoadFile(n.paths().Config)
		if err != nil {
			t.Fatal(err)
		}
		secrets = append(secrets, own.Replication.Password)
		if info, err := os.Stat(n.paths().Config); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("the configuration with its passwords has mode %v, %v", info.Mode(), err)
		}
	}
	a, b := c.nodes["a"], c.nodes["b"]
	c.await(a.is(monitor.StatePrimary), b.is(monitor.StateSecondary))
	if secrets[1] == "" || secrets[1] != secrets[2] {
		t.Errorf("the passwords of the replication are %q", secrets[1:])
	}
	if got := a.ownSQL("select ssl from pg_stat_ssl join pg_stat_replication using (pid)"); got != "true" {
		t.Errorf("the replication is encrypted: %q", got)
	}
	for role, port := range map[string]int{replicatorUser: a.port, MonitorUser: m.port} {
		conn, err := pgx.Connect(context.Background(), fmt.Sprintf("postgres://%s@127.0.0.1:%d/postgres", role, port))
		if err == nil {
			conn.Close(context.Background())
			t.Errorf("role %s is let in without a password", role)
		}
	}
	c.failover()
	c.await(b.is(monitor.StatePrimary), a.is(monitor.StateSecondary))

	c.step("changed while they serve", func(t *testing.T) {
		for _, n := range []*testNode{b, a} { // the primary first
			c.mustRun("set", program{Command: "config-set", Set: []string{n.pgdata, "replication.password", "other"}})
			waitFor(t, "the new password", func() bool {
				conn, err := pgx.Connect(context.Background(), fmt.Sprintf("postgres://%s:other@127.0.0.1:%d/postgres", replicatorUser, b.port))
				if err == nil {
					conn.Close(context.Background())
				}
				return err == nil
			})
		}
		waitFor(t, "the standby streams with it", func() bool {
			content, _ := os.ReadFile(filepath.Join(a.pgdata, postgres.StandbyFile))
			return strings.Contains(string(content), "password=other") &&
				b.ownSQL("select count(*) from pg_stat_replication where state = 'streaming' and application_name like 'pgautofailover%'") == "1"
		})
		c.mustRun("set", program{Command: "config-set", Set: []string{m.pgdata, "pg_autoctl.autoctl_node_password", "changed"}})
		c.uri = strings.Replace(c.uri, secrets[0], "changed", 1)
		c.client().Close(context.Background())
		for _, n := range []*testNode{a, b} {
			c.mustRun("set", program{Command: "config-set", Set: []string{n.pgdata, "pg_autoctl.monitor", c.uri}})
		}
		c.failover()
		c.await(a.is(monitor.StatePrimary), b.is(monitor.StateSecondary))
	})
	c.step("a password that somebody gave the role stays", func(t *testing.T) {
		m.ownSQL("alter role autoctl_node password 'mine'")
		m.service.kill(syscall.SIGTERM)
		m.run()
		c.uri = strings.Replace(c.uri, "changed", "mine", 1)
		c.client().Close(context.Background())
	})
	c.withoutSecrets(secrets)
}

// ownSQL runs a statement as the owner of the cluster, who is let in through the socket.
func (n *testNode) ownSQL(query string) string {
	n.c.t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, fmt.Sprintf("host=%s/run port=%d user=%s dbname=postgres", n.c.dir, n.port, osUser()))
	if err != nil {
		n.c.t.Fatal(err)
	}
	defer conn.Close(ctx)
	rows, err := conn.Query(ctx, query)
	if err != nil {
		n.c.t.Fatal(err)
	}
	defer rows.Close()
	value := ""
	for rows.Next() {
		values, _ := rows.Values()
		value = fmt.Sprint(values[0])
	}
	if rows.Err() != nil {
		n.c.t.Fatalf("%s: %v", query, rows.Err())
	}
	return value
}

// withoutSecrets looks for passwords in logs, ours and Postgres's, and in the arguments of
// all processes.
func (c *cluster) withoutSecrets(secrets []string) {
	c.t.Helper()
	var files []string
	for _, pattern := range []string{filepath.Join(c.dir, "*.log"), filepath.Join(c.dir, "*", "log", "*"), filepath.Join(c.dir, "*", "startup.log"), "/proc/[0-9]*/cmdline"} {
		found, _ := filepath.Glob(pattern)
		files = append(files, found...)
	}
	read := 0
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		read++
		for _, secret := range secrets {
			if strings.Contains(string(content), secret) {
				c.t.Errorf("a password is in %s", file)
			}
		}
	}
	if read < 5 {
		c.t.Errorf("only %d files were looked at", read)
	}
}
