package keeper

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"pgaf/keeper/postgres"
	"pgaf/monitor"
)

// creation is one run of `pgaf create postgres`.
//
// It looks at everything first and changes nothing before all of it is in order.
// What it then changes it notes in the init file, so that a failure is undone and a
// create that was killed is continued by the next one.
type creation struct {
	o     CreateOptions
	log   *slog.Logger
	paths Paths
	bin   postgres.Bin
	cfg   *Config
	state *State // of a create that was killed and is continued

	initFile     initFile
	configBefore []byte // nil: there was none
	kept         keptFiles
	layout       layoutBefore
	lock         *pidLock
	continued    bool // a create that was killed
	named        bool // the name of this machine was looked at
	created      bool // nothing is undone any more
}

// Create makes a data node: registers it, initialises or copies its data, and
// brings it to its first state. With o.Run it then is the node's service.
func Create(ctx context.Context, o CreateOptions) error {
	ctx, stop := notifyStop(ctx)
	defer stop()
	c := &creation{o: o, log: logger(o.Logger)}
	exists, err := c.inspect(ctx)
	if err != nil {
		return err
	}
	if exists {
		return c.alreadyThere(ctx)
	}
	if err := c.paths.makeFolders(); err != nil {
		return err
	}
	lock, err := lockNode(c.paths, pidFileOf(c.paths, o.Version))
	if err != nil {
		return err
	}
	defer lock.release()
	c.lock = lock
	err = c.make(ctx)
	if err != nil && !c.created {
		err = c.undo(err)
	}
	return err
}

// logger is the given one, or the default.
func logger(log *slog.Logger) *slog.Logger {
	if log == nil {
		return slog.Default()
	}
	return log
}

// alreadyThere is a create of a node that exists: nothing to do, or its service.
func (c *creation) alreadyThere(ctx context.Context) error {
	if c.o.Run {
		return Run(ctx, RunOptions{PGDATA: c.o.PGDATA, Name: c.o.Name, Hostname: c.o.Hostname, Port: c.o.Port, Version: c.o.Version, Options: c.o.Options, Logger: c.o.Logger})
	}
	c.log.Info("this node exists already; nothing to create", "node", c.cfg.Name, "next", "pgaf run --pgdata "+c.paths.PGDATA)
	return nil
}

// make registers the node and brings it to its first state.
func (c *creation) make(ctx context.Context) error {
	if c.initFile.PGDATA == folderCluster {
		var err error
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
	if c.cfg.MonitorDisabled() {
		if err := c.moveLayout(); err != nil {
			return err
		}
		return c.makeManual(ctx)
	}
	if c.state == nil {
		if err := c.register(ctx); err != nil {
			return err
		}
	} else {
		c.log.Info("continuing a create that did not come to its end", "node", c.cfg.Name, "node_id", c.state.NodeID, "state", string(c.state.Current))
	}
	if err := c.moveLayout(); err != nil {
		return err
	}
	n := newNode(c.paths, c.cfg, c.bin, c.log)
	n.onProgress, n.secured = c.o.Progress, c.initFile.Secured
	if c.o.Run {
		n.manager = newServiceManager()
	}
	defer n.close()
	return c.serve(ctx, n)
}

// moveLayout brings the configuration of an adopted cluster to PGDATA.
func (c *creation) moveLayout() error {
	if c.initFile.Layout == nil {
		return nil
	}
	if err := c.initFile.Layout.move(c.paths.PGDATA); err != nil {
		return &ExitError{Code: ExitKeeper, Err: err}
	}
	c.log.Info("moved the configuration of the cluster to PGDATA; links are left where it was", "from", c.initFile.Layout.Dir, "pgdata", c.paths.PGDATA)
	return nil
}

// makeManual makes a node that its operator steers: what it becomes is not decided yet.
func (c *creation) makeManual(ctx context.Context) error {
	c.cfg.Group = 0
	state := State{NodeID: c.o.NodeID, Current: monitor.StateInit, Assigned: monitor.StateInit}
	if err := errors.Join(c.cfg.SaveFile(c.paths.Config), state.Save(c.paths.State), removeFile(c.paths.Init)); err != nil {
		return err
	}
	c.created = true
	c.log.Info("the node is created and does nothing yet; start it with pgaf run, and tell it what to become with: pgaf manual fsm assign single --pgdata "+c.paths.PGDATA, "node_id", state.NodeID)
	if !c.o.Run {
		return nil
	}
	c.lock.release()
	return Run(ctx, RunOptions{PGDATA: c.o.PGDATA, Version: c.o.Version, Options: c.o.Options, Logger: c.o.Logger})
}

// registrationPatience is how long a node waits for its turn: one standby joins at
// a time, and while a failover goes on none does.
const registrationPatience = 15 * time.Minute

func (c *creation) register(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, registrationPatience)
	defer cancel()
	said := ""
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, 2*time.Second) {
		err := c.registerOnce(ctx)
		if err == nil {
			return nil
		}
		if !monitor.RetryableRegistration(err) || ctx.Err() != nil {
			return &ExitError{Code: ExitMonitor, Err: err}
		}
		if err.Error() != said {
			said = err.Error()
			c.log.Info("the group is busy; waiting for its turn to register", "reason", err)
		}
		sleep(ctx, pause)
	}
}

