package postgres

import (
	"context"
	"fmt"
	"hash/crc32"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// A tablespace lies outside PGDATA at the same path on every node. A base backup must not touch the old
// content before it is complete, so each backup puts its copy into a fresh folder below that path, which the
// link in pg_tblspc then points to: pgaf_<hash of PGDATA>_<time>, so that nodes that share a machine never
// remove each other's.
type tablespace struct {
	source string // location on the source
	target string // folder of our copy
}

func (t tablespace) mapping() string {
	escape := strings.NewReplacer(`\`, `\\`, `=`, `\=`)
	return escape.Replace(t.source) + "=" + escape.Replace(t.target)
}

var tablespaceCopy = regexp.MustCompile(`^pgaf_[0-9a-f]{8}_\d+$`)

// tablespaceHome is the folder the tablespace was created at: a source that was itself made by a base backup
// has it one level deeper.
func tablespaceHome(location string) string {
	if tablespaceCopy.MatchString(filepath.Base(location)) {
		return filepath.Dir(location)
	}
	return location
}

// tablespaces asks the source for its tablespaces and plans where their copies go. A source that cannot be
// asked over SQL (no Database) has none as far as we know.
func (b baseBackup) tablespaces(ctx context.Context) ([]tablespace, error) {
	if b.o.Source.Database == "" {
		return nil, nil
	}
	var spaces []tablespace
	name := fmt.Sprintf("%s%d", b.copyPrefix(), time.Now().UnixNano())
	err := querySource(ctx, b.o.Source, func(conn *pgx.Conn) error {
		rows, err := conn.Query(ctx, `select pg_tablespace_location(oid) from pg_tablespace
			where pg_tablespace_location(oid) like '/%'`)
		if err != nil {
			return err
		}
		locations, err := pgx.CollectRows(rows, pgx.RowTo[string])
		for _, location := range locations {
			b.removeAbandoned(tablespaceHome(location))
			spaces = append(spaces, tablespace{location, filepath.Join(tablespaceHome(location), name)})
		}
		return err
	})
	if err != nil {
		failed := b.failed(ctx, "", err)
		failed.Kind = classifyConnection(ctx, err)
		return nil, failed
	}
	return spaces, nil
}

func (b baseBackup) copyPrefix() string {
	return fmt.Sprintf("pgaf_%08x_", crc32.ChecksumIEEE([]byte(b.o.PGDATA)))
}

// removeAbandoned removes the copies of backups that were cut off.
func (b baseBackup) removeAbandoned(home string) {
	inUse := slices.Collect(maps.Values(localTablespaces(b.o.PGDATA)))
	copies, _ := filepath.Glob(filepath.Join(home, b.copyPrefix()+"*"))
	for _, dir := range copies {
		if !slices.Contains(inUse, dir) {
			b.remove(dir)
		}
	}
}

// removeTablespaces removes what the old PGDATA had outside itself, given its links before the swap.
func (b baseBackup) removeTablespaces(old map[string]string) {
	inUse := slices.Collect(maps.Values(localTablespaces(b.o.PGDATA)))
	for _, target := range old {
		switch {
		case slices.Contains(inUse, target):
		case tablespaceCopy.MatchString(filepath.Base(target)):
			b.remove(target)
		default: // the tablespace's own folder stays, it may be a mount point; our version's folder in it goes
			versions, _ := filepath.Glob(filepath.Join(target, fmt.Sprintf("PG_%d_*", b.Version.Major)))
			for _, dir := range versions {
				b.remove(dir)
			}
		}
	}
}

func (b baseBackup) remove(dir string) {
	if err := os.RemoveAll(dir); err != nil && b.o.Logger != nil {
		b.o.Logger.Warn("old data could not be removed", "dir", dir, "error", err)
	}
}

// localTablespaces reads the links of PGDATA/pg_tblspc: oid → folder.
func localTablespaces(pgdata string) map[string]string {
	links := map[string]string{}
	entries, err := os.ReadDir(filepath.Join(pgdata, "pg_tblspc"))
	if err != nil {
		return links
	}
	for _, entry := range entries {
		if entry.Type()&fs.ModeSymlink == 0 {
			continue // in place, below PGDATA
		}
		if target, err := os.Readlink(filepath.Join(pgdata, "pg_tblspc", entry.Name())); err == nil {
			links[entry.Name()] = target
		}
	}
	return links
}
