package keeper

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"pgaf/keeper/postgres"
	"pgaf/monitor"
)

// monitorNode is the agent of a monitor's own Postgres: it starts it, keeps it
// running, and runs the monitor service beside it. It decides nothing.
type monitorNode struct {
	paths  Paths
	cfg    *Config
	bin    postgres.Bin
	server *postgres.Server
	log    *slog.Logger

	lock      *pidLock
	successor successor
	manager   *serviceManager // of the process, when it is the monitor's service
}

func newMonitorNode(paths Paths, cfg *Config, bin postgres.Bin, log *slog.Logger) *monitorNode {
	m := &monitorNode{paths: paths, cfg: cfg, bin: bin, log: log, manager: &serviceManager{}}
	m.server = postgres.NewServer(m.serverConfig())
	return m
}

func (m *monitorNode) serverConfig() postgres.ServerConfig {
	return postgres.ServerConfig{
		Bin:             m.bin,
		PGDATA:          m.paths.PGDATA,
		Port:            m.cfg.Port,
		ListenAddresses: m.cfg.ListenAddresses,
		SocketDir:       socketDir(m.cfg),
		Logger:          m.log,
	}
}

func (m *monitorNode) writeSettings() error {
	if err := ensureCertificate(m.cfg, m.paths.PGDATA); err != nil {
		return &ExitError{Code: ExitPostgres, Err: err}
	}
	s := baseSettings(m.cfg)
	s.Kind = postgres.KindMonitor
	if _, err := postgres.WriteSettings(m.paths.PGDATA, s); err != nil {
		return exitf(ExitPostgres, "write the settings of Postgres: %w", err)
	}
	return nil
}

// allowNodes lets nodes of this machine's networks in.
func (m *monitorNode) allowNodes(ctx context.Context) error {
	file := filepath.Join(m.paths.PGDATA, "pg_hba.conf")
	network, err := hostNetwork(ctx, m.cfg.Hostname)
	if err != nil {
		m.log.Warn("pg_hba.conf gets no line for the nodes; add one: hostssl pg_auto_failover autoctl_node ADDRESS METHOD", "file", file, "error", err)
		return nil
	}
	rule := postgres.HBARule{TLS: m.cfg.SSL.Active, Database: MonitorDatabase, User: MonitorUser, Address: network, Method: hbaMethod(m.cfg)}
	if m.cfg.AuthMethod == authSkip {
		m.log.Warn("pg_hba.conf is left to you and needs a line for the nodes", "file", file, "line", rule.String())
		return nil
	}
	if _, err := postgres.EnsureHBA(file, []postgres.HBARule{rule}); err != nil {
		return exitf(ExitPostgres, "edit %s: %w", file, err)
	}
	return nil
}

// monitorOwner owns the database of the monitor.
const monitorOwner = "autoctl"

// install makes the role, the database and the objects of the monitor, and brings
// older ones up to this version.
//
// The password is set by a create, and later only where there is none: somebody may
// have given the role another one.
func (m *monitorNode) install(ctx context.Context, creating bool) error {
	if _, err := m.server.EnsureRole(ctx, postgres.Role{Name: monitorOwner}); err != nil {
		return exitf(ExitSQL, "create role %q: %w", monitorOwner, err)
	}
	if _, err := m.server.EnsureDatabase(ctx, MonitorDatabase, monitorOwner); err != nil {
		return exitf(ExitSQL, "create database %q: %w", MonitorDatabase, err)
	}
	err := m.server.Database(ctx, MonitorDatabase, func(conn *pgx.Conn) error {
		return monitor.Install(ctx, conn, monitor.InstallOptions{Logger: m.log})
	})
	if err != nil {
		return &ExitError{Code: ExitExtension, Err: err}
	}
	if !creating {
		has, err := m.server.HasPassword(ctx, MonitorUser)
		if err != nil {
			return exitf(ExitSQL, "look at role %q: %w", MonitorUser, err)
		}
		if has {
			return nil
		}
	}
	return m.setPassword(ctx)
}

// setPassword gives the nodes' role the password of the configuration.
func (m *monitorNode) setPassword(ctx context.Context) error {
	if m.cfg.AutoctlNodePassword == "" {
		return nil
	}
	if _, err := m.server.EnsureRole(ctx, postgres.Role{Name: MonitorUser, Password: m.cfg.AutoctlNodePassword}); err != nil {
		return exitf(ExitSQL, "set the password of role %q: %w", MonitorUser, err)
	}
	return nil
}

