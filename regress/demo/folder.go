package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"pgaf/regress/harness"
)

// link is the demo's folder, or a symbolic link to it, in the source tree.
const link = ".demo"

// elsewhere starts the name of a folder outside of the source tree.
const elsewhere = "/var/tmp/pgaf-demo-"

// createFolder makes the demo's folder: in the source tree when the account that runs Postgres can
// get there, otherwise below /var/tmp.
func createFolder(repo string, account harness.Account) (string, error) {
	path := filepath.Join(repo, link)
	if account.Reaches(repo) {
		return path, account.Mkdir(path)
	}
	folder := fmt.Sprintf("%s%x", elsewhere, sha256.Sum256([]byte(repo)))[:len(elsewhere)+12]
	if err := account.Mkdir(folder); err != nil {
		return "", err
	}
	return folder, os.Symlink(folder, path)
}

// clean ends what runs in the demo's folder, and removes it. Nothing there is no error.
func clean() error {
	repo, err := harness.Repository()
	if err != nil {
		return err
	}
	path := filepath.Join(repo, link)
	folder, err := os.Readlink(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil: // a folder, not a link
		folder = path
	case !strings.HasPrefix(folder, elsewhere):
		return fmt.Errorf("%s leads to %s, which the demo did not create; remove the link yourself", path, folder)
	}
	if err := harness.EndBelow(folder); err != nil {
		return err
	}
	if err := os.RemoveAll(folder); err != nil {
		return fmt.Errorf("%w; the demo was run by another user?", err)
	}
	if folder != path {
		return os.Remove(path)
	}
	return nil
}
