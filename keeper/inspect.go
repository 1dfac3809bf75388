package keeper

import (
	"context"
	"errors"
	"io/fs"
	"os"

	"pgaf/keeper/postgres"
	"pgaf/monitor"
)

// What a create looks at before it changes anything.

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
		if err := c.inspectMachine(ctx); err != nil {
			return false, err
		}
	}
	if exists, err = c.inspectMonitor(ctx); exists || err != nil {
		return exists, err
	}
	return false, checkCitus(c.bin, c.cfg.NodeKind)
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
	c.o = c.o.withDefaults(has)
	if err := c.o.check(has); err != nil {
		return err
	}
	c.cfg, err = c.o.config(c.paths.PGDATA, has)
	return err
}

// inspectProgress finds out whether an earlier create was killed half way: the init
// file is there, and the state says that the node has not come to life. Before there
// is a state nothing was done that matters.
func (c *creation) inspectProgress() error {
	found, err := readInitFile(c.paths.Init)
	if err != nil {
		return err
	}
	if c.initFile.Secured = c.o.secured; found != nil {
		c.initFile, c.continued = *found, true
	}
	state, err := ReadState(c.paths.State)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		c.continued = false
		return nil
	case err != nil:
		return err
	}
	c.state = &state
	c.continued = c.continued && !alive(state)
	return nil
}

// alive says whether a node has become more than a registration: from then on its
// data is its group's, and no create may touch it.
func alive(s State) bool {
	return s.Current != monitor.StateInit && s.Current != monitor.StateWaitStandby
}

// inspectMachine checks the data folder, the port and the disk.
func (c *creation) inspectMachine(ctx context.Context) error {
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
		// The addresses that it has to listen on depend on the name of this machine.
		if err := c.inspectHostname(ctx); err != nil {
			return err
		}
		if err := c.inspectExisting(ctx); err != nil {
			return err
		}
	} else if err := checkSpace(c.paths.PGDATA); err != nil {
		return err
	}
	if c.initFile.Running {
		return nil
	}
	return checkPort(c.cfg.ListenAddresses, c.cfg.Port)
}

// inspectMonitor checks that the monitor can be reached, is of our version, and has
// room for this node.
func (c *creation) inspectMonitor(ctx context.Context) (exists bool, err error) {
	if c.cfg.MonitorDisabled() {
		return c.state != nil, c.inspectHostname(ctx)
	}
	client, err := c.connect(ctx)
	if err != nil {
		return false, err
	}
	defer client.Close(context.WithoutCancel(ctx))
	if exists, err = c.known(ctx, client); exists || err != nil {
		return exists, err
	}
	if err := c.inspectHostname(ctx); err != nil {
		return false, err
	}
	return false, c.inspectFormation(ctx, client)
}

// inspectHostname finds the name of this node where none is given.
func (c *creation) inspectHostname(ctx context.Context) (err error) {
	if c.named {
		return nil
	}
	c.named = true
	switch {
	case c.cfg.Hostname != "":
		if warning := hostnameWarning(ctx, c.cfg.Hostname); warning != "" {
			c.log.Warn(warning)
		}
		return nil
	case c.cfg.MonitorDisabled():
		c.cfg.Hostname, err = localName(ctx)
	default:
		c.cfg.Hostname, err = nodeHostname(ctx, c.cfg.Monitor)
	}
	if err == nil {
		c.log.Info("found the name of this node", "hostname", c.cfg.Hostname)
	}
	return err
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
			return false, c.inspectMachine(ctx)
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
		return exitf(ExitMonitor, "the monitor has no formation %q; make it with: pgaf create formation --formation %s --kind %s", c.cfg.Formation, c.cfg.Formation, formationKind(c.cfg.NodeKind))
	}
	if err := c.inspectFormationKind(ctx, client, formation); err != nil {
		return err
	}
	if c.initFile.Running && !c.continued {
		if err := c.onlyAsFirst(ctx, client); err != nil {
			return err
		}
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
