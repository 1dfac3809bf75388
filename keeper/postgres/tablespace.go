package postgres

import (
	"context"
	"errors"
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
	"golang.org/x/sys/unix"
)

// A tablespace lies outside PGDATA at the same path on every node. A base backup must not touch the old
// content before it is complete, so each backup puts its copy into a fresh folder, which the link in pg_tblspc
// then points to: beside that path, or where only the path itself can be written to (a mount point) below it. Its
// name is pgaf_<hash of PGDATA>_<time>, so that nodes that share a machine never remove each other's.
type tablespace struct {
	oid    uint32
	source string // location on the source
	target string // folder of our copy
}

func (t tablespace) mapping() string {
	escape := strings.NewReplacer(`\`, `\\`, `=`, `\=`)
	return escape.Replace(t.source) + "=" + escape.Replace(t.target)
}

// tablespaceCopy is the last part of a copy's path: the name alone below the tablespace's path, or the name of the
// tablespace's folder before it.
var tablespaceCopy = regexp.MustCompile(`^(?:(.+)\.)?pgaf_[0-9a-f]{8}_\d+$`)

// tablespaceHome is the folder the tablespace was created at: a source that was itself made by a base backup
// has it elsewhere.
func tablespaceHome(location string) string {
	m := tablespaceCopy.FindStringSubmatch(filepath.Base(location))
	switch {
	case m == nil:
		return location
	case m[1] == "":
		return filepath.Dir(location)
	}
	return filepath.Join(filepath.Dir(location), m[1])
}

// copyPath is where the copy of that name goes.
func copyPath(home, name string) string {
	var at, above unix.Stat_t
	parent := filepath.Dir(home)
	if unix.Stat(home, &at) == nil &&
		(unix.Access(parent, unix.W_OK|unix.X_OK) != nil || unix.Stat(parent, &above) != nil || at.Dev != above.Dev) {
		return filepath.Join(home, name)
	}
	return home + "." + name
}

// planTablespaces asks the source for its tablespaces and plans where their copies go on the node with PGDATA.
func planTablespaces(ctx context.Context, conn *pgx.Conn, pgdata string) ([]tablespace, error) {
	rows, err := conn.Query(ctx, `select oid, pg_tablespace_location(oid) from pg_tablespace
		where pg_tablespace_location(oid) like '/%' order by oid`)
	if err != nil {
		return nil, err
	}
	name := fmt.Sprintf("%s%d", copyPrefix(pgdata), time.Now().UnixNano())
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (t tablespace, err error) {
		err = row.Scan(&t.oid, &t.source)
		t.target = copyPath(tablespaceHome(t.source), name)
		return t, err
	})
}

func copyPrefix(pgdata string) string {
	return fmt.Sprintf("pgaf_%08x_", crc32.ChecksumIEEE([]byte(pgdata)))
}

// linkedFolders are the folders outside that PGDATA uses, and those of its predecessors that were kept.
func linkedFolders(pgdata string) []string {
	linked := tablespaceTargets(pgdata)
	for _, dir := range KeptPathsOf(pgdata) {
		linked = append(linked, tablespaceTargets(dir)...)
	}
	return linked
}

// tablespaceTargets are where the links of a PGDATA's tablespaces lead.
func tablespaceTargets(pgdata string) []string {
	return slices.Sorted(maps.Values(localTablespaces(pgdata)))
}

func globQuote(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

// abandonedCopies are copies of a tablespace that belong to nothing: of backups that were cut off.
func abandonedCopies(pgdata, home string) []string {
	linked := linkedFolders(pgdata)
	beside, _ := filepath.Glob(globQuote(home) + "." + copyPrefix(pgdata) + "*")
	below, _ := filepath.Glob(filepath.Join(globQuote(home), copyPrefix(pgdata)+"*"))
	copies := append(beside, below...)
	return slices.DeleteFunc(copies, func(dir string) bool { return slices.Contains(linked, dir) })
}

// removeTablespaces removes what the old PGDATA had outside itself, given its links before the swap.
func (b baseBackup) removeTablespaces(old map[string]string) {
	inUse := linkedFolders(b.o.PGDATA)
	for _, target := range old {
		if slices.Contains(inUse, target) {
			continue
		}
		for _, dir := range tablespaceFolders(target, fmt.Sprint(b.Version.Major)) {
			b.remove(dir)
		}
	}
}

// tablespaceFolders are what a cluster has where a link of its tablespaces leads: a copy that a base backup made is its own. A
// tablespace's own folder, which may be a mount point, is not: only that of its version in it.
func tablespaceFolders(target, major string) []string {
	if tablespaceCopy.MatchString(filepath.Base(target)) {
		return []string{target}
	}
	versions, _ := filepath.Glob(filepath.Join(globQuote(target), "PG_"+major+"_*"))
	return versions
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

// makeTablespaces prepares for the tablespaces that the source made since the histories parted: pg_rewind would
// make links to the source's own folders, which this machine may not have, or which the source uses on it.
func (r *rewind) makeTablespaces(local map[string]string) error {
	for _, space := range r.spaces {
		oid := fmt.Sprint(space.oid)
		if _, found := local[oid]; found {
			continue
		}
		for _, dir := range abandonedCopies(r.o.PGDATA, tablespaceHome(space.source)) {
			_ = os.RemoveAll(dir)
		}
		if err := os.MkdirAll(space.target, 0o700); err != nil {
			return fmt.Errorf("make the folder of a tablespace that the primary has at %s: %w", space.source, err)
		}
		if err := os.Symlink(space.target, filepath.Join(r.o.PGDATA, "pg_tblspc", oid)); err != nil {
			return fmt.Errorf("link a tablespace that the primary has at %s: %w", space.source, err)
		}
	}
	return nil
}

// unlinkTablespaces takes makeTablespaces back.
func (r *rewind) unlinkTablespaces(before map[string]string) error {
	var left []error
	for oid, target := range localTablespaces(r.o.PGDATA) {
		if _, found := before[oid]; !found {
			left = append(left, removeFile(filepath.Join(r.o.PGDATA, "pg_tblspc", oid)), os.RemoveAll(target))
		}
	}
	return errors.Join(left...)
}

// removeTablespaces removes the folders of tablespaces that the source does not have.
func (r *rewind) removeTablespaces(before map[string]string) {
	linked := linkedFolders(r.o.PGDATA)
	for _, target := range before {
		if tablespaceCopy.MatchString(filepath.Base(target)) && !slices.Contains(linked, target) {
			_ = os.RemoveAll(target)
		}
	}
}

// errSharedTablespace: pg_rewind takes all that it finds where a tablespace's link points for a part of the tablespace.
// It would remove copies below it that belong to other nodes on this machine, or fetch those of the source's.
func errSharedTablespace(where string) error {
	return fmt.Errorf("the folder of a tablespace at %s holds copies that belong to other nodes, which pg_rewind would take for its own", where)
}

// refuseSharedTablespaces looks for copies below the tablespaces of both nodes.
func (r *rewind) refuseSharedTablespaces(ctx context.Context, conn *pgx.Conn) error {
	var shared string
	err := conn.QueryRow(ctx, `select coalesce(min(pg_tablespace_location(t.oid)), '') from pg_tablespace as t
		cross join lateral pg_ls_dir(case when pg_tablespace_location(t.oid) like '/%' then 'pg_tblspc/' || t.oid else 'pg_tblspc' end) as f
		where pg_tablespace_location(t.oid) like '/%' and f ~ '^pgaf_[0-9a-f]{8}_[0-9]+$'`).Scan(&shared)
	if err != nil {
		return err
	}
	if shared != "" {
		return r.failed(FailureImpossible, "", errSharedTablespace(r.o.Source.String()+":"+shared))
	}
	for _, target := range localTablespaces(r.o.PGDATA) {
		if below, _ := filepath.Glob(filepath.Join(globQuote(target), "pgaf_*")); len(below) > 0 {
			return r.failed(FailureImpossible, "", errSharedTablespace(target))
		}
	}
	return nil
}
