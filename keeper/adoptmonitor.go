package keeper

import (
	"context"
	"path/filepath"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"pgaf/keeper/postgres"
	"pgaf/monitor"
	"pgaf/sql"
)

// adoptedMonitor is a monitor that is taken over: its extension is updated where it
// runs. Postgres goes on, with the C library of pg_auto_failover loaded, until `pgaf run`
// restarts it without (see monitorNode.dropLibrary).
type adoptedMonitor struct {
	*adoption
	configBefore []byte
}

func (m *adoptedMonitor) inspect(ctx context.Context) error {
	if m.postmaster == 0 {
		return exitf(ExitPostgres, "the Postgres of this monitor does not run, and its extension is to be updated; start it: pg_autoctl run --pgdata %s", m.paths.PGDATA)
	}
	m.cfg.Username, m.cfg.Database = MonitorUser, MonitorDatabase
	return m.install(ctx, true)
}

// install updates the extension, or tries whether it can be updated.
func (m *adoptedMonitor) install(ctx context.Context, trial bool) error {
	err := m.server.Database(ctx, MonitorDatabase, func(conn *pgx.Conn) error {
		// Keepers hold their locks for a moment; whoever keeps one for long is named by the error.
		if _, err := conn.Exec(ctx, "set lock_timeout = '10s'"); err != nil {
			return err
		}
		return monitor.Install(ctx, conn, monitor.InstallOptions{Logger: m.log, Trial: trial})
	})
	if err != nil {
		return &ExitError{Code: ExitExtension, Err: err}
	}
	return nil
}

func (m *adoptedMonitor) plan() []string {
	return []string{
		"take the monitor over",
		"write " + m.paths.Config,
		"update extension pgautofailover to " + sql.Version + " in database " + MonitorDatabase,
		"keep a copy of " + postgres.SettingsFile + " as " + postgres.SettingsFile + adoptedSuffix,
	}
}

func (m *adoptedMonitor) confirm(context.Context) error { return nil }

// take updates the extension last: nothing undoes that but its own transaction.
func (m *adoptedMonitor) take(ctx context.Context) (err error) {
	if m.configBefore, err = readKept(m.paths.Config); err != nil {
		return err
	}
	if err := m.cfg.SaveFile(m.paths.Config); err != nil {
		return err
	}
	return m.install(ctx, false)
}

func (m *adoptedMonitor) undo() error { return writeKept(m.paths.Config, m.configBefore) }

func (m *adoptedMonitor) settle() error { return keepSettings(m.paths.PGDATA) }

func (m *adoptedMonitor) close() {}

// olderLibrary is the C library of pg_auto_failover's extension.
const olderLibrary = "pgautofailover"

// dropLibrary restarts the monitor's Postgres once, when it has the library of
// pg_auto_failover loaded and its settings do not ask for that any more: it comes with
// workers that do what the monitor service does, and with other defaults of settings.
func (m *monitorNode) dropLibrary(ctx context.Context) error {
	loaded, err := m.server.Setting(ctx, preloadSetting)
	if err != nil || !hasLibrary(loaded) {
		return err
	}
	wanted, err := m.bin.Setting(ctx, m.paths.PGDATA, preloadSetting)
	if err != nil {
		return &ExitError{Code: ExitPostgres, Err: err}
	}
	if hasLibrary(wanted) {
		m.log.Warn("the library of pg_auto_failover is not needed any more; remove it from shared_preload_libraries, and restart Postgres", "library", olderLibrary)
		return nil
	}
	m.log.Info("restarting Postgres without the library of pg_auto_failover")
	if err := m.server.Stop(ctx, postgres.Fast); err != nil {
		return &ExitError{Code: ExitPostgres, Err: err}
	}
	if err := m.server.Start(ctx); err != nil {
		return &ExitError{Code: ExitPostgres, Err: err}
	}
	return nil
}

const preloadSetting = "shared_preload_libraries"

func hasLibrary(list string) bool {
	return slices.ContainsFunc(strings.Split(list, ","), func(name string) bool {
		return filepath.Base(strings.Trim(name, ` "'`)) == olderLibrary
	})
}
