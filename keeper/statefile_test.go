package keeper

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"pgaf/monitor"
)

func sampleState() State {
	return State{
		Format: stateFormat, NodeID: 3, GroupID: 1, Current: monitor.StatePrimary, Assigned: monitor.StateDemoteTimeout,
		SystemIdentifier: 7710480851121133706, PgVersion: "15.20", ControlVersion: 1300, CatalogVersion: 202209061,
		Dirty: true, Unconfirmed: true, Astray: true, SelfFenced: true, ReceivedTimeline: 4, LastMonitorContact: time.Unix(1_800_000_000, 0).UTC(),
	}
}

func TestStateRoundTrip(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pgaf.state")
	want := sampleState()
	if err := want.Save(path); err != nil {
		t.Fatal(err)
	}
	got, err := ReadState(path)
	if err != nil {
		t.Fatal(err)
	}
	got.Checksum = ""
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-saved +read):\n%s", diff)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if left, _ := filepath.Glob(path + ".*"); left != nil {
		t.Errorf("left behind: %v", left)
	}
}

func TestStateMissing(t *testing.T) {
	_, err := ReadState(filepath.Join(t.TempDir(), "pgaf.state"))
	if !errors.Is(err, fs.ErrNotExist) || ExitCode(err) != ExitBadState {
		t.Errorf("%v (exit %d)", err, ExitCode(err))
	}
}

// Whatever happened to the file, a keeper must not act on it.
func TestStateDamageIsNoticed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pgaf.state")
	if err := sampleState().Save(path); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text := string(content)
	damaged := map[string]string{
		"empty":               "",
		"cut short":           text[:len(text)/2],
		"another state":       strings.Replace(text, `"current_role": "primary"`, `"current_role": "single"`, 1),
		"another node":        strings.Replace(text, `"nodeId": 3`, `"nodeId": 4`, 1),
		"a state of no kind":  strings.Replace(text, `"current_role": "primary"`, `"current_role": "queen"`, 1),
		"another format":      strings.Replace(text, `"version": 3`, `"version": 2`, 1),
		"a binary state file": "\x02\x00\x00\x00" + strings.Repeat("\x00", 1020),
	}
	for i := range text {
		flipped := []byte(text)
		flipped[i] ^= 0x04
		damaged["bit of byte "+string(rune('0'+i%10))+text[max(0, i-12):i]] = string(flipped)
	}
	for name, content := range damaged {
		if content == text {
			t.Fatalf("%s: not damaged", name)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := ReadState(path)
		if err != nil {
			if ExitCode(err) != ExitBadState {
				t.Errorf("%s: exit %d", name, ExitCode(err))
			}
			continue
		}
		// A change of white space or of a key that is not known changes nothing.
		got.Checksum = ""
		if diff := cmp.Diff(sampleState(), got); diff != "" {
			t.Errorf("%s: read as\n%s", name, diff)
		}
	}
}

func TestInitFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pgaf.init")
	if f, err := readInitFile(path); f != nil || err != nil {
		t.Errorf("missing file: %v, %v", f, err)
	}
	want := initFile{Format: initFormat, PGDATA: folderCluster, ConfigExisted: true}
	if err := want.save(path); err != nil {
		t.Fatal(err)
	}
	if got, err := readInitFile(path); err != nil || *got != want {
		t.Errorf("%+v, %v", got, err)
	}
	if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := readInitFile(path); ExitCode(err) != ExitBadState {
		t.Errorf("damaged file: %v", err)
	}
}
