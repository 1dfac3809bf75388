package keeper

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"pgaf/keeper/postgres"
	"pgaf/monitor"
)

// Status is what `pgaf status` shows about the service of a node and its Postgres.
type Status struct {
	Config   *Config
	Paths    Paths
	Pid      PidFile
	Postgres PostgresInfo
}

// PostgresInfo describes the local Postgres without connecting to it: from its
// control file and postmaster.pid.
type PostgresInfo struct {
	PGDATA           string
	PgCtl            string
	Version          string // "15.20"
	VersionNumber    int    // 1520
	Host             string
	Port             int
	ProxyPort        int
	Pid              int // 0: not running
	InRecovery       bool
	ControlState     string // "in production"
	ControlVersion   int
	CatalogVersion   int
	SystemIdentifier uint64
	CheckpointLSN    string
	Timeline         int
	PostmasterStatus string // "not running", "starting", "ready" …
}

// ReadStatus opens files read-only and connects to nothing. The error is an
// ExitError: ExitBadState when no service runs, ExitPostgres when it runs but its
// Postgres is not ready; the Status says what was found in both cases.
func ReadStatus(ctx context.Context, pgdata string) (*Status, error) {
	paths, cfg, err := nodeFiles(pgdata)
	if err != nil {
		return nil, err
	}
	s := &Status{Config: cfg, Paths: paths, Postgres: inspectPostgres(ctx, paths, cfg)}
	s.Pid, err = ReadPidFile(paths.Pid)
	switch {
	case errors.Is(err, fs.ErrNotExist) && s.Postgres.Pid != 0:
		return s, exitf(ExitBadState, "pgaf does not run for %s, but its Postgres does (process %d): nobody takes care of it; start pgaf with: pgaf run --pgdata %s", paths.PGDATA, s.Postgres.Pid, paths.PGDATA)
	case errors.Is(err, fs.ErrNotExist):
		return s, exitf(ExitBadState, "pgaf does not run for %s; start it with: pgaf run --pgdata %s", paths.PGDATA, paths.PGDATA)
	case err != nil:
		return s, exitf(ExitBadState, "read the pid file: %w", err)
	case s.Postgres.PostmasterStatus != postgres.Ready.String():
		return s, exitf(ExitPostgres, "pgaf runs for %s (process %d), but its Postgres is not ready: %s", paths.PGDATA, s.Pid.Pid, s.Postgres.PostmasterStatus)
	}
	return s, nil
}

func nodeFiles(pgdata string) (Paths, *Config, error) {
	paths, err := PathsOf(pgdata)
	if err != nil {
		return paths, nil, err
	}
	cfg, err := LoadFile(paths.Config)
	return paths, cfg, err
}

// inspectPostgres tells what can be told; what cannot stays zero.
func inspectPostgres(ctx context.Context, paths Paths, cfg *Config) PostgresInfo {
	info := PostgresInfo{PGDATA: paths.PGDATA, PgCtl: cfg.PgCtl, Host: cfg.Host, Port: cfg.Port, ProxyPort: cfg.ProxyPort}
	bin, err := postgres.FindFirstBin(cfg.PgCtl)
	if err != nil {
		return info
	}
	info.Version, info.VersionNumber = fmt.Sprintf("%d.%d", bin.Version.Major, bin.Version.Minor), 100*bin.Version.Major+bin.Version.Minor
	info.PgCtl = bin.Path("pg_ctl")
	server := postgres.NewServer(postgres.ServerConfig{Bin: bin, PGDATA: paths.PGDATA, Port: cfg.Port})
	defer server.Close()
	info.PostmasterStatus = server.Status().String()
	if running, found := server.Postmaster(); found {
		info.Pid, info.Port = running.PID, running.Port
		if info.Host == "" {
			info.Host = running.SocketDir
		}
	}
	if control, err := bin.ControlData(ctx, paths.PGDATA); err == nil {
		info.ControlState = string(control.State)
		info.InRecovery = control.State == postgres.StateInArchiveRecovery || control.State == postgres.StateShutDownInRecovery
		info.ControlVersion, info.CatalogVersion = control.ControlVersion, control.CatalogVersion
		info.SystemIdentifier, info.Timeline = control.SystemIdentifier, control.Timeline
		info.CheckpointLSN = control.CheckpointLSN.String()
	}
	return info
}

