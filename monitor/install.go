package monitor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/jackc/pgx/v5"

	"pgaf/sql"
)

// InstallOptions qualify Install.
type InstallOptions struct {
	Logger  *slog.Logger // nil: slog.Default()
	NoFiles bool         // never write into the server's share folder
	Trial   bool         // an update is tried and taken back; nothing is installed
}

// installLock keeps two installations apart.
const installLock = `SELECT pg_advisory_lock(1886873446, 2)`
const installUnlock = `SELECT pg_advisory_unlock(1886873446, 2)`

// Install makes the connected database a monitor, or brings an older one up to
// this program's version; it does nothing when that is there already.
//
// It prefers a real extension: CREATE EXTENSION where the server has the files
// of this version, or where its share folder is on this machine and writable.
// Elsewhere, on a managed server for one, it creates the same objects without
// an extension. A *VersionError tells that the database holds a monitor that
// cannot be updated.
func Install(ctx context.Context, conn *pgx.Conn, opts InstallOptions) error {
	if opts.Logger == nil {
		opts.Logger = slog.Default()
	}
	c := &Client{conn: conn}
	if err := c.exec(ctx, "lock the installation", installLock); err != nil {
		return err
	}
	defer func() {
		unlock, cancel := context.WithTimeout(context.WithoutCancel(ctx), callTimeout)
		defer cancel()
		_ = c.exec(unlock, "unlock the installation", installUnlock)
	}()
	i := &installation{Client: c, opts: opts, log: opts.Logger}
	return i.run(ctx)
}

type installation struct {
	*Client
	opts InstallOptions
	log  *slog.Logger
}

func (i *installation) run(ctx context.Context) error {
	if err := i.checkServer(ctx); err != nil {
		return err
	}
	installed, err := i.Version(ctx)
	switch {
	case err == nil && installed == sql.Version:
		return nil
	case err == nil:
		return i.update(ctx, installed)
	case err != ErrNoExtension || i.opts.Trial:
		return err
	}
	available, err := i.makeAvailable(ctx)
	if err != nil {
		return err
	}
	if available {
		return i.createExtension(ctx)
	}
	return i.createObjects(ctx)
}

// checkServer refuses servers on which a monitor cannot live.
func (i *installation) checkServer(ctx context.Context) error {
	const doing = "look at the server"
	version, err := value[int](ctx, i.Client, doing, `SELECT current_setting('server_version_num')::int`)
	if err != nil {
		return err
	}
	if version < 130000 {
		return fmt.Errorf("install the monitor: this server is PostgreSQL %d; 13 or newer is needed", version/10000)
	}
	standby, err := value[bool](ctx, i.Client, doing, `SELECT pg_is_in_recovery()`)
	if err != nil {
		return err
	}
	if standby {
		return fmt.Errorf("install the monitor: this server is a standby; connect to its primary")
	}
	return nil
}

// makeAvailable reports whether CREATE EXTENSION will find this version, after
// having written its files if that is possible.
func (i *installation) makeAvailable(ctx context.Context) (bool, error) {
	may, err := i.mayCreateExtension(ctx)
	if err != nil || !may {
		return false, err
	}
	available, err := i.isAvailable(ctx)
	if err != nil || available || i.opts.NoFiles {
		return available, err
	}
	if !i.writeFiles(ctx) {
		return false, nil
	}
	return i.isAvailable(ctx)
}

// mayCreateExtension: the control file asks for a superuser.
func (i *installation) mayCreateExtension(ctx context.Context) (bool, error) {
	return value[bool](ctx, i.Client, "look at the own role",
		`SELECT rolsuper FROM pg_roles WHERE rolname = current_user`)
}

func (i *installation) isAvailable(ctx context.Context) (bool, error) {
	return value[bool](ctx, i.Client, "look for the extension's files", `
SELECT EXISTS (SELECT FROM pg_available_extension_versions WHERE name = 'pgautofailover' AND version = $1)`, sql.Version)
}

