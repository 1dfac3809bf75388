package keeper

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"pgaf/keeper/postgres"
	"pgaf/monitor"
)

// SetSSLOptions is what `pgaf enable ssl` and `pgaf disable ssl` were told.
type SetSSLOptions struct {
	PGDATA string
	SSL    SSLOptions // disable ssl: None
	Logger *slog.Logger
}

// sslChange is one change of how the connections of a node or a monitor are encrypted.
type sslChange struct {
	paths  Paths
	cfg    *Config // as it will be
	before *Config
	bin    postgres.Bin
	server *postgres.Server
	log    *slog.Logger
}

// SetSSL changes how the connections of a node or a monitor are encrypted, while they
// serve: nothing is restarted. It looks first whether the other side goes along, and
// changes nothing where it does not.
func SetSSL(ctx context.Context, o SetSSLOptions) error {
	if err := RefuseRoot(); err != nil {
		return err
	}
	paths, cfg, err := nodeFiles(o.PGDATA)
	if err != nil {
		return err
	}
	if !o.SSL.SelfSigned && !o.SSL.None && o.SSL.CertFile == "" {
		return exitf(ExitBadArgs, "how shall connections be encrypted? pass --ssl-self-signed, or --server-cert and --server-key")
	}
	if err := o.SSL.check(cfg); err != nil {
		return err
	}
	c := &sslChange{paths: paths, before: cfg, log: logger(o.Logger)}
	changed := *cfg
	c.cfg = &changed
	if err := o.SSL.apply(c.cfg); err != nil {
		return err
	}
	if c.cfg.AuthMethod == "cert" && c.cfg.SSL.CAFile == "" {
		return exitf(ExitBadConfig, "this node lets others in by their certificates (auth_method cert), which an authority has to vouch for; pass --ssl-ca-file, --server-cert and --server-key")
	}
	if c.bin, err = findBin(postgres.FindFirstBin, cfg.PgCtl); err != nil {
		return err
	}
	c.server = postgres.NewServer(postgres.ServerConfig{Bin: c.bin, PGDATA: paths.PGDATA, Port: cfg.Port, SocketDir: socketDir(cfg), Logger: c.log})
	defer c.server.Close()
	if err := c.inspect(ctx); err != nil {
		return err
	}
	return c.apply(ctx)
}

// inspect refuses a change that would not take, or would cut this node off.
func (c *sslChange) inspect(ctx context.Context) error {
	if err := checkCertificate(c.cfg, c.paths.PGDATA); err != nil {
		return err
	}
	if err := c.inspectOwnSettings(ctx); err != nil {
		return err
	}
	if c.cfg.IsMonitor() || c.cfg.MonitorDisabled() {
		return nil
	}
	c.cfg.Monitor = withSSL(c.cfg.Monitor, c.cfg)
	asking, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	client, err := connectMonitor(asking, c.cfg, "pgaf ssl")
	if err != nil {
		return exitf(ExitMonitor, "with sslmode %s this node would not reach its monitor: %w; change it on the monitor first", c.cfg.SSL.Mode, err)
	}
	defer client.Close(context.WithoutCancel(ctx))
	return c.inspectPrimary(asking, client)
}

// checkCertificate refuses files that Postgres would refuse.
func checkCertificate(cfg *Config, pgdata string) error {
	if !cfg.SSL.Active || cfg.SSL.CertFile == filepath.Join(pgdata, "server.crt") {
		return nil
	}
	if _, err := tls.LoadX509KeyPair(cfg.SSL.CertFile, cfg.SSL.KeyFile); err != nil {
		return exitf(ExitBadArgs, "%s and %s are no certificate and its key: %w; pass files in PEM format that belong together", cfg.SSL.CertFile, cfg.SSL.KeyFile, err)
	}
	info, err := os.Stat(cfg.SSL.KeyFile)
	if err == nil && info.Mode().Perm()&0o077 != 0 {
		return exitf(ExitBadArgs, "others may read the key %s (mode %04o), which Postgres refuses; chmod 600 %s", cfg.SSL.KeyFile, info.Mode().Perm(), cfg.SSL.KeyFile)
	}
	return nil
}

