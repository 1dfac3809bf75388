package main

import (
	"slices"
	"strings"

	"pgaf/keeper"
)

// localPostgresOptions say where the Postgres of a new node is and listens.
type localPostgresOptions struct {
	PGData   string `name:"pgdata" short:"D" env:"PGDATA" placeholder:"DIR" help:"Data folder; made when it does not exist."`
	PgCtl    string `name:"pgctl" short:"C" placeholder:"PATH" help:"pg_ctl to use (default: found through PG_CONFIG or PATH)."`
	Port     port   `name:"pgport" short:"p" env:"PGPORT" placeholder:"PORT" help:"Port of Postgres (default 5432)."`
	Listen   string `name:"listen" short:"l" placeholder:"ADDRESSES" help:"listen_addresses of Postgres (default *)."`
	Hostname string `name:"hostname" short:"n" aliases:"nodename" placeholder:"HOST" help:"Name or address under which the other nodes reach this one."`
}

func (o localPostgresOptions) check() error {
	if o.PGData == "" {
		return usageError("pass --pgdata DIR or set PGDATA", "which folder? --pgdata is missing")
	}
	return nil
}

// authOptions are the choice of how other nodes log in.
type authOptions struct {
	Auth    string `name:"auth" short:"A" env:"PG_AUTOCTL_AUTH_METHOD" placeholder:"METHOD" help:"Authentication method for the rules in pg_hba.conf: scram-sha-256 (the default, with passwords that are made here), cert, trust, ..."`
	SkipHBA bool   `name:"skip-pg-hba" short:"S" help:"Leave pg_hba.conf alone; say which rules are missing."`
}

// authMethods are the methods of pg_hba.conf.
var authMethods = []string{"trust", "reject", "scram-sha-256", "md5", "password", "gss", "sspi", "ident", "peer", "ldap", "radius", "cert", "pam", "bsd"}

func (o authOptions) check(a *app) error {
	switch {
	case o.SkipHBA && a.given["auth"]:
		return usageError("pass --auth METHOD to have the rules written, or --skip-pg-hba to write them yourself",
			"--auth and --skip-pg-hba exclude each other")
	case o.Auth != "" && !slices.Contains(authMethods, o.Auth):
		return usageError(suggest(nearest(o.Auth, authMethods), "the methods of pg_hba.conf are "+strings.Join(authMethods, ", ")),
			"option --auth: there is no authentication method %q", o.Auth)
	}
	return nil
}

// method is what the keeper is told: nothing with --skip-pg-hba, even when the
// environment has a method.
func (o authOptions) method() string {
	if o.SkipHBA {
		return ""
	}
	return o.Auth
}

// sslOptions are the choice of how connections are encrypted.
type sslOptions struct {
	SelfSigned bool   `name:"ssl-self-signed" short:"s" env:"PG_AUTOCTL_SSL_SELF_SIGNED" help:"Encrypt with a self-signed certificate, made here (the default)."`
	None       bool   `name:"no-ssl" short:"N" help:"Do not encrypt."`
	Mode       string `name:"ssl-mode" placeholder:"MODE" help:"sslmode of connections between nodes: disable, allow, prefer, require, verify-ca, verify-full."`
	CAFile     string `name:"ssl-ca-file" placeholder:"FILE" help:"Certificate of the authority that signed the others."`
	CRLFile    string `name:"ssl-crl-file" placeholder:"FILE" help:"List of revoked certificates."`
	CertFile   string `name:"server-cert" placeholder:"FILE" help:"Certificate of this server."`
	KeyFile    string `name:"server-key" placeholder:"FILE" help:"Private key of this server."`
}

var sslModes = []string{"disable", "allow", "prefer", "require", "verify-ca", "verify-full"}

// choice returns the keeper's form of the options after checking that at most one
// family was chosen; the keeper takes the default of a new node where none is. An option on the command line overrides the choice of
// the environment.
func (o sslOptions) choice(a *app) (keeper.SSLOptions, error) {
	ownFiles := o.CertFile != "" || o.KeyFile != "" || o.CAFile != "" || o.CRLFile != ""
	if (o.None || ownFiles) && !a.given["ssl-self-signed"] {
		o.SelfSigned = false
	}
	if err := o.check(ownFiles); err != nil {
		return keeper.SSLOptions{}, err
	}
	// The service does not run in the folder of this command.
	for _, file := range []*string{&o.CAFile, &o.CRLFile, &o.CertFile, &o.KeyFile} {
		if err := makeAbsolute(file); err != nil {
			return keeper.SSLOptions{}, err
		}
	}
	return keeper.SSLOptions{
		SelfSigned: o.SelfSigned,
		None:       o.None,
		Mode:       o.Mode,
		CAFile:     o.CAFile,
		CRLFile:    o.CRLFile,
		CertFile:   o.CertFile,
		KeyFile:    o.KeyFile,
	}, nil
}

func (o sslOptions) check(ownFiles bool) error {
	const choose = "choose one of --ssl-self-signed, --no-ssl, or --server-cert with --server-key"
	chosen := 0
	for _, family := range []bool{o.SelfSigned, o.None, ownFiles} {
		if family {
			chosen++
		}
	}
	strength := slices.Index(sslModes, o.Mode)
	switch {
	case o.Mode != "" && strength < 0:
		return usageError("use one of "+strings.Join(sslModes, ", "), "option --ssl-mode: there is no sslmode %q", o.Mode)
	case chosen == 0 && o.Mode != "":
		return usageError(choose, "--ssl-mode alone does not say which certificate to use")
	case chosen == 0:
		return nil
	case chosen > 1:
		return usageError(choose, "--ssl-self-signed, --no-ssl and certificate files exclude each other")
	case ownFiles && (o.CertFile == "" || o.KeyFile == ""):
		return usageError("pass --server-cert FILE and --server-key FILE", "a certificate of your own needs both --server-cert and --server-key")
	case o.SelfSigned && strength > slices.Index(sslModes, "require"):
		return usageError("use --ssl-mode require, or a certificate of your own with --ssl-ca-file",
			"a self-signed certificate cannot be verified: --ssl-mode %s is too strict for it", o.Mode)
	case ownFiles && o.CAFile == "" && (o.Mode == "" || strength >= slices.Index(sslModes, "verify-ca")):
		return usageError("pass --ssl-ca-file FILE, or --ssl-mode require",
			"--ssl-mode %s needs the certificate of the authority", orDefault(o.Mode, "verify-full"))
	}
	return checkFiles(map[string]string{
		"--server-cert":  o.CertFile,
		"--server-key":   o.KeyFile,
		"--ssl-ca-file":  o.CAFile,
		"--ssl-crl-file": o.CRLFile,
	})
}
