package keeper

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"pgaf/keeper/postgres"
	"pgaf/monitor"
)

// A cluster that was there before its node. It is adopted as it is, running or stopped:
// what its user has set wins over the settings of pgaf. Where that does not go together
// with replication, or takes a restart that only its user may order, it is refused.

// requirement is a setting without which a node cannot do its part in a group.
type requirement struct {
	name    string
	needed  string // in words
	restart bool   // a running server takes it with a restart only
	fits    func(value string) bool
}

// leastSenders is what one standby that streams and one that is copied (two) need, and
// one more for a copy that is begun anew.
const leastSenders = 4

func requirements(cfg *Config) []requirement {
	is := func(values ...string) func(string) bool {
		return func(value string) bool { return slices.Contains(values, value) }
	}
	atLeast := func(least int) func(string) bool {
		return func(value string) bool { n, err := strconv.Atoi(value); return err == nil && n >= least }
	}
	list := []requirement{
		{"wal_level", "replica or logical", true, is("replica", "logical")},
		{"max_wal_senders", fmt.Sprintf("at least %d", leastSenders), true, atLeast(leastSenders)},
		{"max_replication_slots", fmt.Sprintf("at least %d", leastSenders), true, atLeast(leastSenders)},
		{"wal_log_hints", "on (or data checksums)", true, is("on")},
		{"hot_standby", "on", true, is("on")},
		{"listen_addresses", "* or an address of " + cfg.Hostname, true, func(value string) bool { return listensFor(value, cfg.Hostname) }},
		{"port", strconv.Itoa(cfg.Port), true, is(strconv.Itoa(cfg.Port))},
	}
	if cfg.SSL.Active {
		list = append(list, requirement{"ssl", "on", false, is("on")})
	}
	return list
}

// listensFor says whether listen_addresses lets other machines reach hostname.
func listensFor(listen, hostname string) bool {
	for _, address := range strings.Split(listen, ",") {
		address = strings.TrimSpace(address)
		ip, err := netip.ParseAddr(address)
		if address == "*" || address == hostname || err == nil && ip.IsUnspecified() {
			return true
		}
		hosts, _ := net.LookupHost(hostname)
		theirs, _ := net.LookupHost(address)
		if slices.ContainsFunc(hosts, func(host string) bool { return slices.Contains(theirs, host) }) {
			return true
		}
	}
	return false
}

// existing is what create found in PGDATA.
type existing struct {
	server  *postgres.Server
	process postgres.Postmaster // when running
	running bool
	file    string // its postgresql.conf
}

// inspectExisting looks at a cluster in PGDATA that is to be adopted.
func (c *creation) inspectExisting(ctx context.Context) error {
	if err := checkVersion(c.bin, c.paths.PGDATA); err != nil {
		return err
	}
	layout, err := findSplitLayout(c.paths.PGDATA)
	if err != nil {
		return err
	}
	e := existing{file: filepath.Join(c.paths.PGDATA, "postgresql.conf")}
	if c.initFile.Layout = layout; layout != nil {
		e.file = filepath.Join(layout.Dir, "postgresql.conf")
	}
	e.server = postgres.NewServer(postgres.ServerConfig{Bin: c.bin, PGDATA: c.paths.PGDATA, Logger: c.log})
	defer e.server.Close()
	if e.process, e.running = e.server.Postmaster(); e.running {
		if err := c.inspectRunning(ctx, e); err != nil {
			return err
		}
	}
	c.initFile.Running = e.running
	return c.inspectSettings(ctx, e)
}

// inspectRunning refuses a running Postgres of which no node can be made at all.
func (c *creation) inspectRunning(ctx context.Context, e existing) error {
	pgdata := c.paths.PGDATA
	if e.process.Status != postgres.Ready {
		return exitf(ExitKeeper, "Postgres on %s (process %d) is %s; repeat the command when it accepts connections", pgdata, e.process.PID, e.process.Status)
	}
	if postgres.IsStandby(pgdata) {
		return exitf(ExitKeeper, "Postgres on %s (process %d) is a standby, and its primary is none of this group's; promote it first, or stop it and name another --pgdata, which gets a copy of the group's data", pgdata, e.process.PID)
	}
	live, err := e.server.Settings(ctx, []string{"config_file"})
	if err != nil {
		return exitf(ExitSQL, "log in to the Postgres that runs on %s: %w; user %s has to get in through the Unix socket without a password: add the line \"local all %s peer\" to its pg_hba.conf and reload it", pgdata, err, osUser(), osUser())
	}
	if live["superuser"] != "on" {
		return exitf(ExitSQL, "role %s of the Postgres that runs on %s is no superuser; a node needs one of the name of its owner: ALTER ROLE %s SUPERUSER", osUser(), pgdata, osUser())
	}
	if !oneFile(live["config_file"], e.file) {
		return exitf(ExitKeeper, "Postgres on %s (process %d) reads its settings from %s, and a node's are in %s; move the file there and restart Postgres", pgdata, e.process.PID, live["config_file"], e.file)
	}
	return nil
}

func oneFile(a, b string) bool {
	one, err := os.Stat(a)
	if err != nil {
		return false
	}
	other, err := os.Stat(b)
	return err == nil && os.SameFile(one, other)
}

