package nodefile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDefaultsAreValid(t *testing.T) {
	for _, k := range keys {
		if err := k.set(&File{}, k.fallback); err != nil && k.fallback != "" {
			t.Errorf("%s: %v", k.Name(), err)
		}
	}
}

// What node show prints is a file that says the same.
func TestShownFileIsTheFile(t *testing.T) {
	for _, content := range []string{
		"[node]\nkind = monitor\nport = 6000\n[postgresql]\npgdata = /d\n[options]\nssl = off\n[formation f]\nkind = pgsql\nsecondary = false\nnum_sync_standbys = 0\n",
		"[node]\nname = a\nhostname = h\nport = 6010\n[postgresql]\npgdata = /d\n[monitor]\npguri = postgres://m/x?a=b#c\n[formation]\nname = f\ngroup = 0\n" +
			"[settings]\ncandidate_priority = 7\nreplication_quorum = false\nregion = r\n[replication]\npassword = a;b#c=d\n",
	} {
		f, problems := parse("", content)
		again, more := parse("", f.ini())
		if len(problems)+len(more) > 0 {
			t.Fatal(problems, more)
		}
		f.lines, again.lines = nil, nil
		for i := range f.Formations {
			f.Formations[i].lines, again.Formations[i].lines = nil, nil
		}
		if diff := cmp.Diff(f, again, cmp.AllowUnexported(File{}, Formation{})); diff != "" {
			t.Error(diff)
		}
	}
}

func TestReleasedChangesTheTwoValuesOnly(t *testing.T) {
	content := "# deferred\n[launch]\n  create =  deferred\n; run = deferred\nrun=deferred\n[node]\nname = deferred\n"
	f, problems := parse("", content)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	want := "# deferred\n[launch]\n  create =  immediate\n; run = deferred\nrun=immediate\n[node]\nname = deferred\n"
	if diff := cmp.Diff(want, released(content, f)); diff != "" {
		t.Error(diff)
	}
}

// A copy is for its owner alone, follows no link, and is left alone when it is right.
func TestCopyOfAKeyIsSafe(t *testing.T) {
	dir := t.TempDir()
	path, victim := filepath.Join(dir, "node", "server.key"), filepath.Join(dir, "victim")
	for name, before := range map[string]func() error{
		"nothing there": func() error { return nil },
		"a link there": func() error {
			if err := os.WriteFile(victim, []byte("precious"), 0o644); err != nil {
				return err
			}
			if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
				return err
			}
			return os.Symlink(victim, path)
		},
		"an open copy there": func() error { os.Remove(path); return os.WriteFile(path, []byte("key"), 0o644) },
	} {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := before(); err != nil {
			t.Fatal(name, err)
		}
		if err := copyKey(path, []byte("key")); err != nil {
			t.Fatal(name, err)
		}
		info, err := os.Lstat(path)
		if err != nil || info.Mode() != 0o600 {
			t.Errorf("%s: the copy is %v (%v)", name, info.Mode(), err)
		}
		if content, _ := os.ReadFile(path); string(content) != "key" {
			t.Errorf("%s: the copy holds %q", name, content)
		}
		if err := copyKey(path, []byte("key")); err != nil {
			t.Fatal(name, err)
		}
		if again, _ := os.Lstat(path); !os.SameFile(info, again) {
			t.Errorf("%s: a copy that was right is replaced", name)
		}
	}
	if content, err := os.ReadFile(victim); err == nil && string(content) != "precious" {
		t.Errorf("the link was followed: %q", content)
	}
	left, _ := filepath.Glob(filepath.Join(dir, "node", ".*"))
	if len(left) > 0 {
		t.Errorf("left behind: %s", strings.Join(left, ", "))
	}
}