// registerOnce writes the state file before the registration is committed: the
// monitor never knows a node that does not know itself.
func (c *creation) registerOnce(ctx context.Context) error {
	r, err := c.registration(ctx)
	if err != nil {
		return err
	}
	client, err := c.connect(ctx)
	if err != nil {
		return err
	}
	defer client.Close(context.WithoutCancel(ctx))
	calling, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	var state State
	answer, err := client.Register(calling, r, func(r monitor.Registered) error {
		state = State{NodeID: r.NodeID, GroupID: r.GroupID, Current: monitor.StateInit, Assigned: r.State}
		c.cfg.Group, c.cfg.Name = r.GroupID, r.Name
		if err := c.cfg.SaveFile(c.paths.Config); err != nil {
			return err
		}
		return state.Save(c.paths.State)
	})
	if err != nil {
		removeFile(c.paths.State)
		c.cfg.Name, c.cfg.Group = r.Name, r.DesiredGroupID
		return err
	}
	c.state = &state
	c.log.Info("registered", "node", answer.Name, "node_id", answer.NodeID, "group", answer.GroupID, "assigned", string(answer.State))
	return nil
}

func (c *creation) registration(ctx context.Context) (monitor.Registration, error) {
	r := monitor.NewRegistration(c.cfg.Formation, c.cfg.Hostname, c.cfg.Port, c.cfg.Database)
	r.Name, r.Kind = c.cfg.Name, c.cfg.NodeKind
	if c.o.Group != nil {
		r.DesiredGroupID = *c.o.Group
	}
	if c.o.CandidatePriority != nil {
		r.CandidatePriority = *c.o.CandidatePriority
	}
	if c.o.ReplicationQuorum != nil {
		r.ReplicationQuorum = *c.o.ReplicationQuorum
	}
	r.Cluster, r.Region = firstOf(c.o.Cluster, r.Cluster), firstOf(c.o.Region, r.Region)
	if c.initFile.PGDATA == folderCluster {
		control, err := c.bin.ControlData(ctx, c.paths.PGDATA)
		if err != nil {
			return r, &ExitError{Code: ExitKeeper, Err: err}
		}
		r.SystemIdentifier = control.SystemIdentifier
		if c.initFile.Running {
			r.InitialState = monitor.StateSingle
		}
	}
	return r, nil
}

// initialStates are where a create ends.
func initialState(s State) bool {
	switch s.Current {
	case monitor.StateSingle, monitor.StateCatchingup, monitor.StateSecondary, monitor.StateReportLSN,
		monitor.StateWaitPrimary, monitor.StatePrimary:
		return true
	}
	return false
}

// serve runs the node until its first state is reached, or with --run as the
// service.
func (c *creation) serve(ctx context.Context, n *node) error {
	s, err := newService(n, *c.state)
	if err != nil {
		return err
	}
	s.lock, s.keepsRunning = c.lock, c.initFile.Running && !c.o.Run
	defer s.close()
	s.executor.contacted = true // it just registered
	s.executor.limit = c.limit
	s.executor.reached = func(state State) {
		if initialState(state) && !c.created {
			c.finish(s)
		}
	}
	if !c.o.Run {
		s.executor.goal = initialState
	}
	patience := time.AfterFunc(waitNotice, func() { c.noticeWait(n) })
	defer patience.Stop()
	return s.run(ctx)
}

// waitNotice is when a waiting create says for whom it waits.
const waitNotice = 3 * time.Second

func (c *creation) noticeWait(n *node) {
	if v := n.view(); v.Current == monitor.StateWaitStandby && v.Assigned == monitor.StateWaitStandby {
		c.log.Warn("waiting for the primary to get ready for this node: is its keeper running? Interrupt with Ctrl-C to undo this create", "formation", c.cfg.Formation, "group", v.GroupID)
	}
}

// finish makes the node a node like any other.
func (c *creation) finish(s *service) {
	if err := removeFile(c.paths.Init); err != nil {
		c.log.Warn("the init file cannot be removed", "error", err)
	}
	c.created = true
	s.executor.limit, s.n.onProgress = nil, nil // from now on it is a service, with a log
	s.executor.successor = newNodeSuccessor(c.lock, c.paths, c.o.Options)
	c.log.Info("the node is created", "node", s.n.cfg().Name, "state", string(s.executor.state.Current))
	if running, found := s.n.server.Postmaster(); found && c.initFile.PGDATA == folderCluster {
		c.sayUnit(postgres.ServiceOf(running.PID))
	}
	if s.keepsRunning {
		c.log.Info("its Postgres runs on; start the keeper with: pgaf run --pgdata " + c.paths.PGDATA)
	}
}

// refusedPatience is how long a refusal by another node's Postgres may last: its
// keeper needs a moment to let us in.
const refusedPatience = 15 * time.Second

// leftoverPatience is how long what a killed create left behind may be in the way: its
// initdb may still be at work.
const leftoverPatience = 10 * time.Second

// limit says which failures end a create. Waiting for another node does not.
func (c *creation) limit(failed job, first instant, err error) error {
	if errors.Is(err, errWaiting) {
		return nil
	}
	if errors.Is(err, errNeedsCitus) {
		return &ExitError{Code: ExitCoordinator, Err: err}
	}
	lasted := bootTime().sub(first)
	var backup *postgres.BackupError
	switch postgres.FailureOf(err) {
	case postgres.FailureNoSpace, postgres.FailureNotWritable, postgres.FailureUnfit:
		return &ExitError{Code: ExitKeeper, Err: err}
	}
	switch {
	case errors.As(err, &backup) && backup.Program == postgres.CloneProgram && backup.Kind == postgres.FailureUnknown:
	case failed.Action == "init_primary" && (!c.continued || lasted >= leftoverPatience):
	case lasted >= refusedPatience && postgres.FailureOf(err) == postgres.FailureRefused:
	case lasted >= time.Minute:
	default:
		return nil
	}
	var start *postgres.StartError
	if errors.As(err, &start) {
		return &ExitError{Code: ExitPostgres, Err: err}
	}
	return &ExitError{Code: ExitKeeper, Err: err}
}
