package keeper

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"pgaf/keeper/postgres"
)

// LocalPostgres is the Postgres of a data folder, with or without a node: what scripts
// ask about before, and beside, a create.
type LocalPostgres struct {
	paths Paths
	cfg   *Config // the defaults where there is no node
	bin   postgres.Bin
}

// LocalPostgresOptions name it. Empty values are those of the node, where there is one.
type LocalPostgresOptions struct {
	PGDATA   string // mandatory
	PgCtl    string
	PgHost   string
	Port     int
	Hostname string
	TLS      *bool // whether clients have to encrypt
}

// FindLocalPostgres reads the configuration of the node and finds the programs. It
// looks at no process.
func FindLocalPostgres(o LocalPostgresOptions) (*LocalPostgres, error) {
	paths, cfg, err := nodeFiles(o.PGDATA)
	if errors.Is(err, ErrNoConfig) {
		cfg, err = NewConfig(RoleKeeper), nil
	}
	if err != nil {
		return nil, err
	}
	err = setAll(cfg, []struct{ key, value string }{
		{"postgresql.pg_ctl", o.PgCtl},
		{"postgresql.host", o.PgHost},
		{"postgresql.port", number(o.Port)},
		{"pg_autoctl.hostname", o.Hostname},
	})
	if err != nil {
		return nil, err
	}
	if o.TLS != nil {
		cfg.SSL.Active = *o.TLS
	}
	bin, err := findBin(postgres.FindFirstBin, cfg.PgCtl)
	if err != nil {
		return nil, err
	}
	return &LocalPostgres{paths: paths, cfg: cfg, bin: bin}, nil
}

// PGDATA is its data folder, absolute.
func (l *LocalPostgres) PGDATA() string { return l.paths.PGDATA }

// PgCtl is the path of its pg_ctl and the version of that.
func (l *LocalPostgres) PgCtl() (path, version string) {
	return l.bin.Path("pg_ctl"), l.bin.Version.Text
}

// Discover tells what can be told without a connection.
func (l *LocalPostgres) Discover(ctx context.Context) (PostgresInfo, error) {
	if !postgres.HasCluster(l.paths.PGDATA) {
		return PostgresInfo{}, exitf(ExitBadConfig, "PGDATA %s holds no PostgreSQL cluster; is --pgdata right?", l.paths.PGDATA)
	}
	return inspectPostgres(ctx, l.paths, l.cfg), nil
}

func (l *LocalPostgres) server() *postgres.Server {
	return postgres.NewServer(postgres.ServerConfig{Bin: l.bin, PGDATA: l.paths.PGDATA, Port: l.cfg.Port, SocketDir: socketDir(l.cfg)})
}

// Ready is nil when Postgres runs and has come so far that it can accept connections.
func (l *LocalPostgres) Ready() error {
	server := l.server()
	defer server.Close()
	if status := server.Status(); !status.Up() {
		return exitf(ExitSQL, "Postgres is not ready on %s: %s", l.paths.PGDATA, status)
	}
	return nil
}

// writable is nil when Postgres answers and is not in recovery.
func (l *LocalPostgres) writable(ctx context.Context) error {
	server := l.server()
	defer server.Close()
	meta, err := server.Metadata(ctx)
	switch {
	case err != nil:
		return exitf(ExitSQL, "ask Postgres whether it accepts writes: %w", err)
	case meta.InRecovery:
		return exitf(ExitSQL, "Postgres on %s is a standby", l.paths.PGDATA)
	}
	return nil
}

// postgresPoll is how often a Postgres is looked at that somebody else starts, perhaps
// in a folder that does not exist yet.
const postgresPoll = 100 * time.Millisecond

// lookLimit bounds one such look.
const lookLimit = 2 * time.Second

// WaitPostgres waits until Postgres is ready, and with writable until it accepts
// writes. One deadline is for all of it.
func WaitPostgres(ctx context.Context, o LocalPostgresOptions, writable bool, timeout time.Duration, log *slog.Logger) error {
	return poll(ctx, timeout, log, func(ctx context.Context) error {
		l, err := FindLocalPostgres(o)
		if err != nil {
			return err
		}
		if err := l.Ready(); err != nil || !writable {
			return err
		}
		return l.writable(ctx)
	})
}