// Check is `pgaf config check`: the local Postgres, a connection to it, and a
// connection to the monitor. Errors are ExitErrors: ExitBadConfig for a missing or
// stopped Postgres, ExitSQL for its connection, ExitMonitor for the monitor. The
// information is complete as far as it could be read.
func Check(ctx context.Context, pgdata string) (*PostgresInfo, error) {
	paths, cfg, err := nodeFiles(pgdata)
	if err != nil {
		return nil, err
	}
	bin, err := findBin(postgres.FindFirstBin, cfg.PgCtl)
	if err != nil {
		return nil, &ExitError{Code: ExitBadConfig, Err: err}
	}
	info := inspectPostgres(ctx, paths, cfg)
	switch {
	case !postgres.HasCluster(paths.PGDATA):
		return &info, exitf(ExitBadConfig, "PGDATA %s holds no PostgreSQL cluster", paths.PGDATA)
	case info.PostmasterStatus != postgres.Ready.String():
		return &info, exitf(ExitBadConfig, "Postgres is not ready: %s; start it with: pgaf run --pgdata %s", info.PostmasterStatus, paths.PGDATA)
	}
	server := postgres.NewServer(postgres.ServerConfig{Bin: bin, PGDATA: paths.PGDATA, Port: info.Port, SocketDir: socketDir(cfg)})
	defer server.Close()
	if _, err := server.Metadata(ctx); err != nil {
		return &info, exitf(ExitSQL, "connect to the local Postgres: %w", err)
	}
	return &info, checkMonitor(ctx, cfg)
}

func checkMonitor(ctx context.Context, cfg *Config) error {
	if cfg.MonitorDisabled() {
		return nil
	}
	checked := *cfg
	checked.Role, checked.Monitor = RoleKeeper, cfg.MonitorURI()
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	client, err := connectMonitor(ctx, &checked, "pgaf config")
	if err != nil {
		return &ExitError{Code: ExitMonitor, Err: err}
	}
	client.Close(ctx)
	return nil
}

// SetConfig changes one setting of the node's configuration file, publishes a name
// or host name to the monitor, and makes a running service read the file again.
// It returns the value as stored.
func SetConfig(ctx context.Context, pgdata, key, value string) (stored string, err error) {
	paths, cfg, err := nodeFiles(pgdata)
	if err != nil {
		return "", err
	}
	before := *cfg
	if err := cfg.Set(key, value); err != nil {
		return "", err
	}
	if err := publishChange(ctx, paths, &before, cfg); err != nil {
		return "", err
	}
	if err := cfg.SaveFile(paths.Config); err != nil {
		return "", err
	}
	if err := Reload(pgdata); err != nil {
		return "", err
	}
	return cfg.Get(key)
}

// SetMetadata changes how the node is known, in its configuration file and on the
// monitor, and makes a running service read the file again. Empty values and 0 keep
// what is.
func SetMetadata(ctx context.Context, pgdata, name, hostname string, port int) (*Config, error) {
	paths, cfg, err := nodeFiles(pgdata)
	if err != nil {
		return nil, err
	}
	if cfg.MonitorDisabled() || cfg.IsMonitor() {
		return nil, exitf(ExitBadConfig, "%s is not a node of a monitor", paths.PGDATA)
	}
	changed, err := RunOptions{Name: name, Hostname: hostname, Port: port}.merge(cfg)
	if err != nil {
		return nil, err
	}
	if err := publishChange(ctx, paths, cfg, changed); err != nil {
		return nil, err
	}
	if err := changed.SaveFile(paths.Config); err != nil {
		return nil, err
	}
	return changed, Reload(pgdata)
}

// publishChange tells the monitor a new name or address before it is written down:
// the monitor may refuse it.
func publishChange(ctx context.Context, paths Paths, before, after *Config) error {
	if before.IsMonitor() || before.MonitorDisabled() ||
		(before.Name == after.Name && before.Hostname == after.Hostname && before.Port == after.Port) {
		return nil
	}
	state, err := ReadState(paths.State)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	client, err := connectMonitor(ctx, after, "pgaf config")
	if err != nil {
		return &ExitError{Code: ExitMonitor, Err: err}
	}
	defer client.Close(ctx)
	err = client.UpdateNodeMetadata(ctx, state.NodeID, monitor.Metadata{Name: &after.Name, Host: &after.Hostname, Port: &after.Port})
	if err != nil {
		return &ExitError{Code: ExitMonitor, Err: err}
	}
	return nil
}
