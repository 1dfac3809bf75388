package keeper

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"time"

	"pgaf/keeper/postgres"
	"pgaf/monitor"
)

// monitorCreation is one run of `pgaf create monitor --pgdata`: like creation, it
// looks first, then changes, and undoes what it changed when it fails.
type monitorCreation struct {
	o     CreateMonitorOptions
	log   *slog.Logger
	paths Paths
	cfg   *Config
	bin   postgres.Bin

	initFile     initFile
	configBefore []byte
	kept         keptFiles
	layout       layoutBefore
	continued    bool // a create that was killed
	exists       bool // a create that succeeded before: everything is made sure of again, nothing is undone
}

// CreateMonitor makes a Postgres that is a monitor. With o.Run it then is its service.
func CreateMonitor(ctx context.Context, o CreateMonitorOptions) error {
	ctx, stop := notifyStop(ctx)
	defer stop()
	c := &monitorCreation{o: o, log: logger(o.Logger)}
	if err := c.inspect(ctx); err != nil {
		return err
	}
	if err := c.paths.makeFolders(); err != nil {
		return err
	}
	lock, err := lockNode(c.paths, monitorPidFile(c.paths, o.Version))
	if err != nil {
		return err
	}
	defer lock.release()
	m := newMonitorNode(c.paths, c.cfg, c.bin, c.log)
	defer m.server.Close()
	if err := c.make(ctx, m); err != nil {
		return c.undo(m, err)
	}
	c.log.Info("the monitor is created", "uri", monitor.ScrubURI(c.cfg.MonitorURI()))
	if c.cfg.AutoctlNodePassword != "" {
		c.log.Info("nodes need its connection string with the password, which is printed by: pgaf show uri --formation monitor --pgdata " + c.paths.PGDATA)
	}
	if c.o.Run {
		m.lock, m.successor, m.manager = lock, newMonitorSuccessor(lock, c.paths, c.o.Options), newServiceManager()
		return m.serve(ctx)
	}
	return m.stop(ctx)
}

func (c *monitorCreation) inspect(ctx context.Context) (err error) {
	if err := RefuseRoot(); err != nil {
		return err
	}
	if c.paths, err = PathsOf(c.o.PGDATA); err != nil {
		return err
	}
	if _, err := ReadPidFile(c.paths.Pid); err == nil {
		return runningError(c.paths.Pid, c.paths.PGDATA)
	}
	if err := c.inspectConfig(); err != nil {
		return err
	}
	if c.bin, err = findBin(postgres.FindFirstBin, firstOf(c.o.PgCtl, c.cfg.PgCtl)); err != nil {
		return err
	}
	c.cfg.PgCtl = c.bin.Path("pg_ctl")
	if err := c.inspectFolder(); err != nil {
		return err
	}
	if c.cfg.Hostname == "" {
		if c.cfg.Hostname, err = localName(ctx); err != nil {
			return err
		}
		c.log.Info("found the name of this monitor", "hostname", c.cfg.Hostname)
	} else if warning := hostnameWarning(ctx, c.cfg.Hostname); warning != "" {
		c.log.Warn(warning)
	}
	return nil
}

func (c *monitorCreation) inspectConfig() error {
	has, err := LoadFile(c.paths.Config)
	if errors.Is(err, ErrNoConfig) {
		has, err = nil, nil
	}
	if err != nil {
		return err
	}
	if has != nil {
		if !has.IsMonitor() {
			return exitf(ExitBadConfig, "%s is the data folder of a node; name another one with --pgdata", c.paths.PGDATA)
		}
		if c.configBefore, err = os.ReadFile(c.paths.Config); err != nil {
			return exitf(ExitBadConfig, "read the configuration: %w", err)
		}
	}
	c.o = c.o.withDefaults(has)
	if err := c.o.check(has); err != nil {
		return err
	}
	c.cfg, err = c.o.config(c.paths.PGDATA, has)
	return err
}

func (c *monitorCreation) inspectFolder() error {
	state, err := inspectFolder(c.paths.PGDATA)
	if err != nil {
		return err
	}
	found, err := readInitFile(c.paths.Init)
	if err != nil {
		return err
	}
	if found != nil {
		c.initFile, c.continued = *found, true
		return nil // what is there is what a killed create left
	}
	c.initFile = initFile{PGDATA: state, ConfigExisted: c.configBefore != nil, Secured: c.o.secured}
	c.exists = state == folderCluster && c.initFile.ConfigExisted
	if state == folderCluster {
		if err := checkAdoptable(c.bin, c.paths.PGDATA); err != nil {
			return err
		}
		if postgres.IsStandby(c.paths.PGDATA) {
			return errForeignStandby(c.paths.PGDATA)
		}
		if c.initFile.Layout, err = findSplitLayout(c.paths.PGDATA); err != nil {
			return err
		}
	} else if err := checkSpace(c.paths.PGDATA); err != nil {
		return err
	}
	return checkPort(c.cfg.ListenAddresses, c.cfg.Port)
}

func (c *monitorCreation) make(ctx context.Context, m *monitorNode) (err error) {
	if c.initFile.PGDATA == folderCluster {
		if c.kept, err = keepFiles(c.paths.PGDATA); err != nil {
			return err
		}
		if c.layout, err = keepLayout(c.initFile.Layout); err != nil {
			return err
		}
	}
	if err := c.initFile.save(c.paths.Init); err != nil {
		return err
	}
	if err := c.cfg.SaveFile(c.paths.Config); err != nil {
		return err
	}
	if !postgres.HasCluster(c.paths.PGDATA) {
		c.log.Info("initialising a PostgreSQL cluster", "pgdata", c.paths.PGDATA, "version", c.bin.Version.Text)
		if err := c.bin.InitDB(ctx, c.paths.PGDATA, initOptions(c.initFile.Secured)); err != nil {
			return &ExitError{Code: ExitPostgres, Err: err}
		}
	}
	if c.initFile.Layout != nil {
		if err := c.initFile.Layout.move(c.paths.PGDATA); err != nil {
			return &ExitError{Code: ExitKeeper, Err: err}
		}
	}
	if err := m.writeSettings(); err != nil {
		return err
	}
	if err := m.allowNodes(ctx); err != nil {
		return err
	}
	if err := m.server.Start(ctx); err != nil {
		return &ExitError{Code: ExitPostgres, Err: err}
	}
	if err := m.install(ctx, true); err != nil {
		return err
	}
	if err := m.createFormations(ctx, c.o.Formations); err != nil {
		return err
	}
	return removeFile(c.paths.Init)
}

// undo removes what the failed create has made.
func (c *monitorCreation) undo(m *monitorNode, cause error) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	c.log.Info("undoing the create", "reason", cause)
	if err := stopQuickly(ctx, m.server); err != nil {
		c.log.Warn("Postgres could not be stopped", "error", err)
	}
	switch {
	case c.exists:
		return undone(cause, removeFile(c.paths.Init))
	case c.continued:
		// What a killed create left cannot be told apart from what was put there
		// since.
		return keptError(cause, "pgaf drop monitor "+destroyOwn(c.initFile)+"--pgdata "+c.paths.PGDATA)
	}
	return undone(cause, c.removeFiles())
}

func (c *monitorCreation) removeFiles() error {
	if err := clearFolder(c.paths.PGDATA, c.initFile.PGDATA); err != nil {
		return err
	}
	if err := errors.Join(c.kept.restore(c.paths.PGDATA), c.layout.restore(c.paths.PGDATA)); err != nil {
		return err
	}
	return removeNodeFiles(c.paths, c.configBefore)
}
