package keeper

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"golang.org/x/sys/unix"

	"pgaf/keeper/postgres"
)

// Debian keeps the configuration of a cluster outside of PGDATA, in
// /etc/postgresql/<major>/<cluster>. A copy of PGDATA would be without it, so that it moves
// to PGDATA when the cluster is adopted. Links are left at the old places: a running
// server, and people, find it there.

// splitLayout is the place of such a configuration.
type splitLayout struct {
	Dir string `json:"dir"`
}

var configurationFiles = []string{"postgresql.conf", "pg_hba.conf", "pg_ident.conf"}

var includedFiles = []string{postgres.SettingsFile, postgres.StandbyFile}

const (
	startConf  = "start.conf" // whether postgresql-common starts the cluster at boot
	confD      = "conf.d"
	editMarker = "# edited by pgaf: "
)

// configurationRoot is where postgresql-common has them.
func configurationRoot() string {
	if dir := os.Getenv("PG_CLUSTER_CONF_ROOT"); dir != "" {
		return dir
	}
	return "/etc/postgresql"
}

// findSplitLayout says where the configuration of the cluster in PGDATA is; nil: there.
func findSplitLayout(pgdata string) (*splitLayout, error) {
	if missing := missingFiles(pgdata); len(missing) == 0 {
		return nil, nil
	}
	candidates, _ := filepath.Glob(filepath.Join(configurationRoot(), "*", "*", "postgresql.conf"))
	for _, file := range candidates {
		if dataDirectory(file) != pgdata {
			continue
		}
		l := &splitLayout{Dir: filepath.Dir(file)}
		return l, l.check(pgdata)
	}
	return nil, exitf(ExitKeeper, "the cluster in %s has no %s, neither there nor below %s; put its configuration into PGDATA", pgdata, strings.Join(missingFiles(pgdata), ", no "), configurationRoot())
}

func missingFiles(dir string) []string {
	var missing []string
	for _, name := range configurationFiles {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			missing = append(missing, name)
		}
	}
	return missing
}

var dataDirectoryLine = regexp.MustCompile(`(?m)^\s*data_directory\s*=?\s*'([^']*)'`)

// dataDirectory is what a configuration file says of it: its last word.
func dataDirectory(file string) string {
	content, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	found := dataDirectoryLine.FindAllStringSubmatch(string(content), -1)
	if len(found) == 0 {
		return ""
	}
	dir := found[len(found)-1][1]
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		return real
	}
	return dir
}

// check refuses what cannot be moved, before anything is.
func (l *splitLayout) check(pgdata string) error {
	if missing := missingFiles(l.Dir); len(missing) > 0 {
		return exitf(ExitKeeper, "the configuration of the cluster in %s is in %s, which has no %s; put it there", pgdata, l.Dir, strings.Join(missing, ", no "))
	}
	if unix.Access(l.Dir, unix.W_OK|unix.X_OK) != nil {
		return exitf(ExitKeeper, "the configuration of the cluster in %s is in %s, from where it has to move to PGDATA, and user %s may not write there; give the folder to this user: chown %s %s", pgdata, l.Dir, osUser(), osUser(), l.Dir)
	}
	content, err := os.ReadFile(filepath.Join(l.Dir, "postgresql.conf"))
	if err != nil {
		return exitf(ExitKeeper, "read the configuration of the cluster: %w", err)
	}
	if name := relativeInclude(string(content)); name != "" {
		return exitf(ExitKeeper, "%s includes %s by a relative name, which has another meaning once the file has moved to PGDATA; write the absolute name", filepath.Join(l.Dir, "postgresql.conf"), name)
	}
	return nil
}

var includeLine = regexp.MustCompile(`(?m)^\s*include(?:_dir|_if_exists)?\s*=?\s*'([^']*)'`)

// relativeInclude is an included file that does not move along; "" when there is none.
func relativeInclude(content string) string {
	for _, line := range includeLine.FindAllStringSubmatch(content, -1) {
		if !filepath.IsAbs(line[1]) && line[1] != confD {
			return line[1]
		}
	}
	return ""
}

var ownPlaces = regexp.MustCompile(`^\s*(data_directory|hba_file|ident_file|stats_temp_directory)\s*=?\s*'`)

