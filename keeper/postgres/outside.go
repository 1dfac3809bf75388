package postgres

import (
	"os"
	"path/filepath"
	"strings"
)

// OutsideFolders are the folders outside of PGDATA that hold parts of its cluster, and of no other: those of its tablespaces, and the
// one that pg_wal leads to.
func OutsideFolders(pgdata string) []string {
	version, _ := os.ReadFile(filepath.Join(pgdata, "PG_VERSION"))
	var folders []string
	for _, target := range tablespaceTargets(pgdata) {
		folders = append(folders, tablespaceFolders(target, strings.TrimSpace(string(version)))...)
	}
	wal, err := os.Readlink(filepath.Join(pgdata, "pg_wal"))
	if err != nil { // a folder of PGDATA
		return folders
	}
	if !filepath.IsAbs(wal) {
		wal = filepath.Join(pgdata, wal)
	}
	return append(folders, wal)
}
