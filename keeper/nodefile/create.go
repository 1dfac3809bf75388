package nodefile

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"

	"pgaf/keeper"
)

// Program is what the service needs to know of the program that runs it.
type Program struct {
	Version  string
	Options  []string // of every command
	Progress func(keeper.Progress)
	Logger   *slog.Logger
}

// Exists says whether the node of the file was created before. It is an error when its
// folder holds a node of another kind.
func (f *File) Exists() (bool, error) {
	paths, err := keeper.PathsOf(f.PGDATA)
	if err != nil {
		return false, err
	}
	cfg, err := keeper.LoadFile(paths.Config)
	if errors.Is(err, keeper.ErrNoConfig) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if cfg.IsMonitor() != f.IsMonitor() {
		return false, &keeper.ExitError{Code: keeper.ExitBadConfig, Err: fmt.Errorf("%s holds a node of another kind than %s says (node.kind = %s)", f.PGDATA, f.Path, f.Kind)}
	}
	// An unfinished create is gone on with.
	_, err = os.Stat(paths.Init)
	return errors.Is(err, fs.ErrNotExist), nil
}

// Create makes the node, and with run stays as its service.
func (f *File) Create(ctx context.Context, p Program, run bool) error {
	ssl, err := f.sslOptions()
	if err != nil {
		return err
	}
	if f.IsMonitor() {
		return keeper.CreateMonitor(ctx, keeper.CreateMonitorOptions{
			PGDATA: f.PGDATA, Port: f.Port, Hostname: f.Hostname, Auth: f.Auth, SSL: ssl,
			AutoctlNodePassword: f.AutoctlNodePassword,
			Run:                 run, Version: p.Version, Options: p.Options, Logger: p.Logger,
		})
	}
	return keeper.Create(ctx, keeper.CreateOptions{
		PGDATA: f.PGDATA, Port: f.Port, Name: f.Name, Hostname: f.Hostname,
		Formation: f.Formation, Group: f.group(), NodeKind: f.nodeKind(), Cluster: f.CitusCluster, Region: f.Region,
		Monitor: f.MonitorURI, DisableMonitor: f.NoMonitor, NodeID: int64(f.NodeID), MonitorPassword: f.MonitorPassword, ReplicationPassword: f.ReplicationPassword,
		Auth: f.Auth, HBALan: f.HBALan, SSL: ssl,
		CandidatePriority: &f.CandidatePriority, ReplicationQuorum: &f.ReplicationQuorum,
		Progress: p.Progress, Run: run, Version: p.Version, Options: p.Options, Logger: p.Logger,
	})
}

// Run is the service of a node that exists.
func (f *File) Run(ctx context.Context, p Program) error {
	if _, err := f.sslOptions(); err != nil { // a key that was renewed
		return err
	}
	return keeper.Run(ctx, keeper.RunOptions{PGDATA: f.PGDATA, Version: p.Version, Options: p.Options, Logger: p.Logger})
}

func (f *File) nodeKind() string {
	if f.Kind == KindPostgres {
		return "standalone"
	}
	return f.Kind
}

// group is nil where the file leaves it to the monitor.
func (f *File) group() *int {
	if !f.Has("formation.group") {
		return nil
	}
	return &f.Group
}

func (f *File) sslOptions() (keeper.SSLOptions, error) {
	switch {
	case f.SSL == SSLOff:
		return keeper.SSLOptions{None: true}, nil
	case strings.HasPrefix(f.SSL, "verify-"):
		key, err := f.usableKey()
		return keeper.SSLOptions{Mode: f.SSL, CAFile: f.CAFile, CertFile: f.CertFile, KeyFile: key}, err
	}
	return keeper.SSLOptions{SelfSigned: true}, nil
}
