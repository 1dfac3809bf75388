package cluster

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"pgaf/regress/harness"
)

// A whole cluster of pg_auto_failover 2.0: monitor, extension and nodes, all of Debian's packages.

// olderCluster is a healthy monitor with two nodes, all run by pg_autoctl.
func olderCluster(t *testing.T) (*story, harness.Postgres) {
	t.Helper()
	slot(t)
	program := pgAutoctl(t)
	postgres := olderPostgres(t)
	s := newStory(t, harness.ClusterOptions{Pgaf: program.Path, Postgres: postgres})
	for range 2 {
		_, err := s.AddNode(harness.NodeOptions{})
		s.must(err)
		s.await(s.Healthy(s.Nodes[0]))
	}
	s.a, s.b = s.Nodes[0], s.Nodes[1]
	for _, n := range []*harness.Node{s.Monitor, s.a, s.b} {
		n.Environment = append(n.Environment, "PGDATA="+n.PGDATA)
	}
	return s, postgres
}

// olderPostgres is a private Postgres with the extension 2.0, its library included.
func olderPostgres(t *testing.T) harness.Postgres {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	config := func(flag string) string {
		out, err := exec.Command(filepath.Join(run.Postgres.BinDir, "pg_config"), flag).Output()
		must(err)
		return strings.TrimSpace(string(out))
	}
	major := regexp.MustCompile(`\d+`).FindString(config("--version"))
	root, title, err := run.Package(t.Context(), "postgresql-"+major+"-auto-failover", "2.0")
	if errors.Is(err, harness.ErrNoPackage) {
		t.Skip(err)
	}
	must(err)
	t.Log(title)

	name := strings.ReplaceAll(t.Name(), "/", "-") + "-postgres"
	postgres, err := run.NewPostgres(t.Context(), name, true)
	must(err)
	installed := strings.TrimPrefix(config("--pkglibdir"), filepath.Join(run.Dir, "postgres"))
	library := filepath.Join(run.Dir, name, installed)
	must(os.Remove(library)) // a link to the installed one
	must(os.Mkdir(library, 0o755))
	files, err := filepath.Glob(filepath.Join(installed, "*"))
	must(err)
	for _, file := range files {
		must(os.Symlink(file, filepath.Join(library, filepath.Base(file))))
	}
	const theirs = "pgautofailover.so"
	_ = os.Remove(filepath.Join(library, theirs)) // where the package is installed
	must(harness.CopyFile(filepath.Join(root, installed, theirs), filepath.Join(library, theirs), 0o644))
	scripts, err := filepath.Glob(filepath.Join(root, "usr/share/postgresql", major, "extension", "*"))
	must(err)
	for _, script := range scripts {
		must(harness.CopyFile(script, filepath.Join(postgres.ShareDir, "extension", filepath.Base(script)), 0o644))
	}
	return postgres
}