// inspectSettings takes the port and the addresses of the cluster where no others are
// wanted, and refuses it when what its user has set, or what it now runs with, does not do.
func (c *creation) inspectSettings(ctx context.Context, e existing) error {
	chosen := c.configBefore != nil
	ours := nodeSettings(c.bin, c.cfg)
	if !chosen && c.o.Port == 0 {
		ours.Port = 0
	}
	names := []string{"port", "listen_addresses"}
	for _, r := range requirements(c.cfg) {
		names = append(names, r.name)
	}
	future, err := c.bin.FutureSettings(ctx, c.paths.PGDATA, e.file, ours, names)
	if err != nil {
		return exitf(ExitKeeper, "read the settings of the cluster in PGDATA: %w", err)
	}
	now := future
	if e.running {
		if now, err = e.server.Settings(ctx, append(names, "data_checksums")); err != nil {
			return exitf(ExitSQL, "read the settings of Postgres: %w", err)
		}
		future["port"] = now["port"] // whatever it was started with
	}
	c.takeAddress(chosen, future)
	return c.compareSettings(ctx, e, now, future)
}

// takeAddress lets the port and the addresses of the cluster be, unless others are wanted.
func (c *creation) takeAddress(chosen bool, future map[string]string) {
	if !chosen && c.o.Port == 0 {
		if port, err := strconv.Atoi(future["port"]); err == nil {
			c.cfg.Port = port
		}
	}
	if !chosen && c.o.Listen == "" {
		c.cfg.ListenAddresses = future["listen_addresses"]
	}
}

// compareSettings makes the list of what has to change.
func (c *creation) compareSettings(ctx context.Context, e existing, now, future map[string]string) error {
	checksums := now["data_checksums"] == "on"
	if !e.running {
		control, err := c.bin.ControlData(ctx, c.paths.PGDATA)
		if err != nil {
			return &ExitError{Code: ExitKeeper, Err: err}
		}
		checksums = control.DataChecksums
	}
	var lines []string
	ownFile := true // whether what is wrong is in the user's own file
	for _, r := range requirements(c.cfg) {
		present, later := now[r.name], r.fits(future[r.name])
		switch {
		case r.name == "wal_log_hints" && checksums:
			continue
		case !e.running && (r.name == "port" || r.name == "listen_addresses" && c.o.Listen != ""):
			continue // it is started with the node's
		case later && (r.fits(present) || !r.restart):
			continue // a reload takes what is not there yet
		case !later:
			present = future[r.name]
		}
		ownFile = ownFile && !later
		lines = append(lines, fmt.Sprintf("%s is %s, needed: %s%s", r.name, shown(present), r.needed, takes(e.running, r.restart)))
	}
	if len(lines) == 0 {
		return nil
	}
	return unsuitable(c, e, lines, ownFile)
}

func shown(value string) string {
	if value == "" {
		return "empty"
	}
	return value
}

func takes(running, restart bool) string {
	switch {
	case !running:
		return ""
	case restart:
		return " (takes a restart)"
	}
	return " (takes a reload)"
}

// unsuitable is the error with that list. What the user has not set the settings of pgaf
// bring along, once it starts Postgres itself.
func unsuitable(c *creation, e existing, lines []string, ownFile bool) error {
	list := strings.Join(lines, ", ")
	switch {
	case !e.running:
		return exitf(ExitKeeper, "settings of the cluster in %s do not go with replication, and your own are not overwritten: %s; change them in %s and repeat the command", c.paths.PGDATA, list, e.file)
	case ownFile:
		return exitf(ExitKeeper, "the Postgres that runs on %s (process %d) cannot be adopted as it is, and nothing was changed: %s; change them in %s, restart Postgres and repeat the command", c.paths.PGDATA, e.process.PID, list, e.file)
	}
	return exitf(ExitKeeper, "the Postgres that runs on %s (process %d) cannot be adopted without a restart, and nothing was changed: %s; change them in %s and restart Postgres, or stop it (%s -D %s stop), then repeat the command, which starts it with the settings that it needs",
		c.paths.PGDATA, e.process.PID, list, e.file, c.bin.Path("pg_ctl"), c.paths.PGDATA)
}

// onlyAsFirst refuses a running Postgres where the group has a node already: its data
// would have to give way to the group's.
func (c *creation) onlyAsFirst(ctx context.Context, client *monitor.Client) error {
	group := 0
	if c.o.Group != nil {
		group = *c.o.Group
	}
	nodes, err := client.Nodes(ctx, c.cfg.Formation, &group)
	if err != nil {
		return &ExitError{Code: ExitMonitor, Err: err}
	}
	if len(nodes) > 0 {
		return exitf(ExitKeeper, "Postgres runs on %s, and group %d of formation %q has %d nodes already, whose data a new node gets; name an empty --pgdata, or another formation", c.paths.PGDATA, group, c.cfg.Formation, len(nodes))
	}
	return nil
}

// sayUnit tells who else may start and stop the adopted Postgres.
func (c *creation) sayUnit(unit string) {
	switch {
	case unit != "":
		c.log.Warn("systemd also looks after this Postgres, and two supervisors fight: let it not be started at boot, and do not stop it, with: systemctl disable "+unit, "unit", unit)
	case c.initFile.Layout != nil:
		c.log.Info("postgresql-common no longer starts this cluster at boot; leave starting and stopping to pgaf, not to pg_ctlcluster", "start_conf", filepath.Join(c.initFile.Layout.Dir, startConf))
	}
}
