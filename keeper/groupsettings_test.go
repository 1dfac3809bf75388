package keeper

import (
	"testing"

	"pgaf/keeper/postgres"
	"pgaf/monitor"
)

// TestSettingsUpkeep: what the settings of a group ask of a keeper, by what its Postgres uses and its files say.
func TestSettingsUpkeep(t *testing.T) {
	use := func(value, filed, source string) postgres.SettingUse {
		return postgres.SettingUse{Name: "max_connections", Value: value, Filed: filed, Source: source}
	}
	for _, test := range []struct {
		name  string
		state monitor.State
		use   postgres.SettingUse
		want  upkeep
	}{
		{"in effect", monitor.StatePrimary, use("200", "200", ""), noUpkeep},
		{"not written yet", monitor.StatePrimary, use("100", "100", ""), writeSettings},
		{"written", monitor.StatePrimary, use("100", "200", ""), restartPostgres},
		{"on a standby too", monitor.StateSecondary, use("100", "200", ""), restartPostgres},
		{"not while an election goes on", monitor.StateReportLSN, use("100", "200", ""), noUpkeep},
		{"not in maintenance", monitor.StateMaintenance, use("100", "200", ""), noUpkeep},
		{"the operator's own line", monitor.StatePrimary, use("100", "150", "/data/postgresql.conf line 7"), noUpkeep},
		{"the operator's own line of the same value", monitor.StatePrimary, use("100", "200", "/data/postgresql.conf line 7"), restartPostgres},
		{"written too early: taken back", monitor.StatePrimary, use("200", "300", ""), writeSettings},
	} {
		n := &node{}
		n.config.Store(&Config{})
		e := &executor{n: n, state: State{Current: test.state, Assigned: test.state}}
		e.shared = sharedSettings{uses: []postgres.SettingUse{test.use}, wanted: map[string]int{"max_connections": 200}}
		if got := e.settingsUpkeep(); got != test.want {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}

// TestSettingsProblem: the operator's own line is named, and what a job failed with.
func TestSettingsProblem(t *testing.T) {
	n := &node{}
	n.wanted.Store(&map[string]int{"max_connections": 200, "max_wal_senders": 20})
	n.settingsFailure.Store("no memory")
	uses := []postgres.SettingUse{
		{Name: "max_connections", Value: "100", Filed: "100", Source: "/data/postgresql.conf line 7"},
		{Name: "max_wal_senders", Value: "12", Filed: "20"},
		{Name: "shared_buffers", Value: "1", Pending: true},
	}
	n.addProblems(uses)
	for i, want := range []string{"/data/postgresql.conf line 7 sets it to 100 and wins; remove it there", "no memory", ""} {
		if uses[i].Problem != want {
			t.Errorf("%s: %q, want %q", uses[i].Name, uses[i].Problem, want)
		}
	}
}

// A standby that is restarted for its settings is reported as running for a moment, and not for longer.
func TestRestartIsReportedAsRunning(t *testing.T) {
	v := view{State: State{Current: monitor.StateSecondary}, Restarting: bootTime()}
	if !reportsRunning(v, false) {
		t.Error("a standby that restarts is reported as stopped")
	}
	v.Restarting = bootTime().add(-restartGrace)
	if reportsRunning(v, false) {
		t.Error("a standby that does not come back is reported as running")
	}
}
