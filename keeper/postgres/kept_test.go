package postgres

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The old PGDATA is kept where it is wished, with its tablespaces, also by the backups that follow.
func TestKeepOld(t *testing.T) {
	primary := newPrimary(t)
	spaces := filepath.Join(primary.dir, "space")
	primary.must(os.Mkdir(spaces, 0o700))
	primary.exec("create tablespace extra location '" + spaces + "'")
	primary.exec("create table public.t tablespace extra as select 1 as one")
	n := primary.standby(2)
	n.stop(Fast)
	old := localTablespaces(n.pgdata)

	options := n.backupOptions(primary, 2)
	options.KeepOld = KeptPath(n.pgdata, time.Now())
	n.must(testBin.BaseBackup(within(t, time.Minute), options))
	if !HasCluster(options.KeepOld) || exists(options.Dir) {
		t.Error("the old data is not where it should be")
	}
	options.KeepOld = ""
	n.must(testBin.BaseBackup(within(t, time.Minute), options))
	for _, target := range old {
		if _, err := os.Stat(target); err != nil {
			t.Errorf("a tablespace of the kept data: %v", err)
		}
	}
	copies, _ := filepath.Glob(spaces + ".pgaf_*")
	if len(copies) != 2 {
		t.Errorf("tablespaces: %v", copies)
	}
	n.writeSettings()
	n.start()
	n.must(n.WaitStreaming(within(t, time.Minute)))

	// What was kept is a cluster that runs.
	kept := newNode(t, primary.dir)
	kept.must(os.Rename(KeptPathsOf(n.pgdata)[0], kept.pgdata))
	kept.writeSettings()
	_, err := WriteStandby(kept.pgdata, Upstream{})
	kept.must(err)
	kept.start()
	if one := kept.text("select one from public.t"); one != "1" {
		t.Errorf("the kept data has %q", one)
	}
}

// A source that cannot become this node's data is refused before anything is copied.
func TestUnfitSource(t *testing.T) {
	primary := newPrimary(t)
	n := newNode(t, primary.dir)
	options := n.backupOptions(primary, 2)
	options.Source.Slot = ""
	options.SystemIdentifier = 42
	err := testBin.BaseBackup(within(t, time.Minute), options)
	if FailureOf(err) != FailureUnfit || !strings.Contains(err.Error(), "another cluster") {
		t.Errorf("another cluster: %v", err)
	}
	newer := testBin
	newer.Version.Major++
	err = newer.BaseBackup(within(t, time.Minute), n.backupOptions(primary, 2))
	if FailureOf(err) != FailureUnfit || !strings.Contains(err.Error(), "major version") {
		t.Errorf("another major version: %v", err)
	}
	t.Log(err)
	if left := folders(t, n.dir); strings.Contains(left, filepath.Base(n.pgdata)) {
		t.Errorf("left: %s", left)
	}
}

// A folder that cannot be written to is neither a reason to copy nor one to give up.
func TestNotWritable(t *testing.T) {
	promoted, old := diverged(t)
	old.stop(Fast)
	old.must(os.Chmod(old.pgdata, 0o500))
	_, err := testBin.Rewind(within(t, time.Minute), old.rewindOptions(promoted, 2))
	if FailureOf(err) != FailureNotWritable {
		t.Errorf("rewind: %v", err)
	}
	t.Log(err)
	old.must(os.Chmod(old.pgdata, 0o700))
	closed := filepath.Join(old.dir, "closed")
	old.must(os.Mkdir(closed, 0o500))
	options := old.backupOptions(promoted, 2)
	options.Dir = filepath.Join(closed, "node_2")
	err = testBin.BaseBackup(within(t, time.Minute), options)
	if FailureOf(err) != FailureNotWritable {
		t.Errorf("base backup: %v", err)
	}
	t.Log(err)
	old.mustRewind(old.rewindOptions(promoted, 2), true)
	old.follows(promoted, "10001")
}
