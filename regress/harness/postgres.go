package harness

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Postgres is one installation of PostgreSQL.
type Postgres struct {
	BinDir   string
	ShareDir string
}

// NewPostgres makes a relocated installation of the run's own: copied programs, linked
// libraries, and a folder of extensions which the account may write to, or not. So
// what is or is not installed on this machine does not matter, and nothing is installed
// on it.
func (r *Run) NewPostgres(ctx context.Context, name string, writable bool) (Postgres, error) {
	tree := filepath.Join(r.Dir, name)
	script := exec.CommandContext(ctx, "sh", filepath.Join(r.Repo, "regress", "private-postgres.sh"), tree)
	if out, err := script.CombinedOutput(); err != nil {
		return Postgres{}, fmt.Errorf("make a private Postgres: %w\n%s", err, out)
	}
	pg, err := postgresOf(ctx, filepath.Join(tree, "pg_config"))
	if err != nil {
		return Postgres{}, err
	}
	if !strings.HasPrefix(pg.ShareDir, tree+"/") {
		return Postgres{}, fmt.Errorf("the copy in %s looks for its files in %s: this build of Postgres cannot be relocated", tree, pg.ShareDir)
	}
	extensions := filepath.Join(pg.ShareDir, "extension")
	switch {
	case !writable:
		return pg, os.Chmod(extensions, 0o555)
	case r.Account.switches:
		return pg, os.Chown(extensions, r.Account.UID, r.Account.GID)
	}
	return pg, nil
}

// InstalledPostgres is the one that $PG_CONFIG or the PATH selects.
func InstalledPostgres(ctx context.Context) (Postgres, error) {
	return postgresOf(ctx, cmp.Or(os.Getenv("PG_CONFIG"), "pg_config"))
}

// postgresOf asks an installation's pg_config where it is.
func postgresOf(ctx context.Context, config string) (pg Postgres, err error) {
	for flag, target := range map[string]*string{"--bindir": &pg.BinDir, "--sharedir": &pg.ShareDir} {
		out, err := exec.CommandContext(ctx, config, flag).Output()
		if err != nil {
			return Postgres{}, fmt.Errorf("%s %s: %w", config, flag, err)
		}
		*target = strings.TrimSpace(string(out))
	}
	return pg, nil
}
