package keeper

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"pgaf/keeper/killpoint"
	"pgaf/keeper/postgres"
	"pgaf/monitor"
)

// node is one data node: what the goroutines of its keeper share. The executor
// owns the node's state and publishes a copy of it with publish.
type node struct {
	paths  Paths
	bin    postgres.Bin
	server *postgres.Server
	log    *slog.Logger
	link   *link

	manager *serviceManager // of the process, when it is the node's service

	config atomic.Pointer[Config]

	mu      sync.Mutex
	current view

	looking sync.Mutex // looks at Postgres do not overlap

	// Work that no transition waits for; it ends with the node's life.
	background sync.WaitGroup
	life       context.Context
	die        context.CancelFunc

	received        atomic.Int32  // highest timeline of which this standby received WAL
	changes         chan change   // of the state, by a job
	acked           atomic.Int64  // instant of the lease, for jobs
	promised        atomic.Uint64 // the position reported in state report_lsn
	timeline        atomic.Int64  // the number to begin at a promotion that is being prepared; 0: none was asked for
	rewinding       trouble       // of pg_rewind, for unknown reasons
	standbys        trouble       // of standbys that could be copied and do not let us in
	cloned          atomic.Bool   // the data was made by the clone command and has not streamed yet
	activity        activity
	secured         bool                           // a create for which nobody chose how to log in
	settingsDue     atomic.Bool                    // those of the configuration have changed, and Postgres is to take them
	onProgress      func(Progress)                 // shows copies; nil: the log does
	hbaLoaded       atomic.Bool                    // Postgres has read pg_hba.conf since this keeper looks after it
	wanted          atomic.Pointer[map[string]int] // settings of the group, for this node now
	settingsFailure atomic.Value                   // string: why they are not in effect
	missingRules    sync.Map                       // lines of pg_hba.conf that the operator was told to add
}

// view is what the executor publishes of its state.
type view struct {
	State
	Restarts   restarts
	Restoring  bool    // Postgres should run here, and attempts to start it go on
	Restarting instant // since when it is restarted for its settings; 0: it is not
}

func (n *node) publish(v view) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.current = v
}

func (n *node) view() view {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.current
}

// cfg is the present configuration. It is never changed in place.
func (n *node) cfg() *Config { return n.config.Load() }

// newNode opens nothing and starts nothing.
func newNode(paths Paths, cfg *Config, bin postgres.Bin, log *slog.Logger) *node {
	killpoint.Postgres(paths.PGDATA)
	n := &node{paths: paths, bin: bin, log: log, manager: &serviceManager{}, changes: make(chan change)}
	n.life, n.die = context.WithCancel(context.Background())
	n.config.Store(cfg)
	n.server = postgres.NewServer(n.serverConfig(cfg))
	n.link = newLink(n)
	return n
}

func (n *node) serverConfig(cfg *Config) postgres.ServerConfig {
	return postgres.ServerConfig{
		Bin:             n.bin,
		PGDATA:          n.paths.PGDATA,
		Port:            cfg.Port,
		ListenAddresses: cfg.ListenAddresses,
		SocketDir:       socketDir(cfg),
		Logger:          n.log,
	}
}

// change is what a job has to have noted in the state file before it goes on.
type change struct {
	f    func(*State)
	done chan struct{}
}

// note changes the state and returns once that is on disk.
func (n *node) note(ctx context.Context, f func(*State)) error {
	c := change{f: f, done: make(chan struct{})}
	select {
	case n.changes <- c:
	case <-ctx.Done():
		return ctx.Err()
	}
	<-c.done
	return nil
}

// close gives up connections and watches; Postgres goes on running.
func (n *node) close() {
	n.die()
	n.background.Wait()
	n.server.Close()
}

// upstream describes how this node connects to another one for replication.
func (n *node) upstream(peer monitor.PeerNode) postgres.Upstream {
	cfg, id := n.cfg(), n.view().NodeID
	u := postgres.Upstream{
		Host:            peer.Host,
		Port:            peer.Port,
		User:            replicatorUser,
		Password:        cfg.Replication.Password,
		Database:        cfg.Database,
		ApplicationName: postgres.SlotName(id),
		Slot:            postgres.SlotName(id),
		SSLMode:         cfg.SSL.Mode,
	}
	if cfg.SSL.Mode == "verify-ca" || cfg.SSL.Mode == "verify-full" {
		u.SSLRootCert, u.SSLCRL = cfg.SSL.CAFile, cfg.SSL.CRLFile
	}
	return u
}

// The roles that every data node has.
const (
	replicatorUser = "pgautofailover_replicator" // standbys; superuser, for pg_rewind
	monitorUser    = "pgautofailover_monitor"    // health checks
)

// errNoPrimary means that the group has nobody to follow right now.
var errNoPrimary = errors.New("the group has no primary to follow right now")

// primary asks the monitor for the node to follow.
func (n *node) primary(ctx context.Context) (monitor.PeerNode, error) {
	if n.cfg().MonitorDisabled() {
		return n.manualPrimary()
	}
	var peer monitor.PeerNode
	v := n.view()
	err := n.link.do(ctx, func(ctx context.Context, c *monitor.Client) (err error) {
		peer, err = c.Primary(ctx, n.cfg().Formation, v.GroupID)
		return err
	})
	if err != nil {
		return peer, fmt.Errorf("ask the monitor for the primary: %w", err)
	}
	if peer.ID == v.NodeID {
		return peer, errNoPrimary
	}
	return peer, nil
}

// peers asks the monitor for the other nodes of the group.
func (n *node) peers(ctx context.Context) ([]monitor.PeerNode, error) {
	if n.cfg().MonitorDisabled() {
		return n.manualPeers()
	}
	var peers []monitor.PeerNode
	err := n.link.do(ctx, func(ctx context.Context, c *monitor.Client) (err error) {
		peers, err = c.OtherNodes(ctx, n.view().NodeID)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("ask the monitor for the other nodes: %w", err)
	}
	return peers, nil
}

// secondaries asks the monitor for the standbys of the group that have caught up.
func (n *node) secondaries(ctx context.Context) ([]monitor.PeerNode, error) {
	var peers []monitor.PeerNode
	err := n.link.do(ctx, func(ctx context.Context, c *monitor.Client) (err error) {
		peers, err = c.OtherNodesAssigned(ctx, n.view().NodeID, monitor.StateSecondary)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("ask the monitor for the standbys: %w", err)
	}
	return peers, nil
}

// syncNames asks the monitor for the value of synchronous_standby_names. A node that was
// replaced while it was frozen or cut off is refused: the names of its successor would
// acknowledge commits here that no standby has.
func (n *node) syncNames(ctx context.Context) (names string, err error) {
	if n.cfg().MonitorDisabled() {
		return n.manualSyncNames()
	}
	var primary int64
	err = n.link.do(ctx, func(ctx context.Context, c *monitor.Client) (err error) {
		primary, names, err = c.PrimaryAndNames(ctx, n.cfg().Formation, n.view().GroupID)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("ask the monitor for synchronous_standby_names: %w", err)
	}
	if primary != n.view().NodeID {
		return "", fmt.Errorf("%w: node %d is the primary now", errWaiting, primary)
	}
	return names, nil
}
