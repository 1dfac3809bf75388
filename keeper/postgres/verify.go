package postgres

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// What a base backup makes sure of before it copies, and before the copy replaces what is there.

// keptSuffix follows the name of PGDATA in the name of a predecessor that was kept.
const keptSuffix = ".old-"

// KeptPath is where a PGDATA that is replaced now is kept: beside it, named after the time.
func KeptPath(pgdata string, now time.Time) string {
	if real, err := filepath.EvalSymlinks(pgdata); err == nil {
		pgdata = real
	}
	return pgdata + keptSuffix + now.UTC().Format("20060102T150405.000Z")
}

// KeptPathsOf lists the predecessors of PGDATA that were kept, oldest first.
func KeptPathsOf(pgdata string) []string {
	kept, _ := filepath.Glob(globQuote(pgdata) + keptSuffix + "*")
	return kept
}

// survey asks the source what it is, refuses one that cannot become our PGDATA before anything is copied, and
// plans where its tablespaces go. A source that cannot be asked over SQL (no Database) has none as far as we
// know.
func (b baseBackup) survey(ctx context.Context) ([]tablespace, error) {
	if b.o.Source.Database == "" {
		return nil, nil
	}
	var spaces []tablespace
	var unfit error
	err := querySource(ctx, b.o.Source, func(conn *pgx.Conn) error {
		var version, system int64
		err := conn.QueryRow(ctx, `select current_setting('server_version_num')::int8, system_identifier from pg_control_system()`).
			Scan(&version, &system)
		if err != nil {
			return err
		}
		if unfit = b.fits(b.o.Source.String(), int(version/10000), uint64(system)); unfit != nil {
			return nil
		}
		spaces, err = planTablespaces(ctx, conn, b.o.PGDATA)
		return err
	})
	if unfit != nil {
		return nil, b.unfit(ctx, unfit)
	}
	if err != nil {
		failed := b.failed(ctx, "", err)
		failed.Kind = classifyConnection(ctx, err)
		return nil, failed
	}
	for _, space := range spaces {
		for _, dir := range abandonedCopies(b.o.PGDATA, tablespaceHome(space.source)) {
			b.remove(dir)
		}
	}
	return spaces, nil
}

func (b baseBackup) unfit(ctx context.Context, err error) *BackupError {
	failed := b.failed(ctx, "", err)
	failed.Kind = FailureUnfit
	return failed
}

// fits compares what was or is to be copied with what this node can run and its group is.
func (b baseBackup) fits(what string, major int, system uint64) error {
	switch {
	case major != b.Version.Major:
		return fmt.Errorf("%s is of PostgreSQL %d and the programs in %s are of %d: a standby needs the primary's major version", what, major, b.Dir, b.Version.Major)
	case b.o.SystemIdentifier != 0 && system != b.o.SystemIdentifier:
		return fmt.Errorf("%s is another cluster: its system identifier is %d, this group's %d", what, system, b.o.SystemIdentifier)
	}
	return nil
}

// verify looks at the finished copy: from here on it may replace the old data.
func (b baseBackup) verify(ctx context.Context) error {
	for _, name := range []string{"PG_VERSION", "global/pg_control", "postgresql.conf"} {
		if !exists(filepath.Join(b.o.Dir, name)) {
			return b.unfit(ctx, fmt.Errorf("what it made is no data folder: it has no file %s", name))
		}
	}
	text, err := os.ReadFile(filepath.Join(b.o.Dir, "PG_VERSION"))
	if err != nil {
		return err
	}
	major, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return b.unfit(ctx, fmt.Errorf("what it made has %q in PG_VERSION", strings.TrimSpace(string(text))))
	}
	if err := b.fits("what it made", major, b.o.SystemIdentifier); err != nil {
		return b.unfit(ctx, err)
	}
	control, err := b.ControlData(ctx, b.o.Dir)
	if err != nil {
		return b.unfit(ctx, err)
	}
	if err := b.fits("what it made", major, control.SystemIdentifier); err != nil {
		return b.unfit(ctx, err)
	}
	for oid, target := range localTablespaces(b.o.Dir) {
		if _, err := os.Stat(target); err != nil {
			return b.unfit(ctx, fmt.Errorf("tablespace %s of what it made is missing: %w", oid, err))
		}
	}
	return nil
}
