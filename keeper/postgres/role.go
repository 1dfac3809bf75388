package postgres

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Role wanted by EnsureRole.
type Role struct {
	Name                   string
	Superuser, Replication bool
	Password               string // "" = leave as it is
	ConnectionLimit        int    // 0 = unlimited
	Foreign                bool   // an existing one is left as it is: it is somebody else's
}

// EnsureRole creates the role (with LOGIN) when it is missing; an existing one gets the attributes and the
// password, unless it is Foreign.
func (s *Server) EnsureRole(ctx context.Context, r Role) (created bool, err error) {
	err = s.SQL(ctx, func(conn *pgx.Conn) error {
		var exists bool
		if err := conn.QueryRow(ctx, "select exists (select from pg_roles where rolname = $1)", r.Name).Scan(&exists); err != nil {
			return err
		}
		if created = !exists; exists && r.Foreign {
			return nil
		}
		_, err := conn.Exec(ctx, r.statement(exists))
		return err
	})
	if err != nil {
		return false, fmt.Errorf("create role %s on %s: %w", r.Name, s.PGDATA(), err)
	}
	return created, nil
}

func (r Role) statement(exists bool) string {
	var b strings.Builder
	verb := "create"
	if exists {
		verb = "alter"
	}
	fmt.Fprintf(&b, "%s role %s login", verb, pgx.Identifier{r.Name}.Sanitize())
	if r.Superuser {
		b.WriteString(" superuser")
	}
	if r.Replication {
		b.WriteString(" replication")
	}
	if r.ConnectionLimit > 0 {
		fmt.Fprintf(&b, " connection limit %d", r.ConnectionLimit)
	}
	if r.Password != "" {
		fmt.Fprintf(&b, " password '%s'", strings.ReplaceAll(passwordVerifier(r.Password), "'", "''"))
	}
	return b.String()
}

// HasPassword says whether a role has one.
func (s *Server) HasPassword(ctx context.Context, role string) (has bool, err error) {
	err = s.SQL(ctx, func(conn *pgx.Conn) error {
		return conn.QueryRow(ctx, "select exists (select from pg_authid where rolname = $1 and rolpassword is not null)", role).Scan(&has)
	})
	return has, err
}

// EnsureDatabase creates the database when it is missing.
func (s *Server) EnsureDatabase(ctx context.Context, name, owner string) (created bool, err error) {
	err = s.alone(ctx, "postgres", safePath, func(conn *pgx.Conn) error {
		var exists bool
		err := conn.QueryRow(ctx, "select exists (select from pg_database where datname = $1)", name).Scan(&exists)
		if err != nil || exists {
			return err
		}
		statement := "create database " + pgx.Identifier{name}.Sanitize()
		if owner != "" {
			statement += " owner " + pgx.Identifier{owner}.Sanitize()
		}
		_, err = conn.Exec(ctx, statement)
		created = err == nil
		if hasCode(err, "42P04") { // somebody else was faster
			err = nil
		}
		return err
	})
	if err != nil {
		return false, fmt.Errorf("create database %s on %s: %w", name, s.PGDATA(), err)
	}
	return created, nil
}

// EnsureExtension runs CREATE EXTENSION IF NOT EXISTS … CASCADE in database.
func (s *Server) EnsureExtension(ctx context.Context, database, extension string) error {
	err := s.Database(ctx, database, func(conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, "create extension if not exists "+pgx.Identifier{extension}.Sanitize()+" cascade")
		return err
	})
	if err != nil {
		return fmt.Errorf("create extension %s in database %s on %s: %w", extension, database, s.PGDATA(), err)
	}
	return nil
}
