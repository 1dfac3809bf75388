package keeper

import (
	"errors"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// Paths are the files of one node. All but PGDATA live outside of PGDATA, in a
// folder named after it below the XDG folders of the user who runs the node.
type Paths struct {
	PGDATA string // absolute, symbolic links resolved
	Config string // pgaf.cfg: INI, for people
	State  string // pgaf.state: JSON, what the keeper is and should become
	Init   string // pgaf.init: JSON, exists only while a create is in progress
	Pid    string // pgaf.pid: of the running service; locked by it
	Lease  string // pgaf.lease: when the monitor last acknowledged a report; see lease.go
	Lock   string // pgaf.lock: beside the state; locked by the running service, wherever its pid file is
	Exec   string // pgaf.exec: the answer to a request of pgaf reload --exec
	Nodes  string // nodes.json: the group, while no monitor steers the node
	Key    string // server.key: the copy of a private key that Postgres would not take as it is
	Goal   string // pgaf.goal: what an operator wants the node to be, for the same time
}

const (
	configFileName = "pgaf.cfg"
	stateFileName  = "pgaf.state"
	initFileName   = "pgaf.init"
	pidFileName    = "pgaf.pid"
	leaseFileName  = "pgaf.lease"
	lockFileName   = "pgaf.lock"
	execFileName   = "pgaf.exec"
	nodesFileName  = "nodes.json"
	goalFileName   = "pgaf.goal"
	keyFileName    = "server.key"
)

// PathsOf computes the paths of the node whose data folder is pgdata. It creates
// nothing, so that read-only commands leave no trace.
func PathsOf(pgdata string) (Paths, error) {
	if pgdata == "" {
		return Paths{}, exitf(ExitBadArgs, "which node? pass --pgdata or set PGDATA")
	}
	dir, err := resolve(pgdata)
	if err != nil {
		return Paths{}, exitf(ExitInternal, "find the absolute path of %s: %w", pgdata, err)
	}
	home := homeOf(dir)
	config, err := xdgFolder("XDG_CONFIG_HOME", home, ".config")
	if err != nil {
		return Paths{}, err
	}
	data, err := xdgFolder("XDG_DATA_HOME", home, ".local/share")
	if err != nil {
		return Paths{}, err
	}
	runtime := runtimeFolder()
	return Paths{
		PGDATA: dir,
		Config: filepath.Join(config, "pgaf", dir, configFileName),
		State:  filepath.Join(data, "pgaf", dir, stateFileName),
		Init:   filepath.Join(data, "pgaf", dir, initFileName),
		Pid:    filepath.Join(runtime, "pgaf", dir, pidFileName),
		Lease:  filepath.Join(runtime, "pgaf", dir, leaseFileName),
		Lock:   filepath.Join(data, "pgaf", dir, lockFileName),
		Exec:   filepath.Join(runtime, "pgaf", dir, execFileName),
		Nodes:  filepath.Join(data, "pgaf", dir, nodesFileName),
		Key:    filepath.Join(data, "pgaf", dir, keyFileName),
		Goal:   filepath.Join(data, "pgaf", dir, goalFileName),
	}, nil
}

// resolve makes path absolute and resolves the symbolic links of the part of it
// that exists, so that a node has the same files before and after its PGDATA is
// made, and by whichever link it is named.
func resolve(path string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	real, err := filepath.EvalSymlinks(abs)
	if err == nil {
		return real, nil
	}
	parent := filepath.Dir(abs)
	if errors.Is(err, os.ErrPermission) {
		return abs, nil // whoever uses it says what is not allowed
	}
	if !errors.Is(err, os.ErrNotExist) || parent == abs {
		return "", err
	}
	if parent, err = resolve(parent); err != nil {
		return "", err
	}
	return filepath.Join(parent, filepath.Base(abs)), nil
}

// homeOf is the home of this user, or for root that of the user who owns the data:
// root may look at everybody's node (and refuses to run any).
func homeOf(pgdata string) string {
	home := os.Getenv("HOME")
	info, err := os.Stat(pgdata)
	if os.Geteuid() != 0 || err != nil {
		return home
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || stat.Uid == 0 {
		return home
	}
	owner, err := user.LookupId(strconv.Itoa(int(stat.Uid)))
	if err != nil || owner.HomeDir == "" {
		return home
	}
	return owner.HomeDir
}

func xdgFolder(variable, home, belowHome string) (string, error) {
	if dir := os.Getenv(variable); dir != "" {
		return filepath.Abs(dir)
	}
	if home == "" {
		return "", exitf(ExitInternal, "HOME is not set, so there is no place for the node's files; set HOME or %s", variable)
	}
	return filepath.Join(home, belowHome), nil
}

// runtimeFolder is XDG_RUNTIME_DIR when it names a folder, else /tmp. That of root's
// own login is not where other users have their files.
func runtimeFolder() string {
	dir := os.Getenv("XDG_RUNTIME_DIR")
	if dir == "/run/user/0" {
		return "/tmp"
	}
	if info, err := os.Stat(dir); err == nil && info.IsDir() && filepath.IsAbs(dir) {
		return dir
	}
	return "/tmp"
}

// makeFolders creates the folders of the node's files. The runtime folder may be
// /tmp, which users share: there every folder above the node's own is open to all
// with the sticky bit, as /tmp itself is.
func (p Paths) makeFolders() error {
	for _, file := range []string{p.Config, p.State} {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return exitf(ExitBadConfig, "create the folder of %s: %w", file, err)
		}
	}
	if err := makeRuntimeFolder(filepath.Dir(p.Pid), runtimeFolder()); err != nil {
		return exitf(ExitBadConfig, "create the folder of %s: %w; set XDG_RUNTIME_DIR to a folder of your own", p.Pid, err)
	}
	return nil
}

func makeRuntimeFolder(dir, top string) error {
	if info, err := os.Stat(dir); err == nil && info.IsDir() {
		return nil
	}
	if parent := filepath.Dir(dir); parent != top && parent != dir {
		if err := makeRuntimeFolder(parent, top); err != nil {
			return err
		}
	}
	err := os.Mkdir(dir, 0o755)
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	if err == nil && top == "/tmp" {
		return os.Chmod(dir, 0o777|os.ModeSticky)
	}
	return err
}