func (m *monitorNode) createFormations(ctx context.Context, names []string) error {
	if len(names) == 0 {
		return nil
	}
	client, err := monitor.Connect(ctx, m.localURI())
	if err != nil {
		return &ExitError{Code: ExitMonitor, Err: err}
	}
	defer client.Close(context.WithoutCancel(ctx))
	for _, name := range names {
		_, found, err := client.Formation(ctx, name)
		if err == nil && !found {
			_, err = client.CreateFormation(ctx, monitor.Formation{ID: name, Kind: "pgsql", Database: "postgres", OptSecondary: true})
		}
		if err != nil {
			return &ExitError{Code: ExitMonitor, Err: err}
		}
	}
	return nil
}

// localURI connects over the unix socket as the superuser who owns the cluster, so
// that no pg_hba.conf line of an operator keeps the service out.
func (m *monitorNode) localURI() string {
	dir := "/tmp"
	if running, found := m.server.Postmaster(); found && running.SocketDir != "" {
		dir = running.SocketDir
	}
	query := url.Values{"host": {dir}, "port": {fmt.Sprint(m.cfg.Port)}, "user": {osUser()}, "sslmode": {"disable"}}
	return (&url.URL{Scheme: "postgres", Path: "/" + MonitorDatabase, RawQuery: query.Encode()}).String()
}

// RunMonitor is the service of a monitor: it starts Postgres, keeps it running, and
// runs the monitor service. It ends as Run does.
func RunMonitor(ctx context.Context, o RunOptions) error {
	ctx, stop := notifyStop(ctx)
	defer stop()
	if err := RefuseRoot(); err != nil {
		return err
	}
	paths, err := PathsOf(o.PGDATA)
	if err != nil {
		return err
	}
	cfg, err := LoadFile(paths.Config)
	if err != nil {
		return &ExitError{Code: ExitInternal, Err: err}
	}
	if !cfg.IsMonitor() {
		return exitf(ExitBadConfig, "%s is not the data folder of a monitor", paths.PGDATA)
	}
	bin, err := findBin(postgres.FindFirstBin, cfg.PgCtl)
	if err != nil {
		return err
	}
	if err := paths.makeFolders(); err != nil {
		return err
	}
	lock, err := lockNode(paths, monitorPidFile(paths, o.Version))
	if err != nil {
		return &ExitError{Code: ExitInternal, Err: err}
	}
	defer lock.release()
	if cfg, err = o.mergeInto(paths.Config, cfg); err != nil {
		return err
	}
	m := newMonitorNode(paths, cfg, bin, logger(o.Logger))
	defer m.server.Close()
	m.lock, m.successor, m.manager = lock, newMonitorSuccessor(lock, paths, o.Options), newServiceManager()
	removeFile(paths.Init) // of a create that was killed: everything is made sure of here
	if err := lock.confirm(paths, o.Version); err != nil {
		m.log.Warn("the command that asked for this program cannot be told that it runs", "error", err)
	}
	return m.serve(ctx)
}

// newMonitorSuccessor is the successor of a monitor's service: it has to read the
// configuration.
func newMonitorSuccessor(lock *pidLock, paths Paths, options []string) successor {
	return newSuccessor(lock, paths, options, "config", "get", "--json")
}

func monitorPidFile(paths Paths, version string) PidFile {
	p := pidFileOf(paths, version)
	p.Services[1].Name = "listener"
	return p
}

// serve keeps Postgres running and the monitor service beside it, until ctx ends.
func (m *monitorNode) serve(ctx context.Context) error {
	events := m.server.Watch()
	if err := m.manager.while(func() error { return m.start(ctx) }); err != nil {
		if ctx.Err() != nil {
			return m.stop(ctx)
		}
		return err
	}
	service := monitor.Service{URI: m.localURI(), Logger: m.log}
	serving, end := context.WithCancel(ctx)
	defer end()
	failed := make(chan error, 1)
	go func() { failed <- service.Run(serving) }()
	m.manager.started()
	m.manager.says("the monitor serves on port " + fmt.Sprint(m.cfg.Port))
	tick := time.NewTicker(lookInterval)
	defer tick.Stop()
	again := restarter{start: m.keepStarting, done: make(chan struct{}, 1)}
	for {
		m.manager.alive()
		select {
		case <-tick.C:
		case <-ctx.Done():
			_ = again.wait()
			<-failed
			return m.stop(ctx)
		case <-again.done:
			again.ended(ctx)
		case err := <-failed:
			if ctx.Err() == nil {
				m.log.Error("the monitor service cannot go on; Postgres keeps running", "error", err)
				return &ExitError{Code: ExitExtension, Err: err}
			}
			_ = again.wait()
			return m.stop(ctx)
		case event := <-events:
			if event.Kind == postgres.EventExit && !event.Exit.Requested && ctx.Err() == nil {
				m.log.Warn("the monitor's Postgres ended and is started again", "exit", exitText(event.Exit))
				again.begin(ctx)
			}
		case <-m.lock.reload:
			m.reload(ctx)
		case <-m.lock.replace:
			m.log.Info("asked to be replaced by the program on disk", "program", ownProgram)
			m.successor.check(ctx)
		case err := <-m.successor.checked:
			// Nothing is replaced in the middle of a start.
			_ = m.manager.while(again.wait)
			m.replace(err)
			again.ended(ctx)
		}
	}
}