func (i *installation) createExtension(ctx context.Context) error {
	err := i.exec(ctx, "create extension pgautofailover",
		`CREATE EXTENSION pgautofailover VERSION '`+sql.Version+`'`)
	if err == nil {
		i.log.Info("created extension pgautofailover", "version", sql.Version)
	}
	return err
}

// createObjects runs the extension's script by itself, in one transaction.
func (i *installation) createObjects(ctx context.Context) error {
	const doing = "create the monitor's objects"
	err := i.inTx(ctx, doing, func() error {
		return wrap(doing, i.conn.PgConn().Exec(ctx, sql.Script()).Close())
	})
	if err == nil {
		i.log.Info("created the monitor's objects without an extension: the server has no files of it "+
			"and they cannot be written from here", "version", sql.Version)
	}
	return err
}

// update brings an installed extension to this version, if Postgres knows a way.
func (i *installation) update(ctx context.Context, installed string) error {
	asExtension, err := value[bool](ctx, i.Client, "look for the extension",
		`SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'pgautofailover')`)
	if err != nil {
		return err
	}
	if !asExtension || !versionLess(installed, sql.Version) {
		return compareVersions(installed, sql.Version)
	}
	path, err := i.hasPath(ctx, installed)
	if err == nil && !path && !i.opts.NoFiles && !i.opts.Trial && i.writeFiles(ctx) {
		path, err = i.hasPath(ctx, installed)
	}
	if err != nil {
		return err
	}
	switch {
	case path && i.opts.Trial:
		return i.tryUpdate(ctx)
	case !path && i.opts.Trial && hasUpdate(installed) && !i.opts.NoFiles && i.mayWriteFiles(ctx):
		i.log.Info("the files of extension pgautofailover are not on the server yet and can be written there; the update cannot be tried before")
		return nil
	case !path:
		return noUpdate(installed)
	}
	err = ownHint(i.exec(ctx, "update extension pgautofailover", updateStatement))
	if err == nil {
		i.log.Info("updated extension pgautofailover", "from", installed, "to", sql.Version)
	}
	return err
}

// noUpdate says why there is no way from an installed version to this one.
func noUpdate(installed string) error {
	e := &VersionError{Installed: installed, Required: sql.Version}
	e.Remedy = "there is no update from that version: create a pgaf monitor in another database and register the nodes there"
	if hasUpdate(installed) {
		e.Remedy = "the update needs the extension's files on the monitor's server: install them with make install, or with pgaf's package"
	}
	return e
}

// hasUpdate reports whether this program has an update from an installed version.
func hasUpdate(installed string) bool {
	for name := range sql.Updates() {
		if strings.HasPrefix(name, "pgautofailover--"+installed+"--") {
			return true
		}
	}
	return false
}

const updateStatement = `ALTER EXTENSION pgautofailover UPDATE TO '` + sql.Version + `'`

// hasPath reports whether the server has the scripts of an update from that version.
func (i *installation) hasPath(ctx context.Context, installed string) (bool, error) {
	return value[bool](ctx, i.Client, "look for an update", `
SELECT EXISTS (SELECT FROM pg_extension_update_paths('pgautofailover')
                WHERE source = $1 AND target = $2 AND path IS NOT NULL)`, installed, sql.Version)
}

// tryUpdate makes the update and takes it back: what stands in its way is known
// before anything depends on it. Its locks keep keepers waiting for a moment.
func (i *installation) tryUpdate(ctx context.Context) error {
	const doing = "try the update of extension pgautofailover"
	tx, err := i.conn.Begin(ctx)
	if err != nil {
		return wrap(doing, err)
	}
	defer tx.Rollback(context.WithoutCancel(ctx))
	_, err = tx.Exec(ctx, updateStatement)
	return ownHint(wrap(doing, err))
}

// ownHint replaces that of Postgres, to drop everything with CASCADE.
func ownHint(err error) error {
	var refused *SQLError
	if errors.As(err, &refused) && refused.SQLState == "2BP01" { // dependent objects still exist
		refused.Hint = "drop what the message names, and create it again after the update"
	}
	return err
}
