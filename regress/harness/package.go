package harness

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// ErrNoPackage is wrapped when a package cannot be had here: no Debian, no network, another version.
var ErrNoPackage = errors.New("no such package")

// Package downloads a Debian package (once, see regress/package.sh) and unpacks it below the run's folder, which changes
// nothing on this machine. It returns the folder that stands for /, and the package's name and version.
func (r *Run) Package(ctx context.Context, name, version string) (root, title string, err error) {
	fetch := exec.CommandContext(ctx, "sh", filepath.Join(r.Repo, "regress", "package.sh"), name, version)
	var reason bytes.Buffer
	fetch.Stderr = &reason
	out, err := fetch.Output()
	if err != nil {
		return "", "", fmt.Errorf("%w: %s (%w)", ErrNoPackage, strings.TrimSpace(reason.String()), err)
	}
	deb := strings.TrimSpace(string(out))
	root, err = os.MkdirTemp(r.Dir, name+"-")
	if err == nil {
		err = os.Chmod(root, 0o755) // the account passes through
	}
	if err != nil {
		return "", "", err
	}
	if out, err := exec.CommandContext(ctx, "dpkg-deb", "--extract", deb, root).CombinedOutput(); err != nil {
		return "", "", fmt.Errorf("unpack %s: %w: %s", deb, err, strings.TrimSpace(string(out)))
	}
	fields := strings.Split(filepath.Base(deb), "_")
	return root, fields[0] + " " + fields[1], nil
}
