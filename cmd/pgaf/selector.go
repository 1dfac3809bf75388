package main

import (
	"context"
	"net/url"
	"strings"

	"pgaf/keeper"
	"pgaf/monitor"
)

// nodeSelector says which monitor a command talks to: the one named by
// --monitor, or the one that the node at --pgdata belongs to (or is).
type nodeSelector struct {
	PGData  string `name:"pgdata" short:"D" env:"PGDATA" placeholder:"DIR" help:"Data folder of a node or of the monitor."`
	Monitor string `name:"monitor" short:"m" env:"PG_AUTOCTL_MONITOR" placeholder:"URI" help:"Connection string of the monitor."`
}

// target is the monitor that a selector found, with the defaults that the node
// at --pgdata gives.
type target struct {
	uri       string
	config    *keeper.Config // of the node at --pgdata; nil with --monitor
	formation string
	group     *int // nil for every group
}

// resolve finds the monitor without connecting to it. Given formation and
// group win over those of the node.
func (s nodeSelector) resolve(a *app, formation string, group *int) (target, error) {
	t := target{formation: formation, group: group}
	if s.Monitor != "" {
		if a.given["pgdata"] {
			a.log.Warn("--pgdata is ignored: the monitor is named by --monitor or PG_AUTOCTL_MONITOR")
		}
		if err := checkMonitorURI(s.Monitor); err != nil {
			return target{}, err
		}
		t.uri = s.Monitor
		t.formation = orDefault(formation, "default")
		return t, nil
	}
	if s.PGData == "" {
		return target{}, usageError("pass --pgdata DIR or --monitor URI, or set PGDATA or PG_AUTOCTL_MONITOR",
			"which monitor? neither --pgdata nor --monitor is given")
	}
	config, err := keeper.Load(s.PGData)
	if err != nil {
		return target{}, err
	}
	t.config = config
	if config.IsMonitor() {
		t.uri = config.LocalMonitorURI()
		t.formation = orDefault(formation, "default")
		return t, nil
	}
	if config.MonitorDisabled() {
		return target{}, failure(exitBadConfig, "pass --monitor URI",
			"the node at %s has its monitor disabled", s.PGData)
	}
	t.uri = config.MonitorURI()
	t.formation = orDefault(formation, config.Formation)
	if group == nil && config.Group >= 0 && t.formation == config.Formation {
		t.group = &config.Group
	}
	return t, nil
}

// connect opens a connection to the monitor and checks that it is one of ours.
func (t target) connect(ctx context.Context) (*monitor.Client, error) {
	client, err := monitor.Connect(ctx, t.uri, monitor.WithApplicationName("pgaf"))
	if err != nil {
		return nil, onMonitor(err)
	}
	if err := client.CheckVersion(ctx); err != nil {
		client.Close(ctx)
		return nil, onMonitor(err)
	}
	return client, nil
}

// ask resolves the selector, connects, and calls f with the connection.
func (s nodeSelector) ask(a *app, formation string, group *int, f func(context.Context, *monitor.Client, target) error) error {
	t, err := s.resolve(a, formation, group)
	if err != nil {
		return err
	}
	ctx, stop := a.interruptible()
	defer stop()
	client, err := t.connect(ctx)
	if err != nil {
		return err
	}
	defer client.Close(context.WithoutCancel(ctx))
	return onMonitor(f(ctx, client, t))
}

// isKeeper reports whether the target was found through a data node.
func (t target) isKeeper() bool { return t.config != nil && !t.config.IsMonitor() }

// clientSSL is how clients of the group connect: as the node is configured, or
// as the given monitor URI connects.
func (t target) clientSSL() monitor.URIOptions {
	if t.config != nil {
		options := monitor.URIOptions{SSLMode: t.config.SSL.Mode}
		if strings.HasPrefix(options.SSLMode, "verify-") {
			options.SSLRootCert, options.SSLCRL = t.config.SSL.CAFile, t.config.SSL.CRLFile
		}
		return options
	}
	_, query, _ := strings.Cut(t.uri, "?")
	values, err := url.ParseQuery(query)
	if err != nil {
		return monitor.URIOptions{}
	}
	return monitor.URIOptions{SSLMode: values.Get("sslmode"), SSLRootCert: values.Get("sslrootcert"), SSLCRL: values.Get("sslcrl")}
}

func orDefault(value, otherwise string) string {
	if value == "" {
		return otherwise
	}
	return value
}