// poll repeats a look until it succeeds. What it still finds is logged when it changes;
// what no waiting mends is returned at once.
func poll(ctx context.Context, timeout time.Duration, log *slog.Logger, look func(context.Context) error) error {
	patient, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var last error
	for {
		looking, done := context.WithTimeout(ctx, lookLimit) // one look is made whatever the timeout
		err := look(looking)
		done()
		code := ExitSQL
		if exit := (*ExitError)(nil); errors.As(err, &exit) {
			code = exit.Code
		}
		if err == nil || code == ExitBadArgs || code == ExitBadConfig {
			return err
		}
		if patient.Err() == nil && (last == nil || last.Error() != err.Error()) {
			logger(log).Info(fmt.Sprintf("waiting up to %s, stop with Ctrl-C: %v", timeout, err))
			last = err
		}
		sleep(patient, postgresPoll)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if patient.Err() != nil {
			if last == nil {
				last = err
			}
			return exitf(code, "after %s: %w", timeout, last)
		}
	}
}

// StartupLog is what Postgres printed when it was started last.
func (l *LocalPostgres) StartupLog() (string, error) {
	content, err := os.ReadFile(filepath.Join(l.paths.PGDATA, postgres.StartupLog))
	if err != nil {
		return "", exitf(ExitBadState, "read what Postgres printed when it was started: %w", err)
	}
	return string(content), nil
}

// Tuning is the part of the settings that is computed from this machine.
func (l *LocalPostgres) Tuning() string {
	kind := postgres.KindStandalone
	if l.cfg.IsMonitor() {
		kind = postgres.KindMonitor
	}
	if testMode() {
		return postgres.TestTuning().Text(kind)
	}
	return postgres.HostTuning(l.paths.PGDATA).Text(kind)
}

// lanPatience bounds the wait for pg_hba.conf, and that for Postgres.
const lanPatience = 60 * time.Second

// AllowLan adds rules to pg_hba.conf by which everybody in the local network may log in
// with an authentication method, and replicate, and makes Postgres read them.
func AllowLan(ctx context.Context, o LocalPostgresOptions, method string, log *slog.Logger) error {
	l, err := FindLocalPostgres(o)
	if err != nil {
		return err
	}
	network, err := l.network(ctx)
	if err != nil {
		return err
	}
	server := l.server()
	defer server.Close()
	file := ""
	err = poll(ctx, lanPatience, log, func(ctx context.Context) error {
		file = hbaFileOf(ctx, server)
		_, err := os.Stat(file)
		return err
	})
	if err != nil {
		return err
	}
	rules := []postgres.HBARule{
		{TLS: l.cfg.SSL.Active, Database: postgres.HBAAll, User: postgres.HBAAll, Address: network, Method: method},
		{TLS: l.cfg.SSL.Active, Database: postgres.HBAReplication, User: replicatorUser, Address: network, Method: method},
	}
	if method == "cert" {
		rules[1].Method = "cert map=pgautofailover"
		ident := filepath.Join(l.paths.PGDATA, "pg_ident.conf")
		if _, err := postgres.EnsureIdent(ident, "pgautofailover", MonitorUser, replicatorUser); err != nil {
			return exitf(ExitBadConfig, "edit %s: %w", ident, err)
		}
	}
	changed, err := postgres.EnsureHBA(file, rules)
	if err != nil {
		return exitf(ExitBadConfig, "edit %s: %w", file, err)
	}
	logger(log).Info("pg_hba.conf lets the local network in", "file", file, "network", network, "method", method, "changed", changed)
	if err := poll(ctx, lanPatience, log, func(context.Context) error { return l.Ready() }); err != nil {
		return err
	}
	if err := server.Reload(); err != nil {
		return &ExitError{Code: ExitPostgres, Err: err}
	}
	return nil
}

// network is the local network in which this node is.
func (l *LocalPostgres) network(ctx context.Context) (string, error) {
	if l.cfg.Hostname == "" {
		return LocalNetwork(ctx)
	}
	network, err := hostNetwork(ctx, l.cfg.Hostname)
	if err != nil {
		return "", exitf(ExitBadArgs, "find the local network: %w; pass --hostname with a name or an address of this machine", err)
	}
	return network, nil
}

// hbaFileOf is where a server reads its access rules.
func hbaFileOf(ctx context.Context, server *postgres.Server) string {
	if server.Status() == postgres.Ready {
		if file, err := server.Setting(ctx, "hba_file"); err == nil && file != "" {
			return file
		}
	}
	return filepath.Join(server.PGDATA(), "pg_hba.conf")
}

// PostmasterOf is the process id of the Postgres of a node or monitor.
func PostmasterOf(pgdata string) (int, error) {
	found, err := FindLocalPostgres(LocalPostgresOptions{PGDATA: pgdata})
	if err != nil {
		return 0, err
	}
	server := found.server()
	defer server.Close()
	running, runs := server.Postmaster()
	if !runs {
		return 0, exitf(ExitPostgres, "Postgres does not run on %s", found.paths.PGDATA)
	}
	return running.PID, nil
}
