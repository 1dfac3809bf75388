package nodefile

// DefaultPath is where the file of a container is.
const DefaultPath = "/etc/pgaf/node.ini"

// Kinds of nodes.
const (
	KindMonitor  = "monitor"
	KindPostgres = "postgres"
)

// When a step of the start is made.
const (
	Immediate = "immediate"
	Deferred  = "deferred" // once the file says immediate
)

// Ways to encrypt.
const (
	SSLSelfSigned = "self-signed"
	SSLOff        = "off"
)

// File is what a valid node file says, defaults included.
type File struct {
	Path string

	Kind     string
	Name     string // "": the monitor chooses
	Hostname string // "": found through the route to the monitor
	Port     int
	PGDATA   string

	MonitorURI string
	NoMonitor  bool
	NodeID     int
	Formation  string
	Group      int

	CandidatePriority int
	ReplicationQuorum bool
	Region            string // "": not said

	SSL           string
	Auth          string
	HBALan        bool
	DebianCluster string
	CAFile        string
	CertFile      string
	KeyFile       string

	LaunchCreate string
	LaunchRun    string

	AutoctlNodePassword string
	MonitorPassword     string
	ReplicationPassword string

	CitusRole    string
	CitusCluster string

	Formations []Formation // of a monitor

	lines map[string]int // of the keys that the file has
}

// Formation is a section [formation NAME] of a monitor.
type Formation struct {
	Name            string
	Kind            string
	Secondary       bool
	NumSyncStandbys int

	lines map[string]int
}

// Has says whether the file itself has a key, "section.key".
func (f *File) Has(key string) bool { return f.lines[key] > 0 }

// Has says whether the section itself has a key.
func (f Formation) Has(key string) bool { return f.lines[key] > 0 }

// IsMonitor says whether the file is that of a monitor.
func (f *File) IsMonitor() bool { return f.Kind == KindMonitor }

func defaults(path string) *File {
	f := &File{Path: path, lines: map[string]int{}}
	for _, k := range keys {
		_ = k.set(f, k.fallback) // valid: a test parses each
	}
	return f
}
