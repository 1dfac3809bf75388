package keeper

import (
	"log/slog"
	"time"
)

// SSLOptions is a choice of one: SelfSigned (the default of a new node), None, or the
// user's own files (CertFile and KeyFile).
type SSLOptions struct {
	SelfSigned bool   // make PGDATA/server.crt and server.key
	None       bool   // no TLS at all
	Mode       string // sslmode of clients; "" means require, prefer or verify-full by the choice above
	CAFile     string
	CRLFile    string
	CertFile   string
	KeyFile    string
}

// CreateOptions is what `pgaf create postgres` was told. Empty strings and nil
// pointers mean "not given": a value of an existing configuration file, or the
// default named in the comment, is taken.
type CreateOptions struct {
	PGDATA   string // mandatory
	PgCtl    string // path of pg_ctl; "" finds one
	PgHost   string // directory of the unix socket, or localhost, for the keeper's own connections
	Port     int    // 0: 5432
	Listen   string // "": "*"
	Username string // owner of the database; created as superuser when given
	Database string // "": "postgres", of Citus nodes "citus"

	Name           string // "": the monitor assigns one
	Hostname       string // "": found through the route to the monitor
	Formation      string // "": "default"
	Group          *int   // nil: the monitor assigns one
	NodeKind       string // "": "standalone"; or "coordinator", "worker"
	Cluster        string // "": "default"; name of a Citus read replica cluster
	CitusSecondary bool   // a read replica
	ProxyPort      int    // of a pooler before a worker; 0: none
	Region         string // "": "default"

	Monitor             string // connection string of the monitor, mandatory unless DisableMonitor
	DisableMonitor      bool   // the node is steered by hand
	NodeID              int64  // with DisableMonitor, mandatory then
	MonitorPassword     string // where the connection string has none
	ReplicationPassword string // "": follows from the monitor's, where the method asks for one

	Auth    string // "": scram-sha-256, unless SkipHBA; or trust, md5, cert …
	SkipHBA bool   // do not edit pg_hba.conf, only say what is missing
	HBALan  bool   // also allow applications of the local network

	SSL SSLOptions

	CandidatePriority *int   // nil: 50
	ReplicationQuorum *bool  // nil: true
	MaximumBackupRate string // "": "100M"
	BackupSource      string // "": "primary"; or "standby"
	CloneCommand      string // a program that makes the copy instead of pg_basebackup
	KeepOldPGDATA     bool   // also of every later copy

	Progress func(Progress) `json:"-"` // shows the copy; nil: the log does

	Run     bool     // stay in the foreground as the service once the node is created
	Version string   // of the program, for the pid file
	Options []string // of every command, for the program that replaces the service
	Logger  *slog.Logger

	secured bool // Auth was not chosen: see withDefaults
}

// RunOptions is what `pgaf run` was told. Non-empty values replace those of the
// configuration file and are published to the monitor.
type RunOptions struct {
	PGDATA   string // mandatory
	Name     string
	Hostname string
	Port     int
	Version  string   // of the program, for the pid file
	Options  []string // of every command, for the program that replaces the service
	Logger   *slog.Logger
}

// CreateMonitorOptions is what `pgaf create monitor --pgdata` was told.
type CreateMonitorOptions struct {
	PGDATA   string // mandatory
	PgCtl    string
	Port     int    // 0: 5432
	Listen   string // "": "*"
	Hostname string // "": the name of this machine

	Auth    string // "": scram-sha-256, unless SkipHBA
	SkipHBA bool
	SSL     SSLOptions

	AutoctlNodePassword string   // password of role autoctl_node; "": a random one where the method asks for one
	Formations          []string // created besides "default"

	Run     bool
	Version string
	Options []string
	Logger  *slog.Logger

	secured bool // Auth was not chosen: see withDefaults
}

// DropNodeOptions is what `pgaf drop node --pgdata` was told about a node of
// this machine. (Dropping another machine's node is one call on the monitor.)
type DropNodeOptions struct {
	PGDATA  string
	Destroy bool          // also remove PGDATA and the node's files
	Force   bool          // do not wait for the node's own goodbye
	NoWait  bool          // tell the monitor and return
	Wait    time.Duration // 0: 60 s
	Logger  *slog.Logger
}

// DropMonitorOptions is what `pgaf drop monitor --pgdata` was told.
type DropMonitorOptions struct {
	PGDATA  string
	Destroy bool // also remove PGDATA and the monitor's files
	Logger  *slog.Logger
}