// edited is the main file without the settings that tie it to its place.
func edited(content string, hasConfD bool) string {
	var b strings.Builder
	for line := range strings.Lines(content) {
		include := includeLine.FindStringSubmatch(line)
		if ownPlaces.MatchString(line) || include != nil && include[1] == confD && !hasConfD {
			b.WriteString(editMarker)
		}
		b.WriteString(line)
	}
	return b.String()
}

// move brings the configuration to PGDATA. Each file is there before the link that leads
// to it, so that a server that reads them at any moment finds them; a move that was cut
// off is continued.
func (l *splitLayout) move(pgdata string) error {
	hasConfD, err := l.moveConfD(pgdata)
	if err != nil {
		return err
	}
	for _, name := range configurationFiles {
		from, to := filepath.Join(l.Dir, name), filepath.Join(pgdata, name)
		if isLink(from) {
			continue
		}
		content, err := os.ReadFile(from)
		if err != nil {
			return fmt.Errorf("move the configuration to PGDATA: %w", err)
		}
		if name == "postgresql.conf" {
			content = []byte(edited(string(content), hasConfD))
		}
		if err := errors.Join(postgres.WriteFile(to, content, 0o600), linkOver(to, from)); err != nil {
			return fmt.Errorf("move %s to PGDATA: %w", name, err)
		}
	}
	// A running server looks for what is included beside the file that it was started with.
	for _, name := range includedFiles {
		if err := linkOver(filepath.Join(pgdata, name), filepath.Join(l.Dir, name)); err != nil {
			return fmt.Errorf("link %s: %w", name, err)
		}
	}
	return l.disableStart()
}

// moveConfD moves the folder of further settings, when it has any.
func (l *splitLayout) moveConfD(pgdata string) (bool, error) {
	from, to := filepath.Join(l.Dir, confD), filepath.Join(pgdata, confD)
	if isLink(from) {
		return true, nil
	}
	files, _ := filepath.Glob(filepath.Join(from, "*.conf"))
	if len(files) == 0 {
		return false, nil
	}
	err := os.MkdirAll(to, 0o700)
	for _, file := range files {
		var content []byte
		if err == nil {
			content, err = os.ReadFile(file)
		}
		if err == nil {
			err = postgres.WriteFile(filepath.Join(to, filepath.Base(file)), content, 0o600)
		}
	}
	if err == nil {
		err = os.Rename(from, from+".orig")
	}
	if err == nil {
		err = os.Symlink(to, from)
	}
	if err != nil {
		return true, fmt.Errorf("move the folder %s to PGDATA: %w", confD, err)
	}
	return true, nil
}

// disableStart keeps postgresql-common from starting the cluster at boot.
func (l *splitLayout) disableStart() error {
	file := filepath.Join(l.Dir, startConf)
	if _, err := os.Stat(file + ".orig"); err == nil {
		return nil
	}
	if err := os.Rename(file, file+".orig"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("keep %s aside: %w", file, err)
	}
	return postgres.WriteFile(file, []byte(strings.TrimSpace(editMarker)+"\ndisabled\n"), 0o644)
}

// layoutBefore is a split layout as it was, to be put back when a create fails.
type layoutBefore struct {
	layout *splitLayout
	files  keptFiles
}

func keepLayout(l *splitLayout) (layoutBefore, error) {
	if l == nil {
		return layoutBefore{}, nil
	}
	files, err := keepThese(l.Dir, append([]string{startConf, startConf + ".orig"}, configurationFiles...))
	return layoutBefore{l, files}, err
}

func (b layoutBefore) restore(pgdata string) error {
	if b.layout == nil {
		return nil
	}
	for _, name := range append(includedFiles[:len(includedFiles):len(includedFiles)], configurationFiles...) {
		if path := filepath.Join(b.layout.Dir, name); isLink(path) {
			if err := removeFile(path); err != nil {
				return err
			}
		}
	}
	if dir := filepath.Join(b.layout.Dir, confD); isLink(dir) {
		if err := errors.Join(os.Remove(dir), os.Rename(dir+".orig", dir), os.RemoveAll(filepath.Join(pgdata, confD))); err != nil {
			return err
		}
	}
	return b.files.restore(b.layout.Dir)
}

func isLink(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && info.Mode()&fs.ModeSymlink != 0
}

// linkOver replaces name by a link to target, atomically.
func linkOver(target, name string) error {
	temp := name + ".pgaf"
	if err := removeFile(temp); err != nil {
		return err
	}
	if err := os.Symlink(target, temp); err != nil {
		return err
	}
	return os.Rename(temp, name)
}
