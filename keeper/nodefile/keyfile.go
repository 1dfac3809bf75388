package nodefile

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"pgaf/keeper"
)

// Postgres refuses a private key that others may read, or that another user owns; that
// is how containers get theirs. Only such a key is copied: beside the node's state, for
// its owner alone, and only when it differs from the copy that is there. What the copy
// replaces is that copy; no link is followed.

// usableKey is the private key of the file, or the path of its copy.
func (f *File) usableKey() (string, error) {
	info, err := os.Stat(f.KeyFile)
	if err != nil {
		return "", keyError(err)
	}
	if acceptable(info) {
		return f.KeyFile, nil
	}
	content, err := os.ReadFile(f.KeyFile)
	if err != nil {
		return "", keyError(err)
	}
	paths, err := keeper.PathsOf(f.PGDATA)
	if err != nil {
		return "", err
	}
	return paths.Key, keyError(copyKey(paths.Key, content))
}

func keyError(err error) error {
	if err == nil {
		return nil
	}
	return &keeper.ExitError{Code: keeper.ExitBadConfig, Err: fmt.Errorf("the private key ssl.key_file: %w", err)}
}

// acceptable is Postgres's own rule.
func acceptable(info os.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	switch {
	case !ok:
		return false
	case int(stat.Uid) == os.Geteuid():
		return info.Mode().Perm()&0o077 == 0
	}
	return stat.Uid == 0 && info.Mode().Perm()&0o037 == 0
}

func copyKey(path string, content []byte) error {
	info, err := os.Lstat(path)
	if err == nil && info.Mode().IsRegular() && info.Mode().Perm() == 0o600 {
		if there, err := os.ReadFile(path); err == nil && bytes.Equal(there, content) {
			return nil
		}
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return replaceFile(path, content, 0o600)
}

// replaceFile puts a new file in the place of another, whole or not at all.
func replaceFile(path string, content []byte, mode os.FileMode) error {
	temp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-") // 0600
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name())
	_, err = temp.Write(content)
	for _, step := range []func() error{func() error { return temp.Chmod(mode) }, temp.Sync, temp.Close} {
		if next := step(); err == nil {
			err = next
		}
	}
	if err != nil {
		return err
	}
	return os.Rename(temp.Name(), path)
}
