package postgres

import (
	"fmt"
	"path/filepath"
	"strings"
)

// StandbyFile holds the standby set-up; it is included by postgresql.conf, also while it is empty.
const StandbyFile = "postgresql-auto-failover-standby.conf"

const standbySignal = "standby.signal"

// WriteStandby makes the cluster start as a standby of u (u.Host == "": of nobody). A running standby takes
// it with a reload. standby.signal comes first: from here on the folder cannot start as a primary.
func WriteStandby(pgdata string, u Upstream) (changed bool, err error) {
	signal, err := replaceFile(filepath.Join(pgdata, standbySignal), nil, 0o600)
	if err != nil {
		return false, fmt.Errorf("set up %s as a standby of %s: %w", pgdata, u, err)
	}
	settings, err := writeStandbySettings(pgdata, u)
	if err != nil {
		return false, fmt.Errorf("set up %s as a standby of %s: %w", pgdata, u, err)
	}
	return signal || settings, nil
}

func writeStandbySettings(pgdata string, u Upstream) (changed bool, err error) {
	changed, err = replaceFile(filepath.Join(pgdata, StandbyFile), []byte(standbySettings(u)), 0o600)
	if err != nil {
		return false, err
	}
	included, err := includeFirst(pgdata, StandbyFile)
	return changed || included, err
}

// standbySettings is the content of StandbyFile. Nobody is an empty primary_conninfo, not a missing one,
// because a reload must override an older value.
func standbySettings(u Upstream) string {
	var b strings.Builder
	b.WriteString("# Written by pgaf; changes are overwritten.\n")
	fmt.Fprintf(&b, "primary_conninfo = %s\n", quoteSetting(u.Conninfo()))
	slot := u.Slot
	if u.Host == "" {
		slot = ""
	}
	fmt.Fprintf(&b, "primary_slot_name = %s\n", quoteSetting(slot))
	b.WriteString("recovery_target_timeline = 'latest'\n")
	return b.String()
}

// RemoveStandby is the clean-up after promotion: standby.signal deleted, StandbyFile emptied. Never call it
// before the server is out of recovery: Postgres fails when the file disappears under it.
func RemoveStandby(pgdata string) error {
	err := removeFile(filepath.Join(pgdata, standbySignal))
	if err == nil && exists(filepath.Join(pgdata, StandbyFile)) {
		_, err = replaceFile(filepath.Join(pgdata, StandbyFile), nil, 0o600)
	}
	if err != nil {
		return fmt.Errorf("remove the standby set-up of %s: %w", pgdata, err)
	}
	return nil
}

// IsStandby reports whether the next start is a standby (standby.signal exists).
func IsStandby(pgdata string) bool {
	return exists(filepath.Join(pgdata, standbySignal))
}

// FreshCopy reports whether the cluster is a copy that was not started yet: a standby by its set-up, with the label
// that tells where recovery begins. Its pg_control is still that of the server that was copied.
func FreshCopy(pgdata string) bool {
	return IsStandby(pgdata) && exists(filepath.Join(pgdata, "backup_label"))
}
