package keeper

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestInspectFolder(t *testing.T) {
	top := t.TempDir()
	mkdir := func(path string) string {
		dir := filepath.Join(top, path)
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	empty, full := mkdir("empty"), mkdir("full/lost+found")
	closed := mkdir("closed")
	if err := os.Chmod(closed, 0o500); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		path  string
		state folderState
		says  string
	}{
		{filepath.Join(top, "none/of/these"), folderAbsent, ""},
		{empty, folderEmpty, ""},
		{filepath.Dir(full), "", "mount point"},
		{filepath.Join(closed, "new"), folderAbsent, "may not write"},
		{"/", "", "another user"},
	} {
		state, err := inspectFolder(test.path)
		if state != test.state || (err == nil) != (test.says == "") || err != nil && !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %q, %v", test.path, state, err)
		}
	}
}

func TestClearFolderNeverRemovesWhatWasThere(t *testing.T) {
	for before, left := range map[folderState]int{folderAbsent: -1, folderEmpty: 0, folderCluster: 1} {
		dir := filepath.Join(t.TempDir(), "pg")
		if err := errorsOf(os.Mkdir(dir, 0o700), os.WriteFile(filepath.Join(dir, "PG_VERSION"), nil, 0o600)); err != nil {
			t.Fatal(err)
		}
		if err := clearFolder(dir, before); err != nil {
			t.Fatal(err)
		}
		entries, err := os.ReadDir(dir)
		if left == -1 && !os.IsNotExist(err) || left >= 0 && len(entries) != left {
			t.Errorf("%s: %d entries, %v", before, len(entries), err)
		}
	}
}

func TestHostnameOfALoopbackMonitor(t *testing.T) {
	ctx := context.Background()
	name, err := nodeHostname(ctx, "postgres://autoctl_node@127.0.0.1:7399/pg_auto_failover")
	if err != nil || !isLocal(ctx, name) {
		t.Errorf("%q, %v", name, err)
	}
	if warning := hostnameWarning(ctx, "127.0.0.1"); warning != "" {
		t.Error(warning)
	}
	if warning := hostnameWarning(ctx, "192.0.2.1"); warning == "" {
		t.Error("an address of nobody is taken without a warning")
	}
}
