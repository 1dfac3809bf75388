package postgres

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestSettingUses looks at a server whose settings come from our file, then from the operator's, then wait for a restart.
func TestSettingUses(t *testing.T) {
	n := newPrimary(t)
	use := func(name string) SettingUse {
		t.Helper()
		uses, err := n.SettingUses(within(t, 5*time.Second))
		n.must(err)
		for _, u := range uses {
			if u.Name == name {
				return u
			}
		}
		return SettingUse{}
	}
	if got, want := use("max_connections"), (SettingUse{Name: "max_connections", Value: "100", Filed: "100"}); got != want {
		t.Errorf("after initdb: %+v, want %+v", got, want)
	}
	write := func(group map[string]int) {
		t.Helper()
		_, err := WriteSettings(n.pgdata, NodeSettings{Kind: KindStandalone, Tuning: TestTuning(), Group: group})
		n.must(err)
		n.must(n.ReloadSeen(within(t, 5*time.Second)))
	}
	group := map[string]int{"max_connections": 120, "max_wal_senders": 14}
	write(group)
	if got, want := use("max_connections"), (SettingUse{Name: "max_connections", Value: "100", Pending: true, Filed: "120"}); got != want {
		t.Errorf("our file: %+v, want %+v", got, want)
	}
	if got := use("max_wal_senders"); got.Filed != "14" || got.Value != "12" || !got.Pending {
		t.Errorf("our file: %+v", got)
	}
	if got := WrittenGroupSettings(n.pgdata); !maps.Equal(got, group) {
		t.Errorf("written are %v, want %v", got, group)
	}

	path := filepath.Join(n.pgdata, "postgresql.conf")
	content, err := os.ReadFile(path)
	n.must(err)
	n.must(os.WriteFile(path, append(content, "Max_Connections = 130\nshared_buffers = '20MB'\n"...), 0o600))
	n.must(n.ReloadSeen(within(t, 5*time.Second)))
	if got := use("max_connections"); got.Filed != "130" || !strings.Contains(got.Source, path+" line ") {
		t.Errorf("the operator's file: %+v", got)
	}
	if got := use("shared_buffers"); !got.Pending {
		t.Errorf("another setting that waits for a restart: %+v", got)
	}
	n.must(os.WriteFile(path, content, 0o600))
	n.stop(Fast)
	n.start()
	if got, want := use("max_connections"), (SettingUse{Name: "max_connections", Value: "120", Filed: "120"}); got != want {
		t.Errorf("after the restart: %+v, want %+v", got, want)
	}
	write(nil)
	if got := WrittenGroupSettings(n.pgdata); len(got) != 0 {
		t.Errorf("written are %v, want none", got)
	}
}
