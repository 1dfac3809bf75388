package keeper

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strings"

	"pgaf/keeper/killpoint"
	"pgaf/keeper/postgres"
	"pgaf/monitor"
)

// Who may connect to this node: pg_hba.conf and the server's certificate.

// authSkip in the configuration means that pg_hba.conf is the operator's.
const authSkip = "skip"

// peerRules let the other nodes replicate from this one and rewind to it.
func (n *node) peerRules(ctx context.Context, peers []monitor.PeerNode) []postgres.HBARule {
	cfg := n.cfg()
	method := hbaMethod(cfg)
	var rules []postgres.HBARule
	for _, peer := range peers {
		address, warning := postgres.HBAAddress(ctx, peer.Host)
		if warning != "" {
			n.log.Warn("address of "+peer.Name+" in pg_hba.conf", "address", address, "reason", warning)
		}
		for _, database := range []string{postgres.HBAReplication, cfg.Database} {
			rules = append(rules, postgres.HBARule{TLS: cfg.SSL.Active, Database: database, User: replicatorUser, Address: address, Method: method})
		}
	}
	return rules
}

func hbaMethod(cfg *Config) string {
	switch cfg.AuthMethod {
	case "cert":
		return "cert map=pgautofailover"
	case authSkip, "":
		return "trust"
	}
	return cfg.AuthMethod
}

// monitorRules let the monitor check the health of this node. Always trust: the
// role may do nothing but connect.
func (n *node) monitorRules(ctx context.Context) ([]postgres.HBARule, error) {
	cfg := n.cfg()
	if cfg.MonitorDisabled() {
		return nil, nil
	}
	hosts, err := monitorHosts(cfg.Monitor)
	if err != nil {
		return nil, err
	}
	var rules []postgres.HBARule
	for _, host := range hosts {
		address, warning := postgres.HBAAddress(ctx, host)
		if warning != "" {
			n.log.Warn("address of the monitor in pg_hba.conf", "address", address, "reason", warning)
		}
		rules = append(rules, postgres.HBARule{TLS: cfg.SSL.Active, Database: postgres.HBAAll, User: monitorUser, Address: address, Method: "trust"})
	}
	return rules, nil
}

// monitorHosts are the hosts of the monitor's connection string.
func monitorHosts(uri string) ([]string, error) {
	config, err := monitor.ParseURI(uri)
	if err != nil {
		return nil, err
	}
	hosts := []string{config.Host}
	for _, fallback := range config.Fallbacks {
		hosts = append(hosts, fallback.Host)
	}
	var names []string
	for _, host := range hosts {
		if strings.HasPrefix(host, "/") {
			host = "127.0.0.1" // a socket: the monitor runs on this machine
		}
		if !slices.Contains(names, host) {
			names = append(names, host)
		}
	}
	return names, nil
}

// ownRules let applications connect from this host, and at level app from the
// networks of its interfaces.
func (n *node) ownRules(ctx context.Context) []postgres.HBARule {
	cfg := n.cfg()
	user := cfg.Username
	if user == "" {
		user = osUser()
	}
	rule := postgres.HBARule{TLS: cfg.SSL.Active, Database: cfg.Database, User: user, Method: hbaMethod(cfg)}
	var warning string
	if rule.Address, warning = postgres.HBAAddress(ctx, cfg.Hostname); warning != "" {
		n.log.Warn("address of this node in pg_hba.conf", "address", rule.Address, "reason", warning)
	}
	rules := []postgres.HBARule{rule}
	if cfg.HBALevel == "app" {
		if network, err := hostNetwork(ctx, cfg.Hostname); err == nil {
			lan := rule
			lan.Address = network
			rules = append(rules, lan)
		} else {
			n.log.Warn("applications of the local network are not allowed in pg_hba.conf", "error", err)
		}
	}
	return rules
}

// hostNetwork is the network of the local interface that host names.
func hostNetwork(ctx context.Context, host string) (string, error) {
	addresses, err := net.DefaultResolver.LookupIPAddr(ctx, host)
	if err != nil {
		return "", fmt.Errorf("look up %s: %w", host, err)
	}
	for _, address := range addresses {
		if network, err := postgres.LocalCIDR(address.IP); err == nil {
			return network, nil
		}
	}
	return "", fmt.Errorf("%s is not an address of this machine", host)
}

