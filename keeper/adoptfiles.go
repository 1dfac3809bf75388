package keeper

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"pgaf/keeper/postgres"
)

// olderFiles are the files of a node of pg_auto_failover.
type olderFiles struct {
	Config string // pg_autoctl.cfg: INI, the same keys as ours
	State  string // pg_autoctl.state: binary, see adoptstate.go; nodes only
	Init   string // pg_autoctl.init: exists while a create is in progress
	Pids   []string
}

// adoptedSuffix is what the files of pg_auto_failover, and the settings that it wrote,
// get when pgaf has taken their node over: pg_autoctl no longer finds them, so that no
// forgotten unit or script starts a second service on the same Postgres.
const adoptedSuffix = ".adopted"

// olderFilesOf finds the files of pg_auto_failover for a data folder. It names them by
// the path that it was given, not by the one behind symbolic links.
func olderFilesOf(pgdata string, paths Paths) (olderFiles, error) {
	given, err := filepath.Abs(pgdata)
	if err != nil {
		return olderFiles{}, exitf(ExitInternal, "find the absolute path of %s: %w", pgdata, err)
	}
	var files olderFiles
	for _, dir := range []string{given, paths.PGDATA} {
		if files, err = olderFilesIn(dir, homeOf(paths.PGDATA)); err != nil {
			return files, err
		}
		if exists(files.Config) || exists(files.Config+adoptedSuffix) {
			break
		}
	}
	return files, nil
}

func olderFilesIn(dir, home string) (olderFiles, error) {
	config, err := xdgFolder("XDG_CONFIG_HOME", home, ".config")
	if err != nil {
		return olderFiles{}, err
	}
	data, err := xdgFolder("XDG_DATA_HOME", home, ".local/share")
	if err != nil {
		return olderFiles{}, err
	}
	files := olderFiles{
		Config: filepath.Join(config, olderProgram, dir, "pg_autoctl.cfg"),
		State:  filepath.Join(data, olderProgram, dir, "pg_autoctl.state"),
		Init:   filepath.Join(data, olderProgram, dir, "pg_autoctl.init"),
	}
	for _, runtime := range []string{runtimeFolder(), "/tmp"} {
		files.Pids = append(files.Pids, filepath.Join(runtime, olderProgram, dir, "pg_autoctl.pid"))
	}
	return files, nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// present are the files that setAside renames.
func (f olderFiles) present() []string {
	var files []string
	for _, file := range []string{f.State, f.Config} {
		if exists(file) {
			files = append(files, file)
		}
	}
	return files
}

// setAside renames the files; the configuration last, without which pg_autoctl does not
// start: the node is taken over from then on.
func (f olderFiles) setAside() error {
	for _, file := range f.present() {
		if err := os.Rename(file, file+adoptedSuffix); err != nil {
			return errors.Join(exitf(ExitBadConfig, "set the files of pg_auto_failover aside: %w", err), f.putBack())
		}
		if err := syncFolder(filepath.Dir(file)); err != nil {
			return exitf(ExitBadConfig, "set the files of pg_auto_failover aside: %w", err)
		}
	}
	return nil
}

// putBack is the reverse of setAside.
func (f olderFiles) putBack() error {
	for _, file := range []string{f.Config, f.State} {
		if exists(file) {
			continue
		}
		if err := os.Rename(file+adoptedSuffix, file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return exitf(ExitBadConfig, "put a file of pg_auto_failover back: %w", err)
		}
	}
	return nil
}

// removePids removes what a killed pg_autoctl left in the runtime folders.
func (f olderFiles) removePids() {
	for _, pid := range f.Pids {
		dir := filepath.Dir(pid)
		for _, name := range []string{"pg_autoctl.pid", "pg_autoctl_postgres.pid", "pg_autoctl_node-active.pid", "pg_autoctl_listener.pid", "pg_autoctl.pg"} {
			removeFile(filepath.Join(dir, name))
		}
	}
}

// keepSettings keeps a copy of the settings that pg_auto_failover wrote: ours replace
// them.
func keepSettings(pgdata string) error {
	file := filepath.Join(pgdata, postgres.SettingsFile)
	content, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) || exists(file+adoptedSuffix) {
		return nil
	}
	if err == nil {
		err = writeFileAtomically(file+adoptedSuffix, content, 0o600)
	}
	if err != nil {
		return exitf(ExitPostgres, "keep a copy of the settings of Postgres: %w", err)
	}
	return nil
}
