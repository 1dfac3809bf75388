package postgres

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// InitDBOptions: zero values take initdb's defaults, except Auth (trust).
type InitDBOptions struct {
	Auth          string // method of the local and loopback lines of pg_hba.conf; default trust
	LocalAuth     string // of the local lines only; default Auth
	User          string // bootstrap superuser; default the OS user
	Locale        string
	Encoding      string
	DataChecksums bool
	ExtraArgs     []string
}

func (o InitDBOptions) args(pgdata string) []string {
	auth := o.Auth
	if auth == "" {
		auth = "trust"
	}
	args := []string{"--pgdata", pgdata, "--auth", auth}
	for _, option := range []struct{ name, value string }{
		{"--auth-local", o.LocalAuth}, {"--username", o.User}, {"--locale", o.Locale}, {"--encoding", o.Encoding},
	} {
		if option.value != "" {
			args = append(args, option.name, option.value)
		}
	}
	if o.DataChecksums {
		args = append(args, "--data-checksums")
	}
	return append(args, o.ExtraArgs...)
}

// InitDB creates a cluster. It works in a folder beside pgdata that is then renamed, so pgdata appears
// complete or not at all and a killed keeper can simply call it again. Only where pgdata is an empty mount
// point it works in place.
func (b Bin) InitDB(ctx context.Context, pgdata string, opts InitDBOptions) error {
	doing := "create a cluster in " + pgdata
	if real, err := filepath.EvalSymlinks(pgdata); err == nil {
		pgdata = real
	}
	entries, err := os.ReadDir(pgdata)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: %w", doing, err)
	}
	if len(entries) > 0 {
		return fmt.Errorf("%s: the folder is not empty; empty it or choose another --pgdata", doing)
	}
	if err := os.MkdirAll(filepath.Dir(pgdata), 0o700); err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	dir := filepath.Join(filepath.Dir(pgdata), "."+filepath.Base(pgdata)+".initdb")
	err = os.RemoveAll(dir)
	if err == nil {
		err = os.Mkdir(dir, 0o700)
	}
	if err != nil || mountPoint(pgdata) {
		dir = pgdata
	}
	p := program{path: b.Path("initdb"), args: opts.args(dir), locale: true}
	output, err := p.run(ctx)
	if err == nil {
		err = initialConnections(dir)
	}
	if err == nil && dir != pgdata {
		output = ""
		err = unix.Rename(dir, pgdata) // over an empty folder, which os.Rename refuses
	}
	if err != nil {
		kind := classify(ctx, output, err)
		if kind == FailureUnreachable || kind == FailureImpossible {
			kind = FailureUnknown // there is no source
		}
		if dir != pgdata {
			_ = os.RemoveAll(dir)
		}
		return &ProgramError{Program: "initdb", Doing: doing, Kind: kind, Output: output, Err: err}
	}
	return syncDir(filepath.Dir(pgdata))
}

// mountPoint reports whether path is the root of a mounted file system, which cannot be renamed over.
func mountPoint(path string) bool {
	here, err := os.Stat(path)
	if err != nil {
		return false
	}
	above, err := os.Stat(filepath.Dir(path))
	return err == nil && here.Sys().(*syscall.Stat_t).Dev != above.Sys().(*syscall.Stat_t).Dev
}
