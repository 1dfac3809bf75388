package harness

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Disk is a small file system of its own, to be filled.
type Disk struct {
	Path    string
	account Account
}

// NewDisk mounts a tmpfs of the given size at path, which is created. It is unmounted with
// its run.
func (r *Run) NewDisk(path string, megabytes int) (*Disk, error) {
	if err := namespacesAllowed(); err != nil {
		return nil, fmt.Errorf("mount a tmpfs: %w", err)
	}
	if err := r.Account.Mkdir(path); err != nil {
		return nil, err
	}
	options := fmt.Sprintf("size=%dm,mode=0700,uid=%d,gid=%d", megabytes, r.Account.UID, r.Account.GID)
	if err := unix.Mount("tmpfs", path, "tmpfs", unix.MS_NODEV|unix.MS_NOSUID, options); err != nil {
		return nil, fmt.Errorf("mount a tmpfs of %d MB on %s: %w", megabytes, path, err)
	}
	return &Disk{Path: path, account: r.Account}, nil
}

// Fill writes a file until not one more byte fits.
func (d *Disk) Fill() error {
	f, err := os.Create(filepath.Join(d.Path, "filler"))
	if err != nil {
		return err
	}
	defer f.Close()
	for size := 1 << 20; size > 0; {
		_, err := f.Write(make([]byte, size))
		switch {
		case errors.Is(err, unix.ENOSPC):
			size /= 2
		case err != nil:
			return err
		}
	}
	return nil
}

// Free removes what Fill wrote.
func (d *Disk) Free() error { return os.Remove(filepath.Join(d.Path, "filler")) }
