package keeper

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Role says what a configuration file is about.
type Role string

const (
	RoleKeeper  Role = "keeper"
	RoleMonitor Role = "monitor"
)

// MonitorDisabled stands in place of the monitor's connection string on a node of
// pg_auto_failover that is driven by hand.
const MonitorDisabled = "PG_AUTOCTL_DISABLED"

// Values that are the same for every monitor.
const (
	MonitorDatabase = "pg_auto_failover"
	MonitorUser     = "autoctl_node"
)

// Config is the configuration file of a node. Its settings, their names in the
// file, defaults and rules are in the one table of settings.go.
type Config struct {
	Role Role

	Monitor         string // connection string of the monitor
	MonitorPassword string
	Formation       string
	Group           int // -1 until registered
	Name            string
	Hostname        string
	NodeKind        string

	AutoctlNodePassword string // monitor only

	PGDATA          string
	PgCtl           string
	Username        string
	Database        string
	Host            string
	Port            int
	ProxyPort       int
	ListenAddresses string
	AuthMethod      string
	HBALevel        string // skip, minimal or app

	SSL struct {
		Active   bool
		Mode     string
		CAFile   string
		CRLFile  string
		CertFile string
		KeyFile  string
	}

	Replication struct {
		MaximumBackupRate string
		BackupDirectory   string
		BackupSource      string // primary or standby: whom a base backup is taken from
		CloneCommand      string // makes a copy of the primary instead of pg_basebackup
		KeepOldPGDATA     bool   // beside the copy that replaces it
		Password          string
	}

	Timeout struct {
		NetworkPartition          time.Duration
		HandOver                  time.Duration
		PreparePromotionCatchup   time.Duration
		PreparePromotionReceiver  time.Duration
		RestartFailure            time.Duration
		RestartFailureMaxRetries  int
		ListenNotifications       time.Duration
		CitusUpdateNodeLock       time.Duration
		CitusCoordinatorMaxRetry  int
		CitusCoordinatorWaitLimit time.Duration
	}

	Citus struct {
		Role        string
		ClusterName string
	}
}

// NewConfig returns the default configuration of a node.
func NewConfig(role Role) *Config {
	c := &Config{}
	for _, s := range settings {
		if s.roles.has(role) {
			// The defaults of the table are valid: a test sets each of them.
			_ = s.set(c, s.fallback)
		}
	}
	c.Role = role
	return c
}

// ErrNoConfig is wrapped by the error of Load when there is no configuration file.
var ErrNoConfig = errors.New("no configuration file")

// Load reads the configuration of the node whose data folder is pgdata.
func Load(pgdata string) (*Config, error) {
	paths, err := PathsOf(pgdata)
	if err != nil {
		return nil, err
	}
	return LoadFile(paths.Config)
}

// LoadFile reads the configuration file at path.
func LoadFile(path string) (*Config, error) {
	content, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, exitf(ExitBadArgs, "%w at %s: is --pgdata right? A node is made by: pgaf create postgres (or monitor)", ErrNoConfig, path)
	}
	if errors.Is(err, os.ErrPermission) {
		return nil, exitf(ExitBadConfig, "read the configuration: %w; run it as the user who owns the node", err)
	}
	if err != nil {
		return nil, exitf(ExitBadConfig, "read the configuration: %w", err)
	}
	c, err := parseConfig(content)
	if err != nil {
		return nil, exitf(ExitBadConfig, "configuration file %s: %w; correct it there, a copy of its lines is printed by: pgaf show file --config --contents", path, err)
	}
	return c, nil
}

// Save writes the configuration file of the node whose data folder is c.PGDATA.
func (c *Config) Save() error {
	paths, err := PathsOf(c.PGDATA)
	if err != nil {
		return err
	}
	return c.SaveFile(paths.Config)
}

// SaveFile writes the configuration to path, atomically.
func (c *Config) SaveFile(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return exitf(ExitBadConfig, "write the configuration: %w", err)
	}
	// Passwords are in the file: it is for its owner only.
	if err := writeFileAtomically(path, c.INI(), 0o600); err != nil {
		return exitf(ExitBadConfig, "write the configuration: %w", err)
	}
	return nil
}

// Section is one section of the configuration file.
type Section struct {
	Name    string
	Options []Option
}

// Option is one line of the configuration file with its effective value. Integer
// says that JSON shows the value as a number.
type Option struct {
	Name    string
	Value   string
	Integer bool
}

// Sections lists the configuration in the order of the file.
func (c *Config) Sections() []Section {
	var sections []Section
	at := map[string]int{}
	for _, s := range settings {
		if !s.roles.has(c.Role) {
			continue
		}
		i, found := at[s.section]
		if !found {
			i = len(sections)
			at[s.section] = i
			sections = append(sections, Section{Name: s.section})
		}
		sections[i].Options = append(sections[i].Options, Option{Name: s.key, Value: s.get(c), Integer: s.integer})
	}
	return sections
}

