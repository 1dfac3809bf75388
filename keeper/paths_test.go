package keeper

import (
	"os"
	"path/filepath"
	"testing"
)

func TestPaths(t *testing.T) {
	top := t.TempDir()
	runtime := filepath.Join(top, "run")
	if err := os.Mkdir(runtime, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("HOME", filepath.Join(top, "home"))
	t.Setenv("XDG_CONFIG_HOME", "")
	t.Setenv("XDG_DATA_HOME", filepath.Join(top, "data"))
	t.Setenv("XDG_RUNTIME_DIR", runtime)
	p, err := PathsOf(filepath.Join(top, "node"))
	if err != nil {
		t.Fatal(err)
	}
	want := Paths{
		PGDATA: filepath.Join(top, "node"),
		Config: filepath.Join(top, "home/.config/pgaf", top, "node/pgaf.cfg"),
		State:  filepath.Join(top, "data/pgaf", top, "node/pgaf.state"),
		Init:   filepath.Join(top, "data/pgaf", top, "node/pgaf.init"),
		Pid:    filepath.Join(runtime, "pgaf", top, "node/pgaf.pid"),
		Lease:  filepath.Join(runtime, "pgaf", top, "node/pgaf.lease"),
		Lock:   filepath.Join(top, "data/pgaf", top, "node/pgaf.lock"),
		Exec:   filepath.Join(runtime, "pgaf", top, "node/pgaf.exec"),
		Nodes:  filepath.Join(top, "data/pgaf", top, "node/nodes.json"),
		Key:    filepath.Join(top, "data/pgaf", top, "node/server.key"),
		Goal:   filepath.Join(top, "data/pgaf", top, "node/pgaf.goal"),
	}
	if p != want {
		t.Errorf("%+v\nwant %+v", p, want)
	}
	if left, _ := filepath.Glob(filepath.Join(top, "*")); len(left) != 1 {
		t.Errorf("computing paths made %v", left)
	}
	if err := p.makeFolders(); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{p.Config, p.State, p.Pid} {
		if info, err := os.Stat(filepath.Dir(file)); err != nil || !info.IsDir() {
			t.Errorf("no folder for %s: %v", file, err)
		}
	}
	if err := p.makeFolders(); err != nil {
		t.Errorf("a second time: %v", err)
	}
}

// A node has the same files by whichever name of its folder, before and after it is made.
func TestPathsResolveLinks(t *testing.T) {
	top := t.TempDir()
	t.Setenv("HOME", top)
	if err := os.Mkdir(filepath.Join(top, "disk"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(top, "disk"), filepath.Join(top, "link")); err != nil {
		t.Fatal(err)
	}
	t.Chdir(top)
	want, err := PathsOf(filepath.Join(top, "disk/node"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"link/node", "./disk/../link/node/", "disk/node"} {
		if got, err := PathsOf(name); err != nil || got != want {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	if err := os.Mkdir(filepath.Join(top, "disk/node"), 0o700); err != nil {
		t.Fatal(err)
	}
	if got, err := PathsOf("link/node"); err != nil || got != want {
		t.Errorf("once made: %+v, %v", got, err)
	}
}

func TestPathsErrors(t *testing.T) {
	if _, err := PathsOf(""); ExitCode(err) != ExitBadArgs {
		t.Errorf("no PGDATA: %v", err)
	}
	t.Setenv("HOME", "")
	t.Setenv("XDG_CONFIG_HOME", "")
	if _, err := PathsOf("/x"); ExitCode(err) != ExitInternal {
		t.Errorf("no HOME: %v", err)
	}
}
