package keeper

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"pgaf/keeper/killpoint"
	"pgaf/keeper/postgres"
	"pgaf/monitor"
)

// Settings that the nodes of a group share. The monitor says what is this node's turn (group_settings()); the keeper
// writes it into its own settings file, which the operator's postgresql.conf overrides, and restarts Postgres. What the
// server uses is reported whenever it changed.

// sharedSettings is one look at them.
type sharedSettings struct {
	at     instant
	uses   []postgres.SettingUse // nil: Postgres does not answer
	wanted map[string]int
}

// reportSettings tells the monitor what Postgres uses, when that is news on this connection, and asks what it shall use.
func (l *link) reportSettings(ctx context.Context, client *monitor.Client) (sharedSettings, error) {
	n, v := l.n, l.n.view()
	s := sharedSettings{at: bootTime()}
	if n.server.Status() == postgres.Ready {
		looking, cancel := context.WithTimeout(ctx, observeLimit)
		s.uses, _ = n.server.SettingUses(looking) // the next look tries again
		cancel()
	}
	told := slices.Clone(l.told) // while Postgres does not answer: what it used, with what is wrong now
	if s.uses != nil {
		told = slices.Clone(s.uses)
	}
	n.addProblems(told)
	if told != nil && !slices.Equal(told, l.told) {
		if err := client.ReportSettings(ctx, v.NodeID, told); err != nil {
			return s, err
		}
		l.told = told
	}
	var err error
	s.wanted, err = client.WantedSettings(ctx, n.cfg().Formation, v.GroupID, v.NodeID)
	return s, err
}

// firstSettings asks for the settings before the first answer is acted on: a Postgres that is down, perhaps since long,
// starts with them.
func (l *link) firstSettings(ctx context.Context, client *monitor.Client) {
	v := l.n.view()
	if wanted, err := client.WantedSettings(ctx, l.n.cfg().Formation, v.GroupID, v.NodeID); err == nil {
		l.n.wanted.Store(&wanted)
	}
}

// deliverSettings is the look at the settings that follows an answer. Only a broken connection is an error.
func (l *link) deliverSettings(ctx context.Context, client *monitor.Client) error {
	call, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	s, err := l.reportSettings(call, client)
	if err != nil && client.Closed() {
		return err
	}
	if err != nil {
		l.n.log.Debug("the settings of the group cannot be asked for", "error", err)
		return nil
	}
	select {
	case l.settings <- s:
	case <-ctx.Done():
	case <-l.n.life.Done():
	}
	return nil
}

// addProblems says of each setting of the group why it is not in effect: the operator's own line, or what failed.
func (n *node) addProblems(uses []postgres.SettingUse) {
	failure, _ := n.settingsFailure.Load().(string)
	wanted := n.wantedSettings()
	for i, u := range uses {
		value, of := wanted[u.Name]
		want := strconv.Itoa(value)
		uses[i].Problem = ""
		switch {
		case !of || u.Value == want:
		case u.Source != "" && u.Filed != want:
			uses[i].Problem = fmt.Sprintf("%s sets it to %s and wins; remove it there", u.Source, u.Filed)
		default:
			uses[i].Problem = failure
		}
	}
}

func (n *node) wantedSettings() map[string]int {
	if wanted := n.wanted.Load(); wanted != nil {
		return *wanted
	}
	return nil
}

// groupSettings are the values for the settings file: what the monitor said, else what the file has; on a standby never
// less than its data needs, with which it would not start.
func (n *node) groupSettings(ctx context.Context) map[string]int {
	values := postgres.WrittenGroupSettings(n.paths.PGDATA)
	maps.Copy(values, n.wantedSettings())
	if !postgres.IsStandby(n.paths.PGDATA) {
		return values
	}
	control, err := n.bin.ControlData(ctx, n.paths.PGDATA)
	if err != nil {
		return values // the start itself fails, and says why
	}
	for i, name := range postgres.GroupSettings {
		value, of := values[name]
		if least := control.Least[i]; of && least > value || !of && least > defaultOf[name] {
			values[name] = least
		}
	}
	return values
}

// defaultOf are the values without a group's.
var defaultOf = map[string]int{
	"max_connections": 100, "max_worker_processes": 8, "max_wal_senders": 12, "max_prepared_transactions": 0, "max_locks_per_transaction": 64,
}

// onSettings takes in a look at the settings.
func (e *executor) onSettings(s sharedSettings) {
	e.n.wanted.Store(&s.wanted)
	if s.uses != nil {
		e.shared = s
	}
}

// mayRestart says in which states a restart for settings is no harm.
func mayRestart(s monitor.State) bool {
	switch s {
	case monitor.StateSingle, monitor.StatePrimary, monitor.StateWaitPrimary, monitor.StateSecondary, monitor.StateCatchingup:
		return true
	}
	return false
}

// settingsUpkeep is what the settings of the group ask for: nothing, another settings file, or a restart.
func (e *executor) settingsUpkeep() upkeep {
	if e.leaving || e.handover != nil || !mayRestart(e.state.Current) || e.n.cfg().MonitorDisabled() {
		return noUpkeep
	}
	restart := false
	for _, u := range e.shared.uses {
		value, of := e.shared.wanted[u.Name]
		want := strconv.Itoa(value)
		switch {
		case !of || u.Value == want && u.Filed == want:
		case u.Filed != want && u.Source == "":
			return writeSettings
		case u.Filed == want:
			restart = true
		}
	}
	if restart {
		return restartPostgres
	}
	return noUpkeep
}

// applySettings writes the settings of the group and lets Postgres read them; it uses them after a restart.
func (n *node) applySettings(ctx context.Context) error {
	wanted, values := n.wantedSettings(), n.groupSettings(ctx)
	for name, value := range wanted {
		if values[name] > value {
			return fmt.Errorf("%w: this standby has to replay its primary's change first: its data needs %s = %d", errWaiting, name, values[name])
		}
	}
	if least, of := wanted["max_prepared_transactions"]; of {
		open, err := n.server.PreparedTransactions(ctx)
		if err != nil {
			return err
		}
		if open > least {
			return fmt.Errorf("%w: %d prepared transactions are open, and max_prepared_transactions shall be %d; commit them or roll them back", errWaiting, open, least)
		}
	}
	if err := n.writeSettings(ctx); err != nil {
		return err
	}
	killpoint.At(ctx, "applySettings-ReloadSeen")
	return n.server.ReloadSeen(ctx)
}

// settingsDone and settingsFailed tell the monitor how a job ended that was for the settings of the group.
func (e *executor) settingsDone(done job) {
	if done.upkeep != writeSettings && done.upkeep != restartPostgres && done.upkeep != startPostgres {
		return
	}
	e.n.settingsFailure.Store("")
	e.shared = sharedSettings{}
	e.n.link.askSettings()
}

func (e *executor) settingsFailed(failed job, err error) {
	if failed.upkeep != writeSettings && failed.upkeep != restartPostgres && failed.upkeep != startPostgres {
		return
	}
	reason := err.Error()
	if before, _ := e.n.settingsFailure.Load().(string); reasonOf(err) != reasonOf(errors.New(before)) {
		e.n.settingsFailure.Store(reason)
		e.n.link.askSettings()
	}
}

// askSettings makes the link look at the settings with the next report, which is due at once.
func (l *link) askSettings() {
	l.settingsDue.Store(true)
	l.poke()
}

// restartGrace is how long a standby that is restarted for its settings is reported as running: longer ones make the
// primary go on without it.
const restartGrace = 3 * time.Second
