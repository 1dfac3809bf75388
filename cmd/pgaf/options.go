package main

import (
	"fmt"
	"strings"
	"time"

	"pgaf/monitor"
)

// The groups of options that many commands share.

type jsonOption struct {
	JSON bool `name:"json" short:"J" help:"Print JSON."`
}

type formationOption struct {
	Formation string `name:"formation" short:"f" placeholder:"NAME" help:"Formation (default: that of the node, else default)."`
}

type groupOption struct {
	Group *int `name:"group" short:"g" placeholder:"N" help:"Group of nodes (default: that of the node, else every group)."`
}

type pgdataOption struct {
	PGData string `name:"pgdata" short:"D" env:"PGDATA" placeholder:"DIR" help:"Data folder of the node."`
}

// require returns PGDATA, or an error when it was given neither as option nor
// in the environment.
func (o pgdataOption) require() (string, error) {
	if o.PGData == "" {
		return "", usageError("pass --pgdata DIR or set PGDATA", "which node? --pgdata is missing")
	}
	return o.PGData, nil
}

// seconds is an option given as a whole number of seconds, as pg_autoctl has
// them; 30s and 2m are understood as well.
type seconds time.Duration

func (s *seconds) UnmarshalText(text []byte) error {
	var n int
	if _, err := fmt.Sscanf(string(text)+"\n", "%d\n", &n); err == nil {
		if n < 0 {
			return fmt.Errorf("a number of seconds is not negative, got %d", n)
		}
		*s = seconds(time.Duration(n) * time.Second)
		return nil
	}
	d, err := time.ParseDuration(string(text))
	if err != nil || d < 0 {
		return fmt.Errorf("expected a number of seconds but got %q", text)
	}
	*s = seconds(d)
	return nil
}

func (s seconds) duration() time.Duration { return time.Duration(s) }

// boolean is an option that takes its value as a word, in any spelling that
// Postgres accepts.
type boolean bool

func (b *boolean) UnmarshalText(text []byte) error {
	switch strings.ToLower(string(text)) {
	case "true", "t", "yes", "y", "on", "1":
		*b = true
	case "false", "f", "no", "n", "off", "0":
		*b = false
	default:
		return fmt.Errorf("expected true or false but got %q", text)
	}
	return nil
}

// priority is a candidate priority: a whole number from 0 to 100.
type priority int

func (p *priority) UnmarshalText(text []byte) error {
	var n int
	if _, err := fmt.Sscanf(string(text)+"\n", "%d\n", &n); err != nil || n < 0 || n > 100 {
		return fmt.Errorf("a candidate priority is a number from 0 to 100, got %q", text)
	}
	*p = priority(n)
	return nil
}

// port is a TCP port.
type port int

func (p *port) UnmarshalText(text []byte) error {
	var n int
	if _, err := fmt.Sscanf(string(text)+"\n", "%d\n", &n); err != nil || n < 1 || n > 65535 {
		return fmt.Errorf("a port is a number from 1 to 65535, got %q", text)
	}
	*p = port(n)
	return nil
}

// count is a whole number that is not negative.
type count int

func (c *count) UnmarshalText(text []byte) error {
	var n int
	if _, err := fmt.Sscanf(string(text)+"\n", "%d\n", &n); err != nil || n < 0 {
		return fmt.Errorf("expected a number that is not negative but got %q", text)
	}
	*c = count(n)
	return nil
}

// checkMonitorURI refuses what is not a connection string before anything is
// done with it.
func checkMonitorURI(uri string) error {
	if _, err := monitor.ParseURI(uri); err != nil {
		return &cliError{code: exitBadArgs, cause: err}
	}
	return nil
}
