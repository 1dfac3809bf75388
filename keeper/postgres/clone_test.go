package postgres

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// cloneOptions let a command make node 2 of a primary.
func (n *node) cloneOptions(primary *node, command string) BaseBackupOptions {
	options := n.backupOptions(primary, 2)
	options.SystemIdentifier = primary.metadata().SystemIdentifier
	options.Clone = &Clone{Command: command, Env: []string{"PGAF_NODE_NAME=two"}}
	return options
}

// copies is a clone command that takes the copy with pg_basebackup, as a backup program would from its repository.
const copies = `pg_basebackup -w -d "$PGAF_PRIMARY_CONNINFO" -D "$PGDATA" -X stream -c fast`

func TestClone(t *testing.T) {
	primary := newPrimary(t)
	spaces := filepath.Join(primary.dir, "space")
	primary.must(os.Mkdir(spaces, 0o700))
	primary.exec("create tablespace extra location '" + spaces + "'")
	primary.exec("create table public.t tablespace extra as select g from generate_series(1, 1000) g")
	_, err := primary.EnsureSlots(within(t, time.Minute), []SlotWanted{{Name: SlotName(2)}}, false)
	primary.must(err)
	n := newNode(t, primary.dir)

	t.Setenv("PGBACKREST_STANZA", "main")
	t.Setenv("PGHOST", "nowhere")
	command := `test "$PGBACKREST_STANZA$PGHOST$PGAF_NODE_NAME" = maintwo &&
		test "$PGAF_PRIMARY_HOST:$PGAF_PRIMARY_PORT/$PGAF_REPLICATION_SLOT" = localhost:` + fmt.Sprint(primary.port) + `/pgautofailover_standby_2 &&
		test "$PGAF_SYSTEM_IDENTIFIER" = ` + fmt.Sprint(primary.metadata().SystemIdentifier) + ` &&
		mapping=$(printf '%s' "$PGAF_TABLESPACES" | awk -F '\t' '{ print $2 "=" $3 }') &&
		` + copies + ` --tablespace-mapping "$mapping" &&
		touch "$PGDATA/recovery.signal" "$PGDATA/postmaster.pid" && chmod 755 "$PGDATA" &&
		printf "%s\n" "primary_conninfo = 'host=nowhere'" "recovery_target = 'immediate'" "restore_command = 'false'" >> "$PGDATA/postgresql.auto.conf"`
	n.must(testBin.BaseBackup(within(t, time.Minute), n.cloneOptions(primary, command)))
	if target := localTablespaces(n.pgdata); len(target) != 1 {
		t.Errorf("tablespaces: %v", target)
	}
	n.writeSettings()
	n.start()
	n.must(n.WaitStreaming(within(t, time.Minute)))
	n.caughtUp(primary)
	if got := n.text("select count(*) from public.t"); got != "1000" {
		t.Errorf("%s rows", got)
	}
	if command := n.text("current_setting('restore_command')"); command != "false" {
		t.Errorf("restore_command is %q", command)
	}
}

// What fails or makes something else than a copy of the primary is not used: the old data stays, nothing else does.
func TestCloneErrors(t *testing.T) {
	primary := newPrimary(t)
	n := primary.standby(2)
	n.stop(Fast)
	other := newNode(t, testDir(t))
	other.must(testBin.InitDB(within(t, time.Minute), other.pgdata, quick))
	before := folders(t, n.dir)
	for _, c := range []struct {
		what, command string
		kind          Failure
		says          string
	}{
		{"it fails", `echo 'unable to find backup set'; echo 'ERROR: [075]: no backup' >&2; exit 75`, FailureUnknown, "unable to find backup set | ERROR: [075]: no backup"},
		{"no space", `echo 'write: No space left on device' >&2; exit 1`, FailureNoSpace, "free space"},
		{"it does not exist", `/nowhere/restore`, FailureUnknown, "/nowhere/restore"},
		{"it makes nothing", `true`, FailureUnfit, "no file PG_VERSION"},
		{"another cluster", `cp -a ` + other.pgdata + `/. "$PGDATA"`, FailureUnfit, "another cluster"},
		{"another major version", copies + ` && echo 12 > "$PGDATA/PG_VERSION"`, FailureUnfit, "PostgreSQL 12"},
		{"a damaged control file", copies + ` && truncate -s 100 "$PGDATA/global/pg_control"`, FailureUnfit, "pg_control"},
		{"a tablespace that is not there", copies + ` && ln -s /nowhere "$PGDATA/pg_tblspc/1"`, FailureUnfit, "tablespace 1"},
	} {
		err := testBin.BaseBackup(within(t, time.Minute), n.cloneOptions(primary, c.command))
		if FailureOf(err) != c.kind || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: want %s with %q: %v", c.what, c.kind, c.says, err)
			continue
		}
		t.Log(err)
		if left := folders(t, n.dir); left != before {
			t.Errorf("%s: the folders were %s and are %s", c.what, before, left)
		}
	}
	n.start()
}

func folders(t *testing.T, dir string) string {
	t.Helper()
	var names []string
	for _, pattern := range []string{"*", "backup/*"} {
		found, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range found {
			if filepath.Base(path) != "backup" {
				names = append(names, path)
			}
		}
	}
	return strings.Join(names, " ")
}

// A clone command that a killed keeper left behind is ended before the next attempt.
func TestCloneInterrupted(t *testing.T) {
	primary := newPrimary(t)
	n := newNode(t, primary.dir)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	began := filepath.Join(primary.dir, "began")
	options := n.cloneOptions(primary, "touch "+began+"; setsid sleep 600 & wait")
	done := make(chan error, 1)
	go func() { done <- testBin.BaseBackup(ctx, options) }()
	n.must(askUntil(within(t, time.Minute), func() (bool, error) { return exists(began), nil }))
	cancel()
	if err := <-done; FailureOf(err) != FailureInterrupted || exists(n.pgdata) {
		t.Fatalf("interrupted: %v", err)
	}
	// The sleeper left the process group, as one would that lost its parent.
	n.must(endClones(within(t, time.Minute), options.Dir))
	if left := hold(func(pid int) bool {
		environ, _ := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
		return strings.Contains(string(environ), "PGDATA="+options.Dir+"\x00") && pid != os.Getpid()
	}); len(left) != 0 {
		t.Errorf("%d processes are left", len(left))
	}
}
