package main

import (
	"errors"
	"io"
	"strings"
	"testing"

	"pgaf/keeper"
	"pgaf/monitor"
)

func TestNearest(t *testing.T) {
	commands := []string{"state", "events", "uri", "standby-names", "settings", "file", "systemd"}
	for word, want := range map[string]string{
		"stat":         "state",
		"sate":         "state",
		"tsate":        "state",
		"event":        "events",
		"urls":         "uri",
		"standbynames": "standby-names",
		"xyzzy":        "",
		"x":            "",
		"":             "",
	} {
		if got := nearest(word, commands); got != want {
			t.Errorf("nearest(%q) = %q, want %q", word, got, want)
		}
	}
}

func TestEditDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "abc", 3}, {"abc", "abc", 0}, {"abc", "acb", 1}, {"kitten", "sitting", 3}} {
		if got := editDistance(c.a, c.b); got != c.want {
			t.Errorf("editDistance(%q, %q) = %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

func TestCauseAndRemedy(t *testing.T) {
	for _, c := range []struct {
		err           error
		cause, remedy string
	}{
		{errors.New("plain"), "plain", ""},
		{usageError("do this", "wrong: %d", 1), "wrong: 1", "do this"},
		{&keeper.ExitError{Code: 3, Err: errors.New("it runs already; stop it first")}, "it runs already", "stop it first"},
		{&monitor.ConnectError{Target: "m:5432", Cause: "a; b", Remedy: "check it"}, "connect to monitor m:5432: a; b", "check it"},
		{&monitor.SQLError{Doing: "drop", Message: "no; never"}, "drop: no; never", ""},
		{&monitor.SQLError{Doing: "drop", Message: "no", Hint: "wait"}, "drop: no", "wait"},
	} {
		cause, remedy := causeAndRemedy(c.err)
		if cause != c.cause || remedy != c.remedy {
			t.Errorf("causeAndRemedy(%v) = %q, %q; want %q, %q", c.err, cause, remedy, c.cause, c.remedy)
		}
	}
}

func TestExitCodes(t *testing.T) {
	for _, c := range []struct {
		err  error
		want int
	}{
		{usageError("", "x"), 1},
		{&keeper.ExitError{Code: 3, Err: errors.New("x")}, 3},
		{onMonitor(&monitor.ConnectError{}), 6},
		{onMonitor(&monitor.SQLError{}), 6},
		{onMonitor(&keeper.ExitError{Code: 2, Err: errors.New("x")}), 2},
		{errors.New("x"), 12},
	} {
		if got := exitCode(c.err); got != c.want {
			t.Errorf("exitCode(%v) = %d, want %d", c.err, got, c.want)
		}
	}
}

// Every command and every option says what it does.
func TestEveryLeafHasHelp(t *testing.T) {
	for _, leaf := range ownLeaves(model(t, "pgaf")) {
		if leaf.Help == "" {
			t.Errorf("%s has no help", leaf.FullPath())
		}
		for _, flag := range leaf.Flags {
			if flag.Help == "" {
				t.Errorf("%s --%s has no help", leaf.FullPath(), flag.Name)
			}
		}
	}
}

// The spellings of pg_auto_failover 2.0 are the commands of today, and what is left of
// them has a reason.
func TestOldSpellingsAreTheSameCommands(t *testing.T) {
	var tree cli
	parser, err := newParser(&app{name: "pgaf", stdout: io.Discard, stderr: io.Discard}, &tree, func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	shown, hidden := map[string]bool{}, 0
	for _, leaf := range parser.Model.Leaves(true) {
		shown[leaf.Target.Type().Name()] = true
	}
	for _, leaf := range parser.Model.Leaves(false) {
		name := leaf.Target.Type().Name()
		if words := strings.Fields(leaf.FullPath()); words[1] != "do" && words[1] != "internal" {
			continue
		}
		hidden++
		if !shown[name] && name != "oldServiceCmd" && !strings.HasPrefix(name, "internal") && name != "goneTmuxCmd" && name != "goneAzureCmd" && !strings.HasPrefix(name, "demo") {
			t.Errorf("%s is a command of its own: %s", leaf.FullPath(), name)
		}
	}
	if hidden < 50 {
		t.Errorf("only %d old spellings", hidden)
	}
}
