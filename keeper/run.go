package keeper

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"sync"
	"time"

	"pgaf/keeper/postgres"
	"pgaf/monitor"
)

// Run is the service of o.PGDATA: of a data node or of a monitor, as its
// configuration file says. It ends when ctx ends or on SIGTERM (a primary hands over
// first, see handover.go), SIGINT (stops Postgres fast) or SIGQUIT (immediately); SIGHUP
// reads the configuration again, SIGUSR2 replaces the program (replace.go).
func Run(ctx context.Context, o RunOptions) error {
	if err := RefuseRoot(); err != nil {
		return err
	}
	paths, err := PathsOf(o.PGDATA)
	if err != nil {
		return err
	}
	cfg, err := LoadFile(paths.Config)
	if errors.Is(err, ErrNoConfig) {
		return &ExitError{Code: ExitInternal, Err: err}
	}
	if err != nil {
		return err
	}
	if cfg.IsMonitor() {
		return RunMonitor(ctx, o)
	}
	return runNode(ctx, o, paths, cfg)
}

func runNode(ctx context.Context, o RunOptions, paths Paths, cfg *Config) error {
	ctx, stop := notifyStop(ctx)
	defer stop()
	log := logger(o.Logger)
	if err := paths.makeFolders(); err != nil {
		return err
	}
	lock, err := lockNode(paths, pidFileOf(paths, o.Version))
	if errors.Is(err, errRunning) {
		// The code that `pg_autoctl run` has for it.
		return &ExitError{Code: ExitInternal, Err: err}
	}
	if err != nil {
		return err
	}
	defer lock.release()
	state, err := readNodeState(paths)
	if err != nil {
		if dropped(state) {
			farewell(ctx, cfg, state, log)
		}
		return err
	}
	// It may have been changed until we held the lock, and nobody told us.
	if cfg, err = LoadFile(paths.Config); err != nil {
		return err
	}
	bin, err := findBin(postgres.FindBin, cfg.PgCtl)
	if err != nil {
		return err
	}
	if cfg, err = o.mergeInto(paths.Config, cfg); err != nil {
		return err
	}
	n := newNode(paths, cfg, bin, log)
	n.manager = newServiceManager()
	defer n.close()
	s, err := newService(n, state)
	if err != nil {
		return err
	}
	defer s.close()
	s.lock, s.executor.successor = lock, newNodeSuccessor(lock, paths, o.Options)
	s.executor.reached = func(state State) { removeInitFile(paths, state) }
	removeInitFile(paths, state)
	log.Info("keeper started", "node", cfg.Name, "node_id", state.NodeID, "current", string(state.Current), "assigned", string(state.Assigned), "postgres", n.server.Status().String())
	if err := lock.confirm(paths, o.Version); err != nil {
		log.Warn("the command that asked for this program cannot be told that it runs", "error", err)
	}
	if lock.inherited {
		n.manager.started()
	}
	n.publishMetadata(s.lifetime)
	return s.run(ctx)
}

// removeInitFile ends a create that was killed, once the node is alive.
func removeInitFile(paths Paths, state State) {
	if alive(state) {
		removeFile(paths.Init)
	}
}

// readNodeState reads the state of a node that is to be run.
func readNodeState(paths Paths) (State, error) {
	state, err := ReadState(paths.State)
	if errors.Is(err, fs.ErrNotExist) {
		return state, exitf(ExitBadState, "this node has no state (%w): its create was not finished, and is repeated; or the file was lost, and is written anew with: pgaf manual fsm init --pgdata %s", err, paths.PGDATA)
	}
	if err == nil && dropped(state) {
		return state, exitf(ExitFatal, "this node was dropped from its group; remove its files with: pgaf drop node --pgdata %s --destroy, or register its data again with: pgaf create postgres", paths.PGDATA)
	}
	return state, err
}

// merge puts the options into a copy of the configuration.
func (o RunOptions) merge(cfg *Config) (*Config, error) {
	merged := *cfg
	err := setAll(&merged, []struct{ key, value string }{
		{"pg_autoctl.name", o.Name},
		{"pg_autoctl.hostname", o.Hostname},
		{"postgresql.port", number(o.Port)},
	})
	return &merged, err
}

// publishMetadata tells the monitor how this node is called and reached, as soon as
// the monitor answers.
func (n *node) publishMetadata(ctx context.Context) {
	cfg := n.cfg()
	if cfg.MonitorDisabled() {
		return
	}
	n.background.Go(func() {
		for ctx.Err() == nil {
			err := n.link.do(ctx, func(ctx context.Context, c *monitor.Client) error {
				return c.UpdateNodeMetadata(ctx, n.view().NodeID, monitor.Metadata{Name: &cfg.Name, Host: &cfg.Hostname, Port: &cfg.Port})
			})
			if err == nil || errors.Is(err, errMonitorDisabled) {
				return
			}
			if monitor.SQLState(err) != "" && !monitor.Retryable(err) {
				n.log.Error("the monitor refuses this node's name or address", "name", cfg.Name, "hostname", cfg.Hostname, "port", cfg.Port, "error", err)
				return
			}
			sleep(ctx, time.Second)
		}
	})
}

