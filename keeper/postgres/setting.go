package postgres

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// A reload takes milliseconds. After reloadUsual the configuration files are suspected, after reloadLimit it failed.
const (
	reloadUsual = 500 * time.Millisecond
	reloadLimit = 5 * time.Second
)

// askInterval is how often SQL is asked for what no event tells; it grows to askIntervalMax.
const (
	askInterval    = 2 * time.Millisecond
	askIntervalMax = 20 * time.Millisecond
)

// askUntil asks until the answer is yes.
func askUntil(ctx context.Context, ask func() (bool, error)) error {
	for interval := askInterval; ; interval = min(interval*3/2, askIntervalMax) {
		if yes, err := ask(); yes || err != nil {
			return err
		}
		if err := pause(ctx, interval); err != nil {
			return err
		}
	}
}

var errAskedLong = errors.New("not within the usual time")

// askFor is askUntil with a limit of its own (errAskedLong).
func askFor(ctx context.Context, limit time.Duration, ask func() (bool, error)) error {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, errAskedLong)
	defer cancel()
	return askUntil(ctx, ask)
}

// Setting is the value of a server setting.
func (s *Server) Setting(ctx context.Context, name string) (value string, err error) {
	err = s.SQL(ctx, func(conn *pgx.Conn) error {
		return conn.QueryRow(ctx, "select current_setting($1)", name).Scan(&value)
	})
	if err != nil {
		return "", fmt.Errorf("read setting %s of Postgres on %s: %w", name, s.PGDATA(), err)
	}
	return value, nil
}

var settingName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.]*$`)

// AlterSystem sets (nil: resets) a setting, reloads and returns when sessions see it. Nothing happens when
// postgresql.auto.conf has that value and it is in effect.
func (s *Server) AlterSystem(ctx context.Context, name string, value *string) error {
	return s.SQL(ctx, func(conn *pgx.Conn) error {
		changed, err := alterSystem(ctx, conn, name, value)
		if err == nil && changed {
			err = s.reloadSeen(ctx, conn)
		}
		if err != nil {
			return fmt.Errorf("set %s of Postgres on %s: %w", name, s.PGDATA(), err)
		}
		return nil
	})
}

// alterSystem writes postgresql.auto.conf when needed.
func alterSystem(ctx context.Context, conn *pgx.Conn, name string, value *string) (changed bool, err error) {
	if !settingName.MatchString(name) {
		return false, fmt.Errorf("%q is no setting", name)
	}
	var written bool
	var current *string // in the file and in effect
	err = conn.QueryRow(ctx, `select count(*) > 0, max(setting) filter (where applied and setting = current_setting($1))
		from pg_file_settings where name = lower($1) and sourcefile like '%/postgresql.auto.conf'`,
		name).Scan(&written, &current)
	switch {
	case err != nil:
		return false, err
	case value == nil && !written, value != nil && current != nil && *value == *current:
		return false, nil
	case value == nil:
		_, err = conn.Exec(ctx, "alter system reset "+name)
	default:
		_, err = conn.Exec(ctx, "alter system set "+name+" to '"+strings.ReplaceAll(*value, "'", "''")+"'")
	}
	return err == nil, err
}

// reloadSeen reloads and returns when conn's session has read the files.
func (s *Server) reloadSeen(ctx context.Context, conn *pgx.Conn) error {
	var before time.Time
	if err := conn.QueryRow(ctx, "select pg_conf_load_time()").Scan(&before); err != nil {
		return err
	}
	if err := s.Reload(); err != nil {
		return err
	}
	seen := func() (seen bool, err error) {
		err = conn.QueryRow(ctx, "select pg_conf_load_time() > $1", before).Scan(&seen)
		return seen, err
	}
	err := askFor(ctx, reloadUsual, seen)
	if !errors.Is(err, errAskedLong) {
		return err
	}
	if wrong := fileErrors(ctx, conn); wrong != "" {
		return fmt.Errorf("the reload is refused because of %s; correct it", wrong)
	}
	if err = askFor(ctx, reloadLimit, seen); errors.Is(err, errAskedLong) {
		err = fmt.Errorf("the reload was not taken within %s", reloadLimit)
	}
	return err
}

// fileErrors says what is wrong in the configuration files.
func fileErrors(ctx context.Context, conn *pgx.Conn) string {
	rows, err := conn.Query(ctx, `select format('%s line %s: %s: %s', sourcefile, sourceline, name, error)
		from pg_file_settings where error is not null and error <> 'setting could not be applied'`)
	if err != nil {
		return ""
	}
	wrong, _ := pgx.CollectRows(rows, pgx.RowTo[string])
	return strings.Join(wrong, ", ")
}

// SetReadOnly sets default_transaction_read_only for new transactions of all sessions but ours.
func (s *Server) SetReadOnly(ctx context.Context, on bool) error {
	if !on {
		return s.AlterSystem(ctx, "default_transaction_read_only", nil)
	}
	value := "on"
	return s.AlterSystem(ctx, "default_transaction_read_only", &value)
}
