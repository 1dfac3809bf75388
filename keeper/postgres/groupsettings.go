package postgres

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
)

// GroupSettings are the settings of which a standby must have at least what its primary has: with less it does not
// start, or stops replaying. All take a restart.
var GroupSettings = []string{
	"max_connections", "max_worker_processes", "max_wal_senders", "max_prepared_transactions", "max_locks_per_transaction",
}

// SettingUse is a setting of the running server: one of GroupSettings, or one that waits for a restart.
type SettingUse struct {
	Name    string `json:"name"`
	Value   string `json:"value"`            // in effect
	Pending bool   `json:"pending"`          // a restart changes it
	Filed   string `json:"filed"`            // what the files say
	Source  string `json:"source,omitempty"` // file and line that set it, where that is not SettingsFile
	Problem string `json:"problem,omitempty"`
}

// The last entry of a setting in the files is the one that counts. pending_restart is what this session saw at its
// last reload; pg_file_settings reads the files as they are. What steers recovery counts for nothing once it is over.
const settingUsesQuery = `
with filed as materialized (
	select distinct on (lower(name)) lower(name) as name, setting, sourcefile, sourceline
	from pg_file_settings where setting is not null order by lower(name), seqno desc)
select s.name, s.setting, s.pending_restart or (s.name = any($1) and coalesce(f.setting, s.boot_val) <> s.setting),
	coalesce(f.setting, s.boot_val, ''),
	case when f.sourcefile is null or f.sourcefile like '%/' || $2::text then '' else f.sourcefile || ' line ' || f.sourceline end
from pg_settings s left join filed f using (name)
where s.name = any($1) or s.pending_restart and s.category <> 'Write-Ahead Log / Recovery Target' order by s.name`

// SettingUses looks at the settings that the nodes of a group share, and at those that wait for a restart.
func (s *Server) SettingUses(ctx context.Context) (uses []SettingUse, err error) {
	err = s.SQL(ctx, func(conn *pgx.Conn) error {
		rows, err := conn.Query(ctx, settingUsesQuery, GroupSettings, SettingsFile)
		if err != nil {
			return err
		}
		uses, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (u SettingUse, err error) {
			err = row.Scan(&u.Name, &u.Value, &u.Pending, &u.Filed, &u.Source)
			return u, err
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the settings of Postgres on %s: %w", s.PGDATA(), err)
	}
	return uses, nil
}

// PreparedTransactions counts those that are open: Postgres does not start with room for fewer.
func (s *Server) PreparedTransactions(ctx context.Context) (count int, err error) {
	err = s.SQL(ctx, func(conn *pgx.Conn) error {
		return conn.QueryRow(ctx, "select count(*) from pg_prepared_xacts").Scan(&count)
	})
	return count, err
}

// groupMark begins the block of a group's settings in SettingsFile.
const groupMark = "# For the whole group (pgaf set formation settings); a standby never has less than its primary."

func (s NodeSettings) renderGroup(c *settingsFile) {
	if len(s.Group) == 0 {
		return
	}
	c.b.WriteString("\n" + groupMark + "\n")
	for _, name := range GroupSettings {
		if value, found := s.Group[name]; found {
			c.set(name, strconv.Itoa(value))
		}
	}
}

// WrittenGroupSettings are those in SettingsFile; none when there is no such file or block.
func WrittenGroupSettings(pgdata string) map[string]int {
	values := map[string]int{}
	content, err := os.ReadFile(filepath.Join(pgdata, SettingsFile))
	if err != nil {
		return values
	}
	_, block, _ := strings.Cut(string(content), groupMark)
	for line := range strings.Lines(block) {
		name, text, _ := strings.Cut(strings.TrimSpace(line), " = ")
		if value, err := strconv.Atoi(text); err == nil {
			values[name] = value
		}
	}
	return values
}

// initialConnections comments out the max_connections that initdb writes into postgresql.conf: it is the default, and
// there it would win over the value of the group.
func initialConnections(pgdata string) error {
	path := filepath.Join(pgdata, "postgresql.conf")
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	changed := strings.Replace(string(content), "\nmax_connections = ", "\n#max_connections = ", 1)
	_, err = replaceFile(path, []byte(changed), 0o600)
	return err
}
