package harness

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// runPrefix starts the name of every run's folder; the sweep looks for it.
const runPrefix = "pgaf-regress-"

// Run is one process's stay on this machine: a private folder in which everything
// happens, and which disappears with the process.
type Run struct {
	Dir      string  // below /tmp, because the path of a Unix socket is short
	Repo     string  // the source tree
	Account  Account // who runs pgaf and Postgres
	Pgaf     string  // the private copy of the binary
	Postgres Postgres

	lock     *os.File
	watchdog *os.File // write end of the pipe; its end is the watchdog's alarm
	ports    portLeases
}

// NewRun creates a run with its watchdog.
func NewRun() (_ *Run, err error) {
	account, err := serverAccount()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("/tmp", fmt.Sprintf("%s%d-", runPrefix, os.Getpid()))
	if err != nil {
		return nil, err
	}
	r := &Run{Dir: dir, Account: account}
	defer func() {
		if err != nil {
			_ = r.Close()
		}
	}()
	// Locked before it has the name that the sweep of another run looks for.
	unnamed := filepath.Join(dir, "lock.new")
	if r.lock, err = lockFile(unnamed); err != nil {
		return nil, err
	}
	if err := os.Rename(unnamed, filepath.Join(dir, "lock")); err != nil {
		return nil, err
	}
	if err := r.startWatchdog(); err != nil {
		return nil, err
	}
	// The account has to pass through; the folders below are its own.
	if err := os.Chmod(dir, 0o755); err != nil {
		return nil, err
	}
	if r.Repo, err = Repository(); err != nil {
		return nil, err
	}
	return r, nil
}

// Prepare gives the run a private Postgres and a private copy of the pgaf binary: $PGAF_BIN, or
// built from this source tree.
func (r *Run) Prepare(ctx context.Context) (err error) {
	if r.Postgres, err = r.NewPostgres(ctx, "postgres", true); err != nil {
		return err
	}
	return r.copyBinary(ctx)
}

// Close kills every process of the run and removes its folder.
func (r *Run) Close() error {
	err := removeRun(r.Dir)
	r.ports.release()
	if r.watchdog != nil {
		r.watchdog.Close()
	}
	if r.lock != nil {
		r.lock.Close()
	}
	return err
}

// copyBinary puts pgaf where the account can execute it whatever the mode of the
// source tree is.
func (r *Run) copyBinary(ctx context.Context) error {
	r.Pgaf = filepath.Join(r.Dir, "bin", "pgaf")
	if err := os.Mkdir(filepath.Dir(r.Pgaf), 0o755); err != nil {
		return err
	}
	if given := os.Getenv("PGAF_BIN"); given != "" {
		return CopyFile(given, r.Pgaf, 0o755)
	}
	return r.build(ctx, r.Pgaf)
}

// BuildWithTags builds another pgaf from the source tree, for ClusterOptions.Pgaf.
func (r *Run) BuildWithTags(ctx context.Context, tags string) (path string, err error) {
	path = filepath.Join(r.Dir, "bin-"+tags, "pgaf")
	if err := os.Mkdir(filepath.Dir(path), 0o755); err != nil {
		return "", err
	}
	return path, r.build(ctx, path, "-tags", tags)
}

func (r *Run) build(ctx context.Context, path string, options ...string) error {
	args := append([]string{"build", "-buildvcs=false", "-o", path}, options...)
	build := exec.CommandContext(ctx, "go", append(args, "./cmd/pgaf")...)
	build.Dir = r.Repo
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build pgaf: %w\n%s", err, out)
	}
	return os.Chmod(path, 0o755)
}

// Repository finds the source tree that this package was built from, or that the
// current directory is in.
func Repository() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if content, err := os.ReadFile(filepath.Join(dir, "go.mod")); err == nil && bytes.HasPrefix(content, []byte("module pgaf\n")) {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("not inside the pgaf source tree (no go.mod of module pgaf above the current directory)")
		}
		dir = parent
	}
}

// CopyFile copies one file.
func CopyFile(from, to string, mode os.FileMode) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		out.Close()
		return err
	}
	return out.Close()
}

// lockFile creates (or opens) path and takes its exclusive lock, which the kernel
// releases when this process ends. Children do not inherit the descriptor.
func lockFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o666)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return f, nil
}

// startWatchdog runs this program a second time, in its own session, to clean up
// when the pipe's write end, held by this process alone, is closed.
func (r *Run) startWatchdog() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	read, write, err := os.Pipe()
	if err != nil {
		return err
	}
	defer read.Close()
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), watchdogVariable+"="+r.Dir)
	cmd.Stdin = read
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		write.Close()
		return fmt.Errorf("start the watchdog: %w", err)
	}
	r.watchdog = write
	go func() { _ = cmd.Wait() }()
	return nil
}

// watchdog waits until the run's process is gone and removes what is left of it.
func watchdog(dir string) {
	_, _ = io.Copy(io.Discard, os.Stdin)
	if err := removeRun(dir); err != nil {
		fmt.Fprintln(os.Stderr, "clean-up of a run that was killed:", err)
	}
}

// sweep removes the folders of runs whose process is gone: nobody holds their lock. It must be
// called outside of a run's user namespace, from which an earlier run's processes in another
// one cannot be seen.
func sweep() {
	leftovers, _ := filepath.Glob("/tmp/" + runPrefix + "*")
	for _, dir := range leftovers {
		lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR, 0)
		if err != nil {
			continue // being created or removed at this moment, or not ours
		}
		if unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil {
			_ = removeRun(dir)
		}
		lock.Close()
	}
}

// removeRun kills what works below dir, unmounts what is mounted there, and
// removes it. Doing it twice is no error.
func removeRun(dir string) error {
	if !strings.HasPrefix(filepath.Base(dir), runPrefix) {
		return fmt.Errorf("%s is not the folder of a run", dir)
	}
	if err := KillBelow(dir); err != nil {
		return err
	}
	if err := unmountBelow(dir); err != nil {
		return err
	}
	if err := os.RemoveAll(dir); !errors.Is(err, fs.ErrPermission) {
		return err
	}
	// An ordinary user cannot empty a folder without write permission, not even his own.
	_ = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() {
			_ = os.Chmod(path, 0o700)
		}
		return nil
	})
	return os.RemoveAll(dir)
}

// unmountBelow unmounts every file system mounted below dir.
func unmountBelow(dir string) error {
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return err
	}
	var errs []error
	for line := range strings.Lines(string(mounts)) {
		fields := strings.Fields(line)
		if len(fields) < 2 || !strings.HasPrefix(fields[1], dir+"/") {
			continue
		}
		if err := unix.Unmount(fields[1], 0); err != nil {
			errs = append(errs, fmt.Errorf("unmount %s: %w", fields[1], err))
		}
	}
	return errors.Join(errs...)
}

// Limit is how many clusters may run at once on this machine: each needs about half a core
// while it starts and breaks, and a starved machine measures itself.
func Limit() int { return min(3, max(2, runtime.NumCPU()/2)) }