// MarshalJSON shows the configuration as an object of sections.
func (c *Config) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, section := range c.Sections() {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "%q:{", section.Name)
		first := true
		for _, option := range section.Options {
			if option.Value == "" {
				continue
			}
			if !first {
				b.WriteByte(',')
			}
			first = false
			value := []byte(option.Value)
			if !option.Integer {
				var err error
				if value, err = json.Marshal(option.Value); err != nil {
					return nil, err
				}
			}
			fmt.Fprintf(&b, "%q:%s", option.Name, value)
		}
		b.WriteByte('}')
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// ConfigKeys lists the settings of a role in the order of the file.
func ConfigKeys(role Role) []string {
	var keys []string
	for _, s := range settings {
		if s.roles.has(role) {
			keys = append(keys, s.Name())
		}
	}
	return keys
}

// Get returns the value of a setting as the file shows it; key is
// "section.option". An unknown key is an ExitError with ExitBadArgs.
func (c *Config) Get(key string) (string, error) {
	s, err := c.find(key)
	if err != nil {
		return "", err
	}
	return s.get(c), nil
}

// Set changes a setting after checking its value; the caller saves the file. A
// setting that cannot change once the node exists is refused. Errors are
// ExitErrors with ExitBadConfig.
func (c *Config) Set(key, value string) error {
	s, err := c.find(key)
	if err != nil {
		return exitf(ExitBadConfig, "%w", err)
	}
	if s.reload == neverChanges && value != s.get(c) {
		return exitf(ExitBadConfig, "%s cannot change once the node exists (it is %q); %s", s.Name(), s.get(c), fixedBecause[s.key])
	}
	if strings.ContainsAny(value, "\r\n") {
		return exitf(ExitBadConfig, "%s: a value is one line", s.Name())
	}
	changed := *c
	if err := s.set(&changed, strings.TrimSpace(value)); err != nil {
		return exitf(ExitBadConfig, "%s: %w", s.Name(), err)
	}
	if s.required && s.get(&changed) == "" {
		return exitf(ExitBadConfig, "%s must not be empty", s.Name())
	}
	*c = changed
	return nil
}

// fixedBecause says of settings that never change why, or what to do instead.
var fixedBecause = map[string]string{
	"role":      "a node and a monitor are different things: make the other one with pgaf create",
	"formation": "drop the node, and create it anew with --formation",
	"group":     "the monitor assigns it when a node registers",
	"pgdata":    "the place of this file follows from it: stop the node, drop it, and create it anew with the other --pgdata",
}

// TakesRestart says whether a change of a setting waits for a restart of the node's service.
func TakesRestart(key string) bool {
	_, option, _ := strings.Cut(key, ".")
	for _, s := range settings {
		if s.Name() == key || s.section == roleSection && "pgaf."+option == key && s.key == option {
			return s.reload == onRestart
		}
	}
	return false
}

func (c *Config) find(key string) (setting, error) {
	section, option, _ := strings.Cut(key, ".")
	if section == "pgaf" {
		section = roleSection
	}
	for _, s := range settings {
		if s.section == section && s.key == option && s.roles.has(c.Role) {
			return s, nil
		}
	}
	return setting{}, exitf(ExitBadArgs, "there is no setting %q; did you mean %s? List them all with: pgaf config get", key, nearestKey(c.Role, section+"."+option))
}

// nearestKey is the known key with the smallest edit distance from key.
func nearestKey(role Role, key string) string {
	best, least := "", 0
	for _, known := range ConfigKeys(role) {
		if d := editDistance(key, known); best == "" || d < least {
			best, least = known, d
		}
	}
	return best
}

func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			substitution := diagonal
			if a[i] != b[j] {
				substitution++
			}
			diagonal = row[j+1]
			row[j+1] = min(substitution, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// IsMonitor says whether the file is that of a monitor.
func (c *Config) IsMonitor() bool { return c.Role == RoleMonitor }

// MonitorDisabled says whether the node is one that no monitor steers.
func (c *Config) MonitorDisabled() bool { return c.Monitor == MonitorDisabled }

// MonitorURI is the connection string of the monitor that users and other nodes
// take, with its password: the stored one on a data node, the published one on the
// monitor itself.
func (c *Config) MonitorURI() string {
	if c.Role == RoleKeeper {
		return withPassword(c.Monitor, c.MonitorPassword)
	}
	uri := url.URL{Scheme: "postgres", User: url.User(MonitorUser), Host: net.JoinHostPort(c.Hostname, strconv.Itoa(c.Port)), Path: "/" + MonitorDatabase}
	if c.AutoctlNodePassword != "" {
		uri.User = url.UserPassword(MonitorUser, c.AutoctlNodePassword)
	}
	query := "sslmode=" + c.SSL.Mode
	if c.SSL.Mode == "verify-ca" || c.SSL.Mode == "verify-full" {
		if c.SSL.CAFile != "" {
			query += "&sslrootcert=" + url.QueryEscape(c.SSL.CAFile)
		}
		if c.SSL.CRLFile != "" {
			query += "&sslcrl=" + url.QueryEscape(c.SSL.CRLFile)
		}
	}
	uri.RawQuery = query
	return uri.String()
}

// LocalMonitorURI is the connection string with which a command on the monitor's
// own machine reaches it: the published one, because pg_hba.conf surely allows it.
// On a data node it is the stored one.
func (c *Config) LocalMonitorURI() string { return c.MonitorURI() }
