package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"pgaf/regress/harness"
)

// packagedSettings: the nodes are nowhere, so its workers shall not look for them. They would cost it more.
const packagedSettings = "pgautofailover.enable_health_checks = off\nshared_preload_libraries = '%s'\n"

// startPackaged starts a server with the C extension 2.0 of pg_auto_failover: the installed one, or else Debian's package
// unpacked in the run's folder, which changes nothing on this machine.
func startPackaged(ctx context.Context, run *harness.Run) (*subject, error) {
	postgres, err := run.NewPostgres(ctx, "postgres-2.0", true)
	if err != nil {
		return nil, err
	}
	library, files, version, err := findPackaged(ctx, run)
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		target := filepath.Join(postgres.ShareDir, "extension", filepath.Base(file))
		if err := harness.CopyFile(file, target, 0o644); err != nil {
			return nil, err
		}
		if filepath.Ext(file) == ".control" {
			if err := pointControl(target, library); err != nil {
				return nil, err
			}
		}
	}
	s, err := startServer(ctx, run, "packaged", postgres, fmt.Sprintf(packagedSettings, library))
	if err != nil {
		return nil, err
	}
	b, err := s.install(ctx, "2.0", "CREATE EXTENSION pgautofailover VERSION '2.0' CASCADE")
	if err != nil {
		return nil, err
	}
	b.version = version
	return b, nil
}

// findPackaged returns the library and the extension files of version 2.0.
func findPackaged(ctx context.Context, run *harness.Run) (library string, files []string, version string, err error) {
	installed, err := harness.InstalledPostgres(ctx)
	if err != nil {
		return "", nil, "", err
	}
	libdir, err := exec.CommandContext(ctx, filepath.Join(installed.BinDir, "pg_config"), "--pkglibdir").Output()
	if err != nil {
		return "", nil, "", err
	}
	root, version := "/", "installed"
	library = filepath.Join(strings.TrimSpace(string(libdir)), "pgautofailover.so")
	share := filepath.Join(installed.ShareDir, "extension")
	if _, err := os.Stat(library); err != nil {
		if root, version, err = unpack(ctx, run, installed); err != nil {
			return "", nil, "", err
		}
	}
	library, share = filepath.Join(root, library), filepath.Join(root, share)
	files, _ = filepath.Glob(filepath.Join(share, "pgautofailover--*2.0.sql"))
	if len(files) == 0 {
		return "", nil, "", fmt.Errorf("no script of version 2.0 in %s", share)
	}
	return library, append(files, filepath.Join(share, "pgautofailover.control")), version, nil
}

// majorVersion is in `postgres (PostgreSQL) 15.20 (Debian …)`.
var majorVersion = regexp.MustCompile(`\(PostgreSQL\) (\d+)`)

// unpack downloads Debian's package and unpacks it below the run's folder.
func unpack(ctx context.Context, run *harness.Run, installed harness.Postgres) (root, version string, err error) {
	out, err := exec.CommandContext(ctx, filepath.Join(installed.BinDir, "postgres"), "--version").Output()
	if err != nil {
		return "", "", err
	}
	major := majorVersion.FindStringSubmatch(string(out))
	if major == nil {
		return "", "", fmt.Errorf("cannot read the version %q", out)
	}
	return run.Package(ctx, "postgresql-"+major[1]+"-auto-failover", "2.0")
}

// pointControl makes a control file name its library by path.
func pointControl(control, library string) error {
	content, err := os.ReadFile(control)
	if err != nil {
		return err
	}
	text := strings.ReplaceAll(string(content), "$libdir/pgautofailover", strings.TrimSuffix(library, ".so"))
	return os.WriteFile(control, []byte(text), 0o644)
}
