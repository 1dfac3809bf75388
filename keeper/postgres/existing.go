package postgres

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5"
)

// What is asked about a cluster that somebody else made, before it is changed.

// FutureSettings are the values that a cluster will have with the settings of pgaf before its own configuration
// file: what the user set there, or with ALTER SYSTEM, wins. Nothing of the cluster is touched.
func (b Bin) FutureSettings(ctx context.Context, pgdata, file string, s NodeSettings, names []string) (map[string]string, error) {
	if s.Tuning == (Tuning{}) {
		s.Tuning = HostTuning(pgdata)
	}
	return b.trySettings(ctx, pgdata, file, s.render(), names)
}

// OwnSetting is FutureSettings with one setting of ours.
func (b Bin) OwnSetting(ctx context.Context, pgdata, name, ours string) (string, error) {
	c := &settingsFile{}
	c.set(name, ours)
	values, err := b.trySettings(ctx, pgdata, filepath.Join(pgdata, "postgresql.conf"), c.b.String(), []string{name})
	return values[name], err
}

// trySettings lets Postgres read ours and then file, in a copy.
func (b Bin) trySettings(ctx context.Context, pgdata, file, ours string, names []string) (map[string]string, error) {
	own, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	trial, err := os.CreateTemp("", "pgaf-settings-*.conf")
	if err != nil {
		return nil, err
	}
	defer os.Remove(trial.Name())
	_, err = trial.WriteString(ours + "\n" + standalone(string(own), filepath.Dir(file)))
	if err = errors.Join(err, trial.Close()); err != nil {
		return nil, fmt.Errorf("write %s: %w", trial.Name(), err)
	}
	values := map[string]string{}
	for _, name := range names {
		if values[name], err = b.setting(ctx, pgdata, name, "-c", "config_file="+trial.Name()); err != nil {
			return nil, err
		}
	}
	return values, nil
}

var relativeInclude = regexp.MustCompile(`(?m)^(\s*include(?:_dir|_if_exists)?\s*=?\s*')([^/'][^']*)'`)

// standalone is a configuration file that can be read elsewhere, without what pgaf has added to it before.
func standalone(content, dir string) string {
	for _, ours := range []string{SettingsFile, StandbyFile} {
		content = regexp.MustCompile(`(?m)^include '`+regexp.QuoteMeta(ours)+`'.*$`).ReplaceAllString(content, "")
	}
	return relativeInclude.ReplaceAllStringFunc(content, func(line string) string {
		m := relativeInclude.FindStringSubmatch(line)
		return m[1] + filepath.Join(dir, m[2]) + "'"
	})
}

// Settings are the values that a running server has, and "superuser": whether the session is one.
func (s *Server) Settings(ctx context.Context, names []string) (map[string]string, error) {
	values := map[string]string{}
	err := s.SQL(ctx, func(conn *pgx.Conn) error {
		rows, err := conn.Query(ctx, `select name, current_setting(name) from pg_settings where name = any($1)
			union all select 'superuser', current_setting('is_superuser')`, names)
		if err != nil {
			return err
		}
		var name, value string
		_, err = pgx.ForEachRow(rows, []any{&name, &value}, func() error {
			values[name] = value
			return nil
		})
		return err
	})
	return values, err
}

// ReloadSeen makes Postgres read its configuration files, and returns when it has.
func (s *Server) ReloadSeen(ctx context.Context) error {
	return s.SQL(ctx, func(conn *pgx.Conn) error { return s.reloadSeen(ctx, conn) })
}

// ServiceOf is the systemd service that a process belongs to; "" when none, or one that is not about Postgres.
func ServiceOf(pid int) string {
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", pid))
	if err != nil {
		return ""
	}
	return serviceIn(string(content))
}

func serviceIn(cgroup string) string {
	for line := range strings.Lines(cgroup) {
		unit := filepath.Base(strings.TrimSpace(line))
		if strings.HasSuffix(unit, ".service") && strings.Contains(unit, "postgres") {
			return unit
		}
	}
	return ""
}

// WriteFile makes path hold content, atomically; a symbolic link is followed, an existing file keeps its mode.
func WriteFile(path string, content []byte, mode fs.FileMode) error {
	_, err := replaceFile(path, content, mode)
	return err
}
