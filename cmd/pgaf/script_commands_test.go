package main

import (
	"regexp"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// until is the script command "until SECONDS REGEXP program args…": it runs the
// program again and again until it succeeds and its stdout matches, and fails
// after that time. It is for programs that cannot wait by themselves.
func until(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: until SECONDS REGEXP program [args...]")
	}
	limit, err := time.ParseDuration(args[0] + "s")
	if err != nil {
		ts.Fatalf("until: %v", err)
	}
	want, err := regexp.Compile("(?m)" + args[1])
	if err != nil {
		ts.Fatalf("until: %v", err)
	}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); <-tick.C {
		if ts.Exec(args[2], args[3:]...) == nil && want.MatchString(ts.ReadFile("stdout")) {
			return
		}
	}
	ts.Fatalf("after %s the output of %v still does not match %q", limit, args[2:], args[1])
}

// envFromStdout is the script command "env_from_stdout NAME": it sets a variable to what
// the last program printed.
func envFromStdout(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: env_from_stdout NAME")
	}
	ts.Setenv(args[0], strings.TrimSpace(ts.ReadFile("stdout")))
}

// psqlApp is the script command "psql_app args…": psql as an application that
// was given what show uri prints; $M names the monitor.
func psqlApp(ts *testscript.TestScript, neg bool, args []string) {
	ts.Check(ts.Exec("pgaf", "show", "uri", "--formation", "default", "--monitor", ts.Getenv("M")))
	uri := strings.TrimSpace(ts.ReadFile("stdout"))
	err := ts.Exec("psql", append([]string{"-X", "-v", "ON_ERROR_STOP=1", "-d", uri}, args...)...)
	if (err != nil) != neg {
		ts.Fatalf("psql %v: %v", args, err)
	}
}
