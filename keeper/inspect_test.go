package keeper

import (
	"path/filepath"
	"testing"

	"pgaf/monitor"
)

// A create continues what a killed one left, and never takes a living node for that.
func TestOnlyHalfMadeNodesAreContinued(t *testing.T) {
	for _, test := range []struct {
		name     string
		initFile bool
		state    monitor.State // "": no state file
		want     bool
	}{
		{"nothing there", false, "", false},
		{"killed before it registered", true, "", false},
		{"killed after it registered", true, monitor.StateInit, true},
		{"killed while it waited or copied", true, monitor.StateWaitStandby, true},
		{"killed at its very end", true, monitor.StateSingle, false},
		{"killed at its end, and failed over since", true, monitor.StateDemoted, false},
		{"dropped", true, monitor.StateDropped, false},
		{"finished", false, monitor.StatePrimary, false},
	} {
		dir := t.TempDir()
		c := &creation{paths: Paths{State: filepath.Join(dir, "state"), Init: filepath.Join(dir, "init")}}
		if test.initFile {
			if err := (initFile{PGDATA: folderAbsent}).save(c.paths.Init); err != nil {
				t.Fatal(err)
			}
		}
		if test.state != "" {
			if err := (State{NodeID: 1, Current: test.state, Assigned: test.state}).Save(c.paths.State); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.inspectProgress(); err != nil || c.continued != test.want {
			t.Errorf("%s: continued %v, %v", test.name, c.continued, err)
		}
	}
}