// replace lets the program on disk take over, once it was checked.
func (m *monitorNode) replace(err error) {
	if err != nil {
		m.successor.refuse(err)
	} else {
		m.manager.reloading("being replaced by the program on disk")
		err = m.successor.takeOver()
		m.manager.reloaded()
	}
	m.log.Error("the program on disk is not taken; this one goes on", "error", err)
}

// start starts Postgres with present settings, and brings the objects up to date.
func (m *monitorNode) start(ctx context.Context) error {
	if err := m.writeSettings(); err != nil {
		return err
	}
	for {
		if err := m.server.Start(ctx); err != nil {
			return &ExitError{Code: ExitPostgres, Err: err}
		}
		m.log.Info("the monitor's Postgres runs", "port", m.cfg.Port)
		err := m.install(ctx, false)
		if err == nil {
			err = m.dropLibrary(ctx)
		}
		if err == nil || !connectionLost(err) || ctx.Err() != nil {
			return err
		}
		m.log.Warn("lost the monitor's Postgres while looking at its objects; beginning again", "error", err)
		sleep(ctx, 100*time.Millisecond)
	}
}

// connectionLost says whether the server, and not what it was asked, was at fault.
func connectionLost(err error) bool {
	var lost *monitor.LostError
	var connect *pgconn.ConnectError
	var network *net.OpError // the socket of a server that was killed
	switch {
	case errors.As(err, &lost), errors.As(err, &connect), errors.Is(err, postgres.ErrNotRunning),
		errors.As(err, &network), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return true
	}
	return strings.HasPrefix(monitor.SQLState(err), "57P")
}

// keepStarting starts Postgres as often as it takes.
func (m *monitorNode) keepStarting(ctx context.Context) {
	var policy restarts
	said := ""
	for ctx.Err() == nil {
		err := m.server.Start(ctx)
		if err == nil || ctx.Err() != nil {
			return
		}
		policy.failed(bootTime())
		if err.Error() != said {
			said = err.Error()
			m.log.Error("the monitor's Postgres does not start and is tried again", "error", err)
		}
		sleep(ctx, policy.delay())
	}
}

// reload takes the settings that can change while Postgres runs.
func (m *monitorNode) reload(ctx context.Context) {
	m.manager.reloading("reading the configuration again")
	defer m.manager.reloaded()
	cfg, err := LoadFile(m.paths.Config)
	if err != nil {
		m.log.Error("the configuration file is not taken; the old configuration stays", "error", err)
		return
	}
	m.cfg.Hostname, m.cfg.SSL = cfg.Hostname, cfg.SSL
	if err = m.writeSettings(); err == nil {
		err = m.allowNodes(ctx) // a line for encrypted connections does not let others in
	}
	if err == nil {
		err = m.server.Reload()
	}
	if err == nil && cfg.AutoctlNodePassword != m.cfg.AutoctlNodePassword {
		m.cfg.AutoctlNodePassword = cfg.AutoctlNodePassword
		err = m.setPassword(ctx)
	}
	if err != nil {
		m.log.Error("the configuration is not applied", "error", err)
		return
	}
	m.log.Info("configuration reloaded")
}

// stop stops Postgres as the signal says that ended ctx.
func (m *monitorNode) stop(ctx context.Context) error {
	m.manager.stopping("stopping Postgres")
	if err := m.manager.while(func() error { return stopAsAsked(ctx, m.server, m.log) }); err != nil {
		return err
	}
	m.log.Info("the monitor is stopped")
	return nil
}
