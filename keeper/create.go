package keeper

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
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
	continued    bool // a create that was killed
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
	lock, err := acquirePidFile(c.paths.Pid, pidFileOf(c.paths, o.Version))
	if err != nil {
		return err
	}
	defer lock.release()
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

// ---- before anything is changed

// inspect checks options, this machine and the monitor, in this order, and changes
// nothing. exists: the node was created before.
func (c *creation) inspect(ctx context.Context) (exists bool, err error) {
	if err := RefuseRoot(); err != nil {
		return false, err
	}
	if c.paths, err = PathsOf(c.o.PGDATA); err != nil {
		return false, err
	}
	if _, err := ReadPidFile(c.paths.Pid); err == nil {
		return false, runningError(c.paths.Pid, c.paths.PGDATA)
	}
	if err := c.inspectConfig(); err != nil {
		return false, err
	}
	if c.bin, err = findBin(postgres.FindBin, firstOf(c.o.PgCtl, c.cfg.PgCtl)); err != nil {
		return false, err
	}
	c.cfg.PgCtl = c.bin.Path("pg_ctl")
	if err := c.inspectProgress(); err != nil {
		return false, err
	}
	if c.state == nil || c.continued {
		if err := c.inspectMachine(); err != nil {
			return false, err
		}
	}
	return c.inspectMonitor(ctx)
}

// inspectConfig checks the options and merges them with an existing configuration.
func (c *creation) inspectConfig() error {
	has, err := LoadFile(c.paths.Config)
	if errors.Is(err, ErrNoConfig) {
		has, err = nil, nil
	}
	if err != nil {
		return err
	}
	if has != nil {
		if has.IsMonitor() {
			return exitf(ExitBadConfig, "%s is the data folder of a monitor; name another one with --pgdata", c.paths.PGDATA)
		}
		if c.configBefore, err = os.ReadFile(c.paths.Config); err != nil {
			return exitf(ExitBadConfig, "read the configuration: %w", err)
		}
	}
	if err := c.o.check(has); err != nil {
		return err
	}
	c.cfg, err = c.o.config(c.paths.PGDATA, has)
	return err
}

// inspectProgress finds out whether an earlier create was killed.
func (c *creation) inspectProgress() error {
	found, err := readInitFile(c.paths.Init)
	if err != nil {
		return err
	}
	if found != nil {
		c.initFile, c.continued = *found, true
	}
	state, err := ReadState(c.paths.State)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	}
	c.state = &state
	return nil
}

// inspectMachine checks the data folder, the port and the disk.
func (c *creation) inspectMachine() error {
	state, err := inspectFolder(c.paths.PGDATA)
	if err != nil {
		return err
	}
	if c.continued {
		return nil // what is there is what the killed create left
	}
	c.initFile.PGDATA = state
	c.initFile.ConfigExisted = c.configBefore != nil
	if state == folderCluster {
		if err := checkAdoptable(c.bin, c.paths.PGDATA); err != nil {
			return err
		}
	} else if err := checkSpace(c.paths.PGDATA); err != nil {
		return err
	}
	return checkPort(c.cfg.ListenAddresses, c.cfg.Port)
}

// inspectMonitor checks that the monitor can be reached, is of our version, and has
// room for this node.
func (c *creation) inspectMonitor(ctx context.Context) (exists bool, err error) {
	client, err := c.connect(ctx)
	if err != nil {
		return false, err
	}
	defer client.Close(context.WithoutCancel(ctx))
	if exists, err = c.known(ctx, client); exists || err != nil {
		return exists, err
	}
	if c.cfg.Hostname == "" {
		if c.cfg.Hostname, err = nodeHostname(ctx, c.cfg.Monitor); err != nil {
			return false, err
		}
		c.log.Info("found the name of this node", "hostname", c.cfg.Hostname)
	} else if warning := hostnameWarning(ctx, c.cfg.Hostname); warning != "" {
		c.log.Warn(warning)
	}
	return false, c.inspectFormation(ctx, client)
}

func (c *creation) connect(ctx context.Context) (*monitor.Client, error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	client, err := connectMonitor(ctx, c.cfg, "pgaf create")
	if err == nil {
		return client, nil
	}
	code := ExitMonitor
	if errors.Is(err, monitor.ErrNoExtension) {
		code = ExitExtension
	}
	return nil, &ExitError{Code: code, Err: err}
}

// known says whether the node of the state file is registered. One that was dropped
// meanwhile is created anew: its data is adopted.
func (c *creation) known(ctx context.Context, client *monitor.Client) (bool, error) {
	if c.state == nil {
		return false, nil
	}
	node, found, err := client.NodeByID(ctx, c.state.NodeID)
	if err != nil {
		return false, &ExitError{Code: ExitMonitor, Err: err}
	}
	if !found || node.Assigned == monitor.StateDropped || c.state.Current == monitor.StateDropped {
		c.state = nil
		if !c.continued {
			return false, c.inspectMachine()
		}
		return false, nil
	}
	return !c.continued, nil
}

func (c *creation) inspectFormation(ctx context.Context, client *monitor.Client) error {
	formation, found, err := client.Formation(ctx, c.cfg.Formation)
	if err != nil {
		return &ExitError{Code: ExitMonitor, Err: err}
	}
	if !found {
		return exitf(ExitMonitor, "the monitor has no formation %q; make it with: pgaf create formation --formation %s --kind pgsql", c.cfg.Formation, c.cfg.Formation)
	}
	if formation.Kind != "pgsql" {
		return exitf(ExitMonitor, "formation %q is of kind %s, which needs Citus support that this version of pgaf does not have", c.cfg.Formation, formation.Kind)
	}
	if c.initFile.PGDATA == folderCluster && postgres.IsStandby(c.paths.PGDATA) {
		nodes, err := client.Nodes(ctx, c.cfg.Formation, c.o.Group)
		if err != nil {
			return &ExitError{Code: ExitMonitor, Err: err}
		}
		if len(nodes) == 0 {
			return errForeignStandby(c.paths.PGDATA)
		}
	}
	return c.inspectNames(ctx, client)
}

