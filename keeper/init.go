package keeper

import (
	"context"
	"fmt"

	"pgaf/keeper/killpoint"
	"pgaf/keeper/postgres"
)

// initPrimary makes this node the first of its group: a new cluster, or the stopped
// one that was already in PGDATA.
func initPrimary(ctx context.Context, n *node, _ Transition) error {
	if !postgres.HasCluster(n.paths.PGDATA) {
		if err := n.initDB(ctx); err != nil {
			return err
		}
	}
	control, err := n.bin.ControlData(ctx, n.paths.PGDATA)
	if err != nil {
		return err
	}
	if err := n.publishIdentity(ctx, control.SystemIdentifier); err != nil {
		return err
	}
	if n.server.Status() == postgres.Ready {
		if err := n.takeSettings(ctx); err != nil {
			return err
		}
	}
	if err := n.allowAll(ctx, nil); err != nil {
		return err
	}
	if err := n.startWritable(ctx); err != nil {
		return err
	}
	if err := n.waitForNobody(ctx); err != nil {
		return err
	}
	return n.createObjects(ctx)
}

// takeSettings makes a Postgres that runs take what a reload brings.
func (n *node) takeSettings(ctx context.Context) error {
	if err := n.writeSettings(ctx); err != nil {
		return err
	}
	killpoint.At(ctx, "takeSettings-ReloadSeen")
	if err := n.server.ReloadSeen(ctx); err != nil {
		return fmt.Errorf("make Postgres read its settings: %w", err)
	}
	return nil
}

func (n *node) initDB(ctx context.Context) error {
	n.log.Info("initialising a PostgreSQL cluster", "pgdata", n.paths.PGDATA, "version", n.bin.Version.Text)
	killpoint.At(ctx, "initDB-InitDB")
	return n.bin.InitDB(ctx, n.paths.PGDATA, initOptions(n.secured))
}

// initOptions of a new cluster: as pg_auto_failover has it, everybody on this machine is
// let in, but not where nobody chose that. Then the owner is let in through the socket,
// and everybody else with a password.
func initOptions(secured bool) postgres.InitDBOptions {
	if secured {
		return postgres.InitDBOptions{Auth: defaultAuth, LocalAuth: "peer"}
	}
	return postgres.InitDBOptions{Auth: "trust"}
}

// createObjects makes the roles, the database and the extension of a data node.
// Standbys get them with the data.
func (n *node) createObjects(ctx context.Context) error {
	cfg := n.cfg()
	owner := cfg.Username
	if owner != "" {
		killpoint.At(ctx, "createObjects-EnsureRole")
		if _, err := n.server.EnsureRole(ctx, postgres.Role{Name: owner, Superuser: true, Foreign: true}); err != nil {
			return fmt.Errorf("create role %q: %w", owner, err)
		}
	}
	killpoint.At(ctx, "createObjects-EnsureDatabase")
	if _, err := n.server.EnsureDatabase(ctx, cfg.Database, owner); err != nil {
		return fmt.Errorf("create database %q: %w", cfg.Database, err)
	}
	if n.bin.HasExtension(statStatements) {
		killpoint.At(ctx, "createObjects-EnsureExtension")
		if err := n.server.EnsureExtension(ctx, cfg.Database, statStatements); err != nil {
			n.log.Warn("extension pg_stat_statements is not available", "error", err)
		}
	}
	for _, role := range []postgres.Role{monitorRole(), replicatorRole(cfg)} {
		killpoint.At(ctx, "createObjects-EnsureRole2")
		if _, err := n.server.EnsureRole(ctx, role); err != nil {
			return fmt.Errorf("create role %q: %w", role.Name, err)
		}
	}
	return nil
}

// monitorRole checks the health of this node. The password keeps a password prompt of a
// mistaken pg_hba.conf from looking like a dead node; the role may do nothing but connect.
func monitorRole() postgres.Role {
	return postgres.Role{Name: monitorUser, Password: monitorUser, ConnectionLimit: monitorConnections}
}

// setReplicationPassword gives the role of the standbys the password of the
// configuration. On a standby it comes with the data.
func (n *node) setReplicationPassword(ctx context.Context) {
	if n.cfg().Replication.Password == "" {
		return
	}
	if _, err := n.server.EnsureRole(ctx, replicatorRole(n.cfg())); err != nil {
		n.log.Error("the password of the replication role stays as it was; set it again with pgaf config set replication.password", "error", err)
	}
}

// replicatorRole is that of standbys, which rewind to this node, too.
func replicatorRole(cfg *Config) postgres.Role {
	return postgres.Role{Name: replicatorUser, Superuser: true, Replication: true, Password: cfg.Replication.Password}
}

// monitorConnections: the monitor service keeps one connection, and a second
// service may just be taking over from a first.
const monitorConnections = 3
