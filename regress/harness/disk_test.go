package harness

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

func TestAFullDiskIsFullUntilItIsFreed(t *testing.T) {
	run := newRun(t)
	disk, err := run.NewDisk(filepath.Join(run.Dir, "disk"), 8)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(disk.Path, "postmaster.pid")
	if err := disk.Fill(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte("1"), 0o600); !errors.Is(err, unix.ENOSPC) {
		t.Errorf("one byte on the full disk: %v, want %v", err, unix.ENOSPC)
	}
	if err := disk.Free(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte("1"), 0o600); err != nil {
		t.Errorf("after freeing: %v", err)
	}
}