// inspectNames refuses a name or an address that another node has. The monitor would
// refuse it as well, after this node's files were written.
func (c *creation) inspectNames(ctx context.Context, client *monitor.Client) error {
	mine := func(n monitor.Node) bool { return c.state != nil && n.ID == c.state.NodeID }
	if c.cfg.Name != "" {
		other, found, err := client.NodeByName(ctx, c.cfg.Formation, c.cfg.Name)
		if err != nil {
			return &ExitError{Code: ExitMonitor, Err: err}
		}
		if found && !mine(other) {
			return exitf(ExitMonitor, "formation %q already has a node named %q (node %d at %s:%d); choose another --name, or drop that node first", c.cfg.Formation, c.cfg.Name, other.ID, other.Host, other.Port)
		}
	}
	other, found, err := client.NodeByHost(ctx, c.cfg.Hostname, c.cfg.Port)
	if err != nil {
		return &ExitError{Code: ExitMonitor, Err: err}
	}
	if found && !mine(other) {
		return exitf(ExitMonitor, "the monitor already has a node at %s:%d (%q in formation %q); choose another --pgport, or drop that node first with: pgaf drop node --monitor … --name %s",
			c.cfg.Hostname, c.cfg.Port, other.Name, other.Formation, other.Name)
	}
	return nil
}

// alreadyThere is a create of a node that exists: nothing to do, or its service.
func (c *creation) alreadyThere(ctx context.Context) error {
	if c.o.Run {
		return Run(ctx, RunOptions{PGDATA: c.o.PGDATA, Name: c.o.Name, Hostname: c.o.Hostname, Port: c.o.Port, Version: c.o.Version, Logger: c.o.Logger})
	}
	c.log.Info("this node exists already; nothing to create", "node", c.cfg.Name, "next", "pgaf run --pgdata "+c.paths.PGDATA)
	return nil
}

// ---- the changes

// make registers the node and brings it to its first state.
func (c *creation) make(ctx context.Context) error {
	if c.initFile.PGDATA == folderCluster {
		var err error
		if c.kept, err = keepFiles(c.paths.PGDATA); err != nil {
			return err
		}
	}
	if err := c.initFile.save(c.paths.Init); err != nil {
		return err
	}
	if err := c.cfg.SaveFile(c.paths.Config); err != nil {
		return err
	}
	if c.state == nil {
		if err := c.register(ctx); err != nil {
			return err
		}
	} else {
		c.log.Info("continuing a create that did not come to its end", "node", c.cfg.Name, "node_id", c.state.NodeID, "state", string(c.state.Current))
	}
	n := newNode(c.paths, c.cfg, c.bin, c.log)
	defer n.close()
	return c.serve(ctx, n)
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
	s.executor.limit = nil
	c.log.Info("the node is created", "node", s.n.cfg().Name, "state", string(s.executor.state.Current))
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
	lasted := bootTime().sub(first)
	switch {
	case postgres.FailureOf(err) == postgres.FailureNoSpace:
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

// ---- and back

// undo removes what a failed create has made and nothing else, and returns the
// error for the operator.
func (c *creation) undo(cause error) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	c.log.Info("undoing the create", "reason", cause)
	server := postgres.NewServer(postgres.ServerConfig{Bin: c.bin, PGDATA: c.paths.PGDATA, Logger: c.log})
	defer server.Close()
	if err := stopQuickly(ctx, server); err != nil {
		c.log.Warn("Postgres could not be stopped", "error", err)
	}
	if err := c.unregister(ctx); err != nil {
		return undone(cause, fmt.Errorf("%w; the monitor still knows this node: repeat the command to go on, or remove the node there with: pgaf drop node --monitor … --name %s --force", err, c.cfg.Name))
	}
	return undone(cause, c.removeFiles())
}

// undone is the error of a failed create: the cause, and what could not be undone.
func undone(cause, left error) error {
	if errors.Is(cause, context.Canceled) {
		cause = exitf(ExitKeeper, "the create was interrupted; everything it had made is removed")
	}
	if left == nil {
		return cause
	}
	return &ExitError{Code: ExitCode(cause), Err: fmt.Errorf("%w. And not all of it could be undone: %w", cause, left)}
}

func (c *creation) unregister(ctx context.Context) error {
	if c.state == nil {
		return nil
	}
	client, err := c.connect(ctx)
	if err != nil {
		return err
	}
	defer client.Close(ctx)
	_, err = client.RemoveNodeByID(ctx, c.state.NodeID, true)
	if monitor.SQLState(err) == sqlUndefinedObject {
		return nil
	}
	return err
}

func (c *creation) removeFiles() error {
	if c.state != nil {
		removeBackups(c.paths.PGDATA, c.state.NodeID)
	}
	if err := clearFolder(c.paths.PGDATA, c.initFile.PGDATA); err != nil {
		return err
	}
	if err := c.kept.restore(c.paths.PGDATA); err != nil {
		return err
	}
	before := c.configBefore
	if !c.initFile.ConfigExisted {
		before = nil
	}
	return removeNodeFiles(c.paths, before)
}

// removeBackups removes copies that were not finished.
func removeBackups(pgdata string, nodeID int64) {
	backup := filepath.Join(filepath.Dir(pgdata), "backup")
	os.RemoveAll(filepath.Join(backup, fmt.Sprintf("node_%d", nodeID)))
	os.Remove(backup) // only when it is empty
}