// mergeInto is merge, and writes the file when something changed.
func (o RunOptions) mergeInto(path string, cfg *Config) (*Config, error) {
	merged, err := o.merge(cfg)
	if err == nil && *merged != *cfg {
		err = merged.SaveFile(path)
	}
	return merged, err
}

func pidFileOf(paths Paths, version string) PidFile {
	pid := os.Getpid()
	return PidFile{
		Pid: pid, PGDATA: paths.PGDATA, Version: version, ExtensionVersion: monitor.RequiredVersion(),
		Services: []PidService{{pid, "postgres"}, {pid, "node-active"}},
	}
}

// service is everything of a keeper that runs: the executor in the caller's
// goroutine, beside it the link, the witness and the signals.
type service struct {
	n        *node
	executor *executor
	witness  *witness
	lease    *leaseFile
	lock     *pidLock // nil: for a single step

	keepsRunning bool // leaves Postgres as it is: it was there, and running, before a create

	// lifetime outlives the executor: the last report is sent after it.
	lifetime context.Context
	end      context.CancelFunc
	workers  sync.WaitGroup
}

func newService(n *node, state State) (*service, error) {
	file, err := openLeaseFile(n.paths.Lease)
	if err != nil {
		return nil, err
	}
	s := &service{n: n, lease: file, witness: newWitness(n)}
	s.executor = newExecutor(n, s.witness, state, file)
	s.lifetime, s.end = context.WithCancel(context.Background())
	return s, nil
}

func (s *service) close() {
	s.end()
	s.workers.Wait()
	s.lease.close()
}

// run steers the node until ctx ends, or a create has reached its goal, or the node
// was dropped. Then Postgres is stopped and the monitor told.
func (s *service) run(ctx context.Context) error {
	s.workers.Go(func() { s.n.link.run(s.lifetime) })
	s.workers.Go(func() { s.witness.run(s.lifetime) })
	reload := make(chan *Config)
	s.workers.Go(func() { s.watchReload(reload) })
	s.executor.replace = s.lock.replace

	err := s.executor.run(ctx, reload)
	s.workers.Go(func() { s.n.link.discard(s.lifetime) })
	switch {
	case errors.Is(err, errDropped):
		s.n.log.Info("this node was dropped; its data stays", "pgdata", s.n.paths.PGDATA)
		return nil
	case err != nil && s.executor.limit != nil:
		return err // a create that failed or was interrupted: it is undone
	case err == nil, errors.Is(err, context.Canceled):
		return s.leave(ctx)
	case ExitCode(err) == ExitFatal:
		// The group goes on without this node: it must not serve.
		return errors.Join(err, s.stopPostgres(ctx))
	}
	return err
}

// leave stops Postgres and tells the monitor, so that it need not find out.
func (s *service) leave(ctx context.Context) error {
	s.executor.leave()
	s.n.manager.stopping("stopping Postgres")
	err := s.stopPostgres(ctx)
	if s.n.cfg().MonitorDisabled() {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), reportPatience)
	defer cancel()
	reported := s.n.link.do(ctx, func(ctx context.Context, c *monitor.Client) error {
		_, err := c.NodeActive(ctx, s.n.compose(s.n.observe(ctx)))
		return err
	})
	if reported != nil {
		s.n.log.Warn("the monitor could not be told that this node is stopped; it finds out", "error", reported)
	}
	return err
}

func (s *service) stopPostgres(ctx context.Context) error {
	if s.n.view().Current == monitor.StateMaintenance || s.keepsRunning {
		return nil // it is the operator's
	}
	return s.n.manager.while(func() error { return stopAsAsked(ctx, s.n.server, s.n.log) })
}

// watchReload reads the configuration again on SIGHUP.
func (s *service) watchReload(reload chan<- *Config) {
	for {
		select {
		case <-s.lock.reload:
		case <-s.lifetime.Done():
			return
		}
		s.n.manager.reloading("reading the configuration again")
		cfg, err := s.n.reread()
		if err != nil {
			s.n.manager.reloaded()
			s.n.log.Error("the configuration file is not taken; the old configuration stays", "error", err)
			continue
		}
		select {
		case reload <- cfg:
		case <-s.lifetime.Done():
			return
		}
	}
}

// reread loads the configuration file and refuses what cannot change.
func (n *node) reread() (*Config, error) {
	cfg, err := LoadFile(n.paths.Config)
	if err != nil {
		return nil, err
	}
	old := n.cfg()
	if cfg.PGDATA != old.PGDATA {
		return nil, exitf(ExitBadConfig, "postgresql.pgdata cannot change (%s, now %s)", old.PGDATA, cfg.PGDATA)
	}
	if cfg.Formation != old.Formation {
		n.log.Warn("pg_autoctl.formation cannot change; it stays", "formation", old.Formation)
		cfg.Formation = old.Formation
	}
	// Settings that take a restart of the keeper.
	cfg.Group, cfg.NodeKind, cfg.PgCtl = old.Group, old.NodeKind, old.PgCtl
	cfg.Username, cfg.Database, cfg.Host, cfg.Port = old.Username, old.Database, old.Host, old.Port
	cfg.ListenAddresses, cfg.AuthMethod, cfg.HBALevel = old.ListenAddresses, old.AuthMethod, old.HBALevel
	return cfg, nil
}
