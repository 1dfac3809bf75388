package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// CloneProgram is the Program of the BackupError of a Clone.
const CloneProgram = "clone command"

// Clone is a program of the operator's that makes a copy of the primary, from a backup repository for instance.
// It is run by sh -c. Its environment tells it what to do (cloneEnv); it fills the folder PGDATA, which is empty,
// and exits with 0. What it made is verified, becomes a standby and replaces the old data like a base backup.
type Clone struct {
	Command string
	Env     []string // NAME=value, about the node
}

// cloneEnv is what a clone command is told about its task, beside our environment. PGDATA is not the folder that
// the server will run on, but one beside it.
func (b baseBackup) cloneEnv(spaces []tablespace) []string {
	source := b.o.Source
	conninfo, env := source.forProgram()
	var lines []string
	for _, space := range spaces {
		lines = append(lines, fmt.Sprintf("%d\t%s\t%s", space.oid, space.source, space.target))
	}
	env = append(env,
		"PGDATA="+b.o.Dir,
		"PGAF_PRIMARY_CONNINFO="+conninfo,
		"PGAF_PRIMARY_HOST="+source.Host,
		fmt.Sprintf("PGAF_PRIMARY_PORT=%d", source.Port),
		"PGAF_REPLICATION_SLOT="+source.Slot,
		fmt.Sprintf("PGAF_SYSTEM_IDENTIFIER=%d", b.o.SystemIdentifier),
		"PGAF_TABLESPACES="+strings.Join(lines, "\n"),
		"PATH="+os.Getenv("PATH")+":"+b.Dir,
	)
	return append(env, b.o.Clone.Env...)
}

// clone runs the clone command.
func (b baseBackup) clone(ctx context.Context, spaces []tablespace) error {
	p := program{
		path: "/bin/sh", args: []string{"-c", b.o.Clone.Command},
		base: cloneBase(), env: b.cloneEnv(spaces), merged: true,
	}
	if b.o.Logger != nil {
		p.onLine = func(line string) { b.o.Logger.Debug("clone command", "says", line) }
	}
	if output, err := p.run(ctx); err != nil {
		failed := b.failed(ctx, output, err)
		if failed.Kind == FailureImpossible {
			failed.Kind = FailureUnknown // that is pg_rewind's language
		}
		return failed
	}
	return b.settle()
}

// settle makes the result durable, with the permissions that Postgres demands: pg_basebackup does so itself.
func (b baseBackup) settle() error {
	dir, err := os.Open(b.o.Dir)
	if err != nil {
		return err
	}
	defer dir.Close()
	info, err := dir.Stat()
	if err != nil {
		return err
	}
	if info.Mode().Perm()&0o027 != 0 {
		err = dir.Chmod(0o700)
	}
	return errors.Join(err, unix.Syncfs(int(dir.Fd())))
}

// cloneBase is our environment without what names another server than the one to copy. Backup programs have
// settings there, also some that begin with PG (PGBACKREST_…).
func cloneBase() []string {
	return slices.DeleteFunc(os.Environ(), func(kv string) bool {
		name, _, _ := strings.Cut(kv, "=")
		switch name {
		case "PGHOST", "PGHOSTADDR", "PGPORT", "PGUSER", "PGDATABASE", "PGSERVICE", "PGPASSWORD", "PGAPPNAME", "PGOPTIONS", "PGDATA", "NOTIFY_SOCKET":
			return true
		}
		return strings.HasPrefix(name, "PGSSL") || strings.HasPrefix(name, "PGAF_")
	})
}

// endClones ends what a clone command of a killed keeper left running into the same folder.
func endClones(ctx context.Context, dir string) error {
	return endProcesses(ctx, 0, func(pid int) bool {
		environ, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
		if err != nil || pid == os.Getpid() {
			return false
		}
		variables := strings.Split(string(environ), "\x00")
		return slices.Contains(variables, "PGDATA="+dir) &&
			slices.ContainsFunc(variables, func(kv string) bool { return strings.HasPrefix(kv, "PGAF_PRIMARY_CONNINFO=") })
	})
}