// allow makes sure that pg_hba.conf has rules, or says which are missing where the
// file is the operator's.
func (n *node) allow(ctx context.Context, rules []postgres.HBARule) error {
	file := n.hbaFile(ctx)
	if n.cfg().HBALevel == "skip" {
		missing, err := postgres.MissingHBA(file, rules)
		if err != nil {
			return err
		}
		n.warnMissing(file, missing)
		return nil
	}
	killpoint.At(ctx, "allow-EnsureHBA")
	changed, err := postgres.EnsureHBA(file, rules)
	if err != nil {
		return fmt.Errorf("edit %s: %w", file, err)
	}
	// A keeper before this one may have been killed between the edit and the reload.
	if (changed || !n.hbaLoaded.Load()) && n.server.Status().Running() {
		killpoint.At(ctx, "allow-Reload")
		if err := n.server.Reload(); err != nil {
			return err
		}
	}
	n.hbaLoaded.Store(true)
	return nil
}

// warnMissing says once per rule that the operator has to add it.
func (n *node) warnMissing(file string, missing []postgres.HBARule) {
	for _, rule := range missing {
		if _, said := n.missingRules.LoadOrStore(rule.String(), true); !said {
			n.log.Warn("pg_hba.conf is left to you and lacks a line; add it and reload Postgres", "file", file, "line", rule.String())
		}
	}
}

// hbaFile is where the server reads its rules.
func (n *node) hbaFile(ctx context.Context) string { return hbaFileOf(ctx, n.server) }

// allowAll makes sure that applications, the monitor and the other nodes may connect.
// The file may have come with a copy of another node's data, so that not even the
// rules of this node itself are certain.
func (n *node) allowAll(ctx context.Context, peers []monitor.PeerNode) error {
	if n.cfg().AuthMethod == "cert" && n.cfg().HBALevel != "skip" {
		ident := filepath.Join(n.paths.PGDATA, "pg_ident.conf")
		killpoint.At(ctx, "allowAll-EnsureIdent")
		if _, err := postgres.EnsureIdent(ident, "pgautofailover", MonitorUser, replicatorUser); err != nil {
			return fmt.Errorf("edit %s: %w", ident, err)
		}
	}
	monitors, err := n.monitorRules(ctx)
	if err != nil {
		return err
	}
	return n.allow(ctx, slices.Concat(n.ownRules(ctx), monitors, n.peerRules(ctx, peers)))
}

// writeSettings writes the settings that pgaf owns.
func (n *node) writeSettings(ctx context.Context) error {
	killpoint.At(ctx, "writeSettings-ensureCertificate")
	if err := n.ensureCertificate(); err != nil {
		return err
	}
	settings := n.settings()
	settings.Group = n.groupSettings(ctx)
	killpoint.At(ctx, "writeSettings-WriteSettings")
	if _, err := postgres.WriteSettings(n.paths.PGDATA, settings); err != nil {
		return fmt.Errorf("write the settings of Postgres: %w", err)
	}
	return nil
}

func (n *node) settings() postgres.NodeSettings {
	return nodeSettings(n.bin, n.cfg())
}

// nodeSettings are the settings of a node that does not have to exist yet.
func nodeSettings(bin postgres.Bin, cfg *Config) postgres.NodeSettings {
	s := baseSettings(cfg)
	s.Kind = postgres.KindStandalone
	if bin.HasLibrary(statStatements) {
		s.Preload = []string{statStatements}
	}
	return s
}

const statStatements = "pg_stat_statements"

// baseSettings are those of nodes and monitors alike.
func baseSettings(cfg *Config) postgres.NodeSettings {
	s := postgres.NodeSettings{
		ListenAddresses: cfg.ListenAddresses,
		Port:            cfg.Port,
		AuthMethod:      cfg.AuthMethod,
		SSL: postgres.SSLSettings{
			Active:   cfg.SSL.Active,
			CertFile: cfg.SSL.CertFile,
			KeyFile:  cfg.SSL.KeyFile,
			CAFile:   cfg.SSL.CAFile,
			CRLFile:  cfg.SSL.CRLFile,
		},
	}
	if testMode() {
		s.Tuning = postgres.TestTuning()
	}
	return s
}

// ensureCertificate makes the self-signed certificate where the configuration names
// the one in PGDATA and it is not there, or came with a copy of another node's data.
func (n *node) ensureCertificate() error {
	return ensureCertificate(n.cfg(), n.paths.PGDATA)
}
