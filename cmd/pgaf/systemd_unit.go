package main

import (
	"fmt"
	"strings"
	"time"

	"pgaf/keeper"
)

// unitOptions is what a unit file depends on.
type unitOptions struct {
	program     string
	instance    string // what a template says of its instance
	environment string // lines
	user, home  string
	config      *keeper.Config
}

const (
	// stopMargin is what a stop may take beside the hand-over: a fast stop of Postgres
	// (60 s), an immediate one after it, and the goodbye.
	stopMargin = 90 * time.Second

	// leastWatchdog is below what a busy machine may need for one round of the service.
	leastWatchdog = 10 * time.Second
)

// systemdUnit is the unit file of a service.
//
// KillMode: systemd signals the service only, which hands over and stops Postgres in
// its own order; when the service itself dies, Postgres serves on and the next one
// adopts it. OOMPolicy: a backend that the kernel kills is Postgres's to handle.
// The watchdog is as long as the lease, so that a keeper that hangs is replaced by one
// that watches the lease before the monitor promotes another node. The start has no
// limit: the recovery of a large cluster takes its time.
func systemdUnit(o unitOptions) string {
	stop, watchdog := stopMargin, 2*leastWatchdog
	if !o.config.IsMonitor() {
		stop += o.config.Timeout.HandOver
		watchdog = max(leastWatchdog, o.config.Timeout.NetworkPartition)
	}
	program := unitWord(o.program)
	return fmt.Sprintf(`[Unit]
Description = pg_auto_failover%s
Wants = network-online.target
After = network-online.target

[Service]
Type = notify
WorkingDirectory = %s
%sEnvironment = 'PG_OOM_ADJUST_FILE=/proc/self/oom_score_adj'
User = %s
ExecStart = %s run
ExecReload = %s reload
Restart = always
RestartSec = 1
RestartPreventExitStatus = 122
StartLimitBurst = 20
KillMode = process
TimeoutStartSec = infinity
TimeoutStopSec = %d
WatchdogSec = %d
OOMPolicy = continue
OOMScoreAdjust = -900
LimitNOFILE = 65536
TasksMax = infinity

[Install]
WantedBy = multi-user.target
`, o.instance, o.home, o.environment, o.user, program, program, stop/time.Second, watchdog/time.Second)
}

// unitVariables are the lines that set variables.
func unitVariables(variables []string) string {
	var lines strings.Builder
	for _, variable := range variables {
		fmt.Fprintf(&lines, "Environment = %s\n", unitQuoted(variable))
	}
	return lines.String()
}

// unitEscaped doubles the sign that begins a specifier.
func unitEscaped(text string) string { return strings.ReplaceAll(text, "%", "%%") }

// unitQuoted is one word of a unit file, whatever is in it.
func unitQuoted(text string) string {
	escape := strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\n", `\n`, "\t", `\t`)
	return "'" + escape.Replace(text) + "'"
}

// unitWord is quoted where it has to be. A dollar sign begins a variable in a command.
func unitWord(text string) string {
	text = unitEscaped(strings.ReplaceAll(text, "$", "$$"))
	if strings.ContainsAny(text, " \t\n'\"\\;") {
		return unitQuoted(text)
	}
	return text
}
