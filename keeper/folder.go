package keeper

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"pgaf/keeper/postgres"
)

// What a create command looks at on this machine before it changes anything.

// folderState is what a data folder is before a create.
type folderState string

const (
	folderAbsent  folderState = "absent"
	folderEmpty   folderState = "empty"
	folderCluster folderState = "cluster" // somebody's cluster: it is adopted
)

// inspectFolder says what pgdata is, or why nothing can be created there.
func inspectFolder(pgdata string) (folderState, error) {
	entries, err := os.ReadDir(pgdata)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return folderAbsent, creatable(pgdata)
	case errors.Is(err, syscall.ENOTDIR):
		return "", exitf(ExitKeeper, "PGDATA %s is not a folder; name another one with --pgdata", pgdata)
	case err != nil:
		return "", exitf(ExitKeeper, "read PGDATA: %w; it must belong to the user who runs pgaf", err)
	}
	if err := ours(pgdata); err != nil {
		return "", err
	}
	if postgres.HasCluster(pgdata) {
		return folderCluster, nil
	}
	if len(entries) == 0 {
		return folderEmpty, nil
	}
	return "", exitf(ExitKeeper, "PGDATA %s is not empty and holds no PostgreSQL cluster (it has %s); name an empty or missing folder with --pgdata%s",
		pgdata, someNames(entries), mountHint(entries))
}

// creatable says whether the missing folder can be made.
func creatable(pgdata string) error {
	parent := existingParent(pgdata)
	if unix.Access(parent, unix.W_OK|unix.X_OK) != nil {
		return exitf(ExitKeeper, "PGDATA %s cannot be made: user %s may not write in %s; make the folder for this user, or name another one with --pgdata", pgdata, osUser(), parent)
	}
	return nil
}

// existingParent is the nearest folder above path that exists.
func existingParent(path string) string {
	for {
		parent := filepath.Dir(path)
		if _, err := os.Stat(parent); err == nil || parent == path {
			return parent
		}
		path = parent
	}
}

// ours refuses a folder of another user: Postgres would.
func ours(pgdata string) error {
	info, err := os.Stat(pgdata)
	if err != nil {
		return exitf(ExitKeeper, "look at PGDATA: %w", err)
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); ok && int(stat.Uid) != os.Geteuid() {
		return exitf(ExitKeeper, "PGDATA %s belongs to another user (uid %d); run this command as that user, or change the owner to %s", pgdata, stat.Uid, osUser())
	}
	return nil
}

func someNames(entries []os.DirEntry) string {
	var names []string
	for i, entry := range entries {
		if i == 3 {
			names = append(names, "…")
			break
		}
		names = append(names, entry.Name())
	}
	return strings.Join(names, ", ")
}

func mountHint(entries []os.DirEntry) string {
	for _, entry := range entries {
		if entry.Name() == "lost+found" {
			return "; a mount point itself cannot be PGDATA, make a folder in it"
		}
	}
	return ""
}

// checkAdoptable refuses a cluster that cannot become a monitor as it is.
func checkAdoptable(bin postgres.Bin, pgdata string) error {
	server := postgres.NewServer(postgres.ServerConfig{Bin: bin, PGDATA: pgdata})
	defer server.Close()
	if running, found := server.Postmaster(); found {
		return exitf(ExitKeeper, "Postgres runs on %s (process %d, port %d); stop it first, then its data is adopted: %s -D %s stop",
			pgdata, running.PID, running.Port, bin.Path("pg_ctl"), pgdata)
	}
	return checkVersion(bin, pgdata)
}

// checkVersion refuses a cluster of another version than the programs.
func checkVersion(bin postgres.Bin, pgdata string) error {
	content, err := os.ReadFile(filepath.Join(pgdata, "PG_VERSION"))
	if err != nil {
		return exitf(ExitKeeper, "read the version of the cluster in PGDATA: %w", err)
	}
	if major := strings.TrimSpace(string(content)); major != strconv.Itoa(bin.Version.Major) {
		return exitf(ExitKeeper, "the cluster in %s is of PostgreSQL %s and %s of %d; pass --pgctl with the pg_ctl of version %s", pgdata, major, bin.Path("pg_ctl"), bin.Version.Major, major)
	}
	return nil
}

// errForeignStandby refuses to make a standby of somebody else the first node of a group.
func errForeignStandby(pgdata string) error {
	return exitf(ExitKeeper, "the cluster in %s is a standby (it has standby.signal), and its group has no node to follow; promote it first, or name another folder with --pgdata", pgdata)
}

