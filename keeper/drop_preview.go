package keeper

import (
	"os"
	"slices"

	"pgaf/keeper/postgres"
)

// DropFiles are the files and folders that DropNode and DropMonitor with Destroy would remove now. A PGDATA of another
// role is the error that they would have. Nothing is changed.
func DropFiles(pgdata string, role Role) ([]string, error) {
	d, err := newDrop(pgdata, role, nil)
	if err != nil {
		return nil, err
	}
	var there []string
	data := append([]string{d.paths.PGDATA}, postgres.OutsideFolders(d.paths.PGDATA)...)
	for _, file := range slices.Concat(data, []string{d.paths.Config}, d.paths.beside()) {
		if _, err := os.Lstat(file); err == nil {
			there = append(there, file)
		}
	}
	return there, nil
}

// beside are the files outside of PGDATA but for the configuration.
func (p Paths) beside() []string {
	return []string{p.State, p.Lease, p.Init, p.Nodes, p.Goal, p.Key, p.Exec, p.Lock}
}
