package keeper

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"time"

	"pgaf/monitor"
)

// stateFormat is the version of the state file's format. Versions 1 and 2 are the
// binary files of pg_autoctl.
const stateFormat = 3

// State is what a keeper must remember across restarts: who it is, what it has
// become, and what the monitor last told it to become. It is written before the
// monitor is told, so that a keeper never forgets what it reported.
type State struct {
	Format           int           `json:"version"`
	NodeID           int64         `json:"nodeId"`
	GroupID          int           `json:"groupId"`
	Current          monitor.State `json:"current_role"`
	Assigned         monitor.State `json:"assigned_role"`
	SystemIdentifier uint64        `json:"system_identifier,string"`
	PgVersion        string        `json:"pgversion"`
	ControlVersion   int           `json:"pg_control_version"`
	CatalogVersion   int           `json:"catalog_version_no"`

	// Dirty is set from the moment that an action away from Current begins until
	// it has arrived: what Current promises may not hold. When the goal comes back
	// to Current, the state is entered anew.
	Dirty bool `json:"dirty,omitempty"`

	// Unconfirmed is set from the arrival in wait_primary until the monitor has
	// acknowledged a report of it: for so long it takes this node for what it was
	// before, and may promote another.
	Unconfirmed bool `json:"unconfirmed,omitempty"`

	// Astray is set before Postgres is promoted to a timeline whose number the monitor
	// did not give, until the state that follows is reached, or its data was copied
	// anew. Another winner may start a timeline of the same number at the same place:
	// then no comparison, and no pg_rewind, tells the two apart, and only a copy makes
	// this node a standby again.
	Astray bool `json:"astray,omitempty"`

	// ReceivedTimeline is the highest timeline of which a standby received WAL.
	// Postgres forgets it when the walreceiver ends.
	ReceivedTimeline int `json:"received_timeline,omitempty"`

	// SelfFenced is set while Assigned is demote_timeout because the lease ran
	// out and not because the monitor said so.
	SelfFenced bool `json:"self_fenced,omitempty"`

	// What the monitor was, and what it knows of this node: see enablemonitor.go.
	MonitorIdentity   string `json:"monitor_identity,omitempty"`
	CandidatePriority *int   `json:"candidate_priority,omitempty"`
	ReplicationQuorum *bool  `json:"replication_quorum,omitempty"`

	LastMonitorContact   time.Time `json:"last_monitor_contact,omitzero"`
	LastSecondaryContact time.Time `json:"last_secondary_contact,omitzero"`

	// Checksum is the CRC-32C of the file with an empty checksum.
	Checksum string `json:"checksum"`
}

// ReadState reads a state file. The error is an ExitError with ExitBadState; when
// the file does not exist it also is os.ErrNotExist.
func ReadState(path string) (State, error) {
	var s State
	content, err := os.ReadFile(path)
	if err != nil {
		return s, exitf(ExitBadState, "read the state of this node: %w", err)
	}
	if err := json.Unmarshal(content, &s); err != nil {
		return State{}, exitf(ExitBadState, "state file %s is damaged (%w); %s", path, err, damagedStateHint)
	}
	if s.Format != stateFormat {
		return State{}, exitf(ExitBadState, "state file %s has format %d, this program reads format %d; use the program that wrote it", path, s.Format, stateFormat)
	}
	if want, _ := s.checksum(); s.Checksum != want {
		return State{}, exitf(ExitBadState, "state file %s is damaged (its checksum is %q, its content says %q); %s", path, s.Checksum, want, damagedStateHint)
	}
	if !s.Current.Valid() || !s.Assigned.Valid() {
		return State{}, exitf(ExitBadState, "state file %s names an unknown state (current %q, assigned %q); %s", path, s.Current, s.Assigned, damagedStateHint)
	}
	return s, nil
}

const damagedStateHint = "nothing is done with it; write it anew from what the monitor knows of this node: pgaf manual fsm init --pgdata …"

// Save writes the state file so that a crash at any moment leaves either the old
// or the new content.
func (s State) Save(path string) error {
	s.Format = stateFormat
	sum, err := s.checksum()
	if err != nil {
		return exitf(ExitInternal, "write state file %s: %w", path, err)
	}
	s.Checksum = sum
	content, err := json.MarshalIndent(s, "", "    ")
	if err != nil {
		return exitf(ExitInternal, "write state file %s: %w", path, err)
	}
	if err := writeFileAtomically(path, append(content, '\n'), 0o600); err != nil {
		return exitf(ExitBadState, "write state file: %w", err)
	}
	return nil
}

func (s State) checksum() (string, error) {
	s.Checksum = ""
	content, err := json.Marshal(s)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%08x", crc32.Checksum(content, crc32.MakeTable(crc32.Castagnoli))), nil
}

// writeFileAtomically replaces the file at path: temporary file, fsync, rename,
// fsync of the folder.
func writeFileAtomically(path string, content []byte, mode os.FileMode) error {
	temp, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode)
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name())
	if _, err := temp.Write(content); err != nil {
		temp.Close()
		return err
	}
	if err := temp.Sync(); err != nil {
		temp.Close()
		return fmt.Errorf("fsync %s: %w", temp.Name(), err)
	}
	if err := temp.Close(); err != nil {
		return err
	}
	if err := os.Rename(temp.Name(), path); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return fmt.Errorf("fsync %s: %w", dir, err)
	}
	return nil
}

// removeFile removes path and does not mind when it is not there.
func removeFile(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