// checkPort refuses a port on which something listens.
func checkPort(listen string, port int) error {
	for _, address := range listenAddresses(listen) {
		listener, err := net.Listen("tcp", net.JoinHostPort(address, strconv.Itoa(port)))
		if err == nil {
			listener.Close()
			continue
		}
		if errors.Is(err, syscall.EADDRINUSE) {
			return exitf(ExitKeeper, "port %d is in use on this machine (%w); choose another one with --pgport, or stop what uses it", port, err)
		}
		if errors.Is(err, syscall.EADDRNOTAVAIL) && listen != "*" {
			return exitf(ExitKeeper, "this machine has no address %s (%w); correct --listen", address, err)
		}
	}
	return nil
}

func listenAddresses(listen string) []string {
	var addresses []string
	for _, address := range strings.Split(listen, ",") {
		switch address = strings.TrimSpace(address); address {
		case "*", "":
			addresses = append(addresses, "")
		default:
			addresses = append(addresses, address)
		}
	}
	return addresses
}

// newClusterBytes is what initdb needs, with one more WAL segment.
const newClusterBytes = 64 << 20

// checkSpace refuses a disk on which not even an empty cluster fits.
func checkSpace(pgdata string) error {
	dir := pgdata
	if _, err := os.Stat(dir); err != nil {
		dir = existingParent(pgdata)
	}
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		return exitf(ExitKeeper, "look at the free space of %s: %w", dir, err)
	}
	if free := fs.Bavail * uint64(fs.Bsize); free < newClusterBytes {
		return exitf(ExitKeeper, "the disk of %s has %d MB free and a new cluster needs %d MB; free some space or name another folder with --pgdata", dir, free>>20, newClusterBytes>>20)
	}
	return nil
}

// findBin finds the programs of a supported Postgres.
func findBin(find func(string) (postgres.Bin, error), pgctl string) (postgres.Bin, error) {
	bin, err := find(pgctl)
	if err != nil {
		return bin, &ExitError{Code: ExitBadArgs, Err: err}
	}
	if bin.Version.Major < 13 {
		return bin, exitf(ExitBadArgs, "%s is of PostgreSQL %s; pgaf needs 13 or later, pass another --pgctl", bin.Path("pg_ctl"), bin.Version.Text)
	}
	return bin, nil
}

// clearFolder removes what a failed create made in pgdata: the folder itself only
// where it was not there before.
func clearFolder(pgdata string, before folderState) error {
	switch before {
	case folderAbsent:
		return os.RemoveAll(pgdata)
	case folderEmpty:
		entries, err := os.ReadDir(pgdata)
		if err != nil {
			return err
		}
		for _, entry := range entries {
			if err := os.RemoveAll(filepath.Join(pgdata, entry.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// removeEmptyFolders removes dir and the empty folders above it, up to but not
// including the first one that is named pgaf's parent or not empty.
func removeEmptyFolders(dir string) {
	for strings.Contains(dir, "/pgaf") && os.Remove(dir) == nil {
		dir = filepath.Dir(dir)
	}
}

// keptFiles are files that a create changes, as they were, to be put back when it fails;
// nil where there was none.
type keptFiles map[string]*keptFile

type keptFile struct {
	content []byte
	mode    fs.FileMode
}

// keepFiles keeps the configuration of a cluster that is adopted.
func keepFiles(pgdata string) (keptFiles, error) {
	return keepThese(pgdata, []string{"postgresql.conf", "postgresql.auto.conf", "pg_hba.conf", "pg_ident.conf", "server.crt", "server.key",
		postgres.SettingsFile, postgres.StandbyFile, postgres.StartupLog})
}

func keepThese(dir string, names []string) (keptFiles, error) {
	kept := keptFiles{}
	for _, name := range names {
		path := filepath.Join(dir, name)
		content, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			kept[name] = nil
			continue
		}
		var info fs.FileInfo
		if err == nil {
			info, err = os.Stat(path)
		}
		if err != nil {
			return nil, exitf(ExitKeeper, "read the configuration of the cluster in PGDATA: %w", err)
		}
		kept[name] = &keptFile{content, info.Mode().Perm()}
	}
	return kept, nil
}

func (k keptFiles) restore(dir string) error {
	for name, file := range k {
		path := filepath.Join(dir, name)
		var err error
		if file == nil {
			err = removeFile(path)
		} else {
			err = postgres.WriteFile(path, file.content, file.mode)
		}
		if err != nil {
			return fmt.Errorf("put back %s: %w", name, err)
		}
	}
	return nil
}
