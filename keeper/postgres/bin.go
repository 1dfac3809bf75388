package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Version is the version of one set of Postgres programs, for example 15.20.
type Version struct {
	Major, Minor int
	Text         string // what postgres --version prints after the name, e.g. "15.20 (Debian 15.20-1)"
}

// MinimumMajor is the oldest supported major version: the first whose standbys take a new primary_conninfo
// with a reload.
const MinimumMajor = 13

// Bin is one folder of Postgres server programs.
type Bin struct {
	Dir     string
	Version Version
}

// FindBin finds the server programs for a data node. pgctl is a path to pg_ctl (symlinks are resolved); when
// empty: $PG_CONFIG, else the only pg_ctl in PATH, else the only pg_config in PATH. Several candidates are an
// error that lists them and asks for --pgctl.
func FindBin(pgctl string) (Bin, error) {
	dirs, err := findDirs(pgctl)
	if err != nil {
		return Bin{}, err
	}
	if len(dirs) > 1 {
		return Bin{}, fmt.Errorf("find Postgres: several installations in PATH: %s; choose one with --pgctl",
			strings.Join(dirs, ", "))
	}
	return openBin(dirs[0])
}

// FindFirstBin is FindBin for the monitor: of several candidates in PATH it takes the first.
func FindFirstBin(pgctl string) (Bin, error) {
	dirs, err := findDirs(pgctl)
	if err != nil {
		return Bin{}, err
	}
	return openBin(dirs[0])
}

// findDirs returns at least one folder or an error.
func findDirs(pgctl string) ([]string, error) {
	if pgctl != "" {
		dir, err := realDir(pgctl)
		if err != nil {
			return nil, fmt.Errorf("find Postgres at %s: %w; pass the path of pg_ctl with --pgctl", pgctl, err)
		}
		return []string{dir}, nil
	}
	if config := os.Getenv("PG_CONFIG"); config != "" {
		dir, err := configDir(config)
		if err != nil {
			return nil, fmt.Errorf("find Postgres through PG_CONFIG=%s: %w; correct the variable or pass --pgctl", config, err)
		}
		return []string{dir}, nil
	}
	if dirs := inPath("pg_ctl", realDir); len(dirs) > 0 {
		return dirs, nil
	}
	if dirs := inPath("pg_config", configDir); len(dirs) > 0 {
		return dirs, nil
	}
	return nil, errors.New("find Postgres: neither pg_ctl nor pg_config is in PATH; pass the path of pg_ctl with --pgctl")
}

// inPath resolves program in every folder of PATH to the folder of its installation, duplicates removed.
func inPath(program string, resolve func(string) (string, error)) []string {
	var dirs []string
	for _, p := range filepath.SplitList(os.Getenv("PATH")) {
		dir, err := resolve(filepath.Join(p, program))
		if err == nil && !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

// realDir is the folder of the program behind path, which must be a complete server installation: packagers
// link single programs into /usr/bin, without their siblings.
func realDir(path string) (string, error) {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return "", err
	}
	real, err = filepath.Abs(real)
	if err != nil {
		return "", err
	}
	return serverDir(filepath.Dir(real))
}

// configDir asks pg_config for its folder.
func configDir(config string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, config, "--bindir").Output()
	if err != nil {
		return "", err
	}
	return serverDir(strings.TrimSpace(string(out)))
}

func serverDir(dir string) (string, error) {
	for _, program := range []string{"postgres", "pg_controldata"} {
		info, err := os.Stat(filepath.Join(dir, program))
		if err != nil || info.IsDir() || info.Mode()&0o111 == 0 {
			return "", fmt.Errorf("%s has no program %s: no complete server installation", dir, program)
		}
	}
	return dir, nil
}

func openBin(dir string) (Bin, error) {
	b := Bin{Dir: dir}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, b.Path("postgres"), "--version").Output()
	if err != nil {
		return b, fmt.Errorf("run %s --version: %w", b.Path("postgres"), err)
	}
	if b.Version, err = parseVersion(string(out)); err != nil {
		return b, fmt.Errorf("run %s --version: %w", b.Path("postgres"), err)
	}
	if b.Version.Major < MinimumMajor {
		return b, fmt.Errorf("Postgres %s in %s is too old: version %d or newer is needed; choose another one with --pgctl",
			b.Version.Text, dir, MinimumMajor)
	}
	return b, nil
}

var versionPattern = regexp.MustCompile(`\(PostgreSQL\) ((\d+)(?:\.(\d+))?.*)`)

// parseVersion understands "postgres (PostgreSQL) 15.20 (Debian 15.20-1)", also 18beta1 and 19devel.
func parseVersion(text string) (Version, error) {
	m := versionPattern.FindStringSubmatch(strings.TrimSpace(text))
	if m == nil {
		return Version{}, fmt.Errorf("no version in %q", text)
	}
	major, _ := strconv.Atoi(m[2])
	minor, _ := strconv.Atoi(m[3])
	return Version{Major: major, Minor: minor, Text: m[1]}, nil
}

// Path is the absolute path of one program.
func (b Bin) Path(program string) string { return filepath.Join(b.Dir, program) }

// HasLibrary reports whether the server library (say pg_stat_statements) is installed: a missing one in
// shared_preload_libraries keeps Postgres from starting.
func (b Bin) HasLibrary(name string) bool {
	return b.anywhere(name+".so", "../lib", "../lib/postgresql", "../lib64", "../lib64/pgsql", "../lib64/postgresql") ||
		b.configured("--pkglibdir", name+".so")
}

// HasExtension reports whether the control file of the extension is installed.
func (b Bin) HasExtension(name string) bool {
	debian := filepath.Join("/usr/share/postgresql", strconv.Itoa(b.Version.Major), "extension", name+".control")
	return exists(debian) && strings.HasPrefix(b.Dir, "/usr/lib/postgresql/") ||
		b.anywhere("extension/"+name+".control", "../share", "../share/postgresql", "../share/pgsql") ||
		b.configured("--sharedir", "extension/"+name+".control")
}

// anywhere tries the usual places relative to the programs: servers need not have pg_config installed.
func (b Bin) anywhere(file string, dirs ...string) bool {
	return slices.ContainsFunc(dirs, func(dir string) bool { return exists(filepath.Join(b.Dir, dir, file)) })
}

func (b Bin) configured(option, file string) bool {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, b.Path("pg_config"), option).Output()
	return err == nil && exists(filepath.Join(strings.TrimSpace(string(out)), file))
}
