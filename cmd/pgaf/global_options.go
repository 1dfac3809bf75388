package main

import "github.com/alecthomas/kong"

// globalOptions are the options of every command.
type globalOptions struct {
	Verbose   int         `name:"verbose" short:"v" type:"counter" help:"Log more: -v info, -vv debug, -vvv trace."`
	Quiet     bool        `name:"quiet" short:"q" help:"Log errors only."`
	LogFormat string      `name:"log-format" enum:"text,json" default:"text" env:"PGAF_LOG_FORMAT" placeholder:"FORMAT" help:"Log lines as text or json."`
	Version   versionFlag `name:"version" short:"V" help:"Print the version and exit."`
}

func (g globalOptions) verbosity() verbosity {
	return verbosity{verbose: g.Verbose, quiet: g.Quiet}
}

// logOptions are the options again, as a command line has them.
func (g globalOptions) logOptions() []string {
	options := []string{"--log-format", g.LogFormat}
	if g.Quiet {
		options = append(options, "--quiet")
	}
	for range g.Verbose {
		options = append(options, "--verbose")
	}
	return options
}

// versionFlag prints the version as soon as it is seen, whatever else the
// command line says.
type versionFlag bool

func (versionFlag) IgnoreDefault() {}

func (v versionFlag) BeforeReset(k *kong.Kong, a *app) error {
	if err := printVersion(a); err != nil {
		return err
	}
	k.Exit(exitOK)
	return nil
}