// inspectOwnSettings refuses a change that a setting of the user would undo.
func (c *sslChange) inspectOwnSettings(ctx context.Context) error {
	if !postgres.HasCluster(c.paths.PGDATA) {
		return nil
	}
	wanted := onOff(c.cfg.SSL.Active)
	future, err := c.bin.OwnSetting(ctx, c.paths.PGDATA, "ssl", wanted)
	if err != nil {
		return exitf(ExitPostgres, "read the settings of Postgres: %w", err)
	}
	if future != wanted {
		return exitf(ExitBadConfig, "ssl is set to %s in postgresql.conf or by ALTER SYSTEM, and your own settings are not overwritten; remove it from %s, or from postgresql.auto.conf with ALTER SYSTEM RESET ssl",
			future, filepath.Join(c.paths.PGDATA, "postgresql.conf"))
	}
	return nil
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

// inspectPrimary refuses to cut a standby off from a primary that does not encrypt, and
// tells a primary who cannot come back without.
func (c *sslChange) inspectPrimary(ctx context.Context, client *monitor.Client) error {
	state, err := ReadState(c.paths.State)
	if err != nil {
		return err
	}
	primary, err := client.Primary(ctx, c.cfg.Formation, state.GroupID)
	if err != nil {
		return nil // nobody to be cut off from
	}
	if primary.ID == state.NodeID {
		if !c.cfg.SSL.Active {
			c.log.Warn("standbys whose sslmode is require or more cannot connect to this primary again; disable ssl on them first")
		}
		return nil
	}
	n := newNode(c.paths, c.cfg, c.bin, c.log)
	defer n.close()
	n.publish(view{State: state})
	if _, err := n.identify(ctx, primary); err != nil {
		return exitf(ExitKeeper, "with sslmode %s this standby would not reach its primary %s: %w; change it on the primary first", c.cfg.SSL.Mode, primary.Name, err)
	}
	return nil
}

// apply makes the change.
func (c *sslChange) apply(ctx context.Context) error {
	if err := ensureCertificate(c.cfg, c.paths.PGDATA); err != nil {
		return &ExitError{Code: ExitPostgres, Err: err}
	}
	if err := c.cfg.SaveFile(c.paths.Config); err != nil {
		return err
	}
	if err := Signal(c.paths.PGDATA, reloadSignal); errors.Is(err, os.ErrNotExist) {
		c.log.Info("the service does not run; the change is taken when it is started", "ssl", onOff(c.cfg.SSL.Active), "sslmode", c.cfg.SSL.Mode)
		return nil
	} else if err != nil {
		return err
	}
	if err := c.awaitTaken(ctx); err != nil {
		return err
	}
	c.log.Info("connections are encrypted as asked", "ssl", onOff(c.cfg.SSL.Active), "sslmode", c.cfg.SSL.Mode)
	return nil
}

// sslPatience is how long a service may take to apply the change.
const sslPatience = 15 * time.Second

// awaitTaken waits until the service has made Postgres take the change.
func (c *sslChange) awaitTaken(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, sslPatience)
	defer cancel()
	wanted := map[string]string{"ssl": onOff(c.cfg.SSL.Active)}
	if c.cfg.SSL.Active {
		wanted["ssl_cert_file"] = c.cfg.SSL.CertFile
	}
	for {
		if !c.server.Status().Running() {
			return nil // it takes it when it is started
		}
		now, err := c.server.Settings(ctx, []string{"ssl", "ssl_cert_file"})
		taken := err == nil
		for name, value := range wanted {
			taken = taken && now[name] == value
		}
		if taken {
			return nil
		}
		if ctx.Err() != nil {
			return exitf(ExitReload, "the configuration is changed, and Postgres has not taken it within %s; the log of the service says why", sslPatience)
		}
		sleep(ctx, lookInterval/20)
	}
}

// withSSL is a connection string with the sslmode of a configuration.
func withSSL(uri string, cfg *Config) string {
	head, query, _ := strings.Cut(uri, "?")
	var pairs []string
	if query != "" {
		pairs = slices.DeleteFunc(strings.Split(query, "&"), func(pair string) bool {
			key, _, _ := strings.Cut(pair, "=")
			return key == "sslmode" || key == "sslrootcert" || key == "sslcrl"
		})
	}
	pairs = append(pairs, "sslmode="+cfg.SSL.Mode)
	if strings.HasPrefix(cfg.SSL.Mode, "verify-") {
		for _, file := range []struct{ key, name string }{{"sslrootcert", cfg.SSL.CAFile}, {"sslcrl", cfg.SSL.CRLFile}} {
			if file.name != "" {
				pairs = append(pairs, file.key+"="+url.QueryEscape(file.name))
			}
		}
	}
	return head + "?" + strings.Join(pairs, "&")
}
