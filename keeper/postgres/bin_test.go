package postgres

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFindBin(t *testing.T) {
	links := t.TempDir()
	link := filepath.Join(links, "pg_ctl")
	if err := os.Symlink(testBin.Path("pg_ctl"), link); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PG_CONFIG", "")
	if b, err := FindBin(link); err != nil || b != testBin {
		t.Errorf("by a link: %+v, %v", b, err)
	}
	t.Setenv("PATH", strings.Join([]string{links, testBin.Dir, "/no/such/folder"}, ":"))
	if b, err := FindBin(""); err != nil || b != testBin {
		t.Errorf("one installation twice in PATH: %+v, %v", b, err)
	}
	second := t.TempDir()
	for _, program := range []string{"pg_ctl", "pg_controldata", "postgres"} {
		if err := os.WriteFile(filepath.Join(second, program), []byte("#!/bin/sh\necho 'postgres (PostgreSQL) 16.1'\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", links+":"+second)
	if _, err := FindBin(""); err == nil || !strings.Contains(err.Error(), second) || !strings.Contains(err.Error(), "--pgctl") {
		t.Errorf("two installations: %v", err)
	}
	if b, err := FindFirstBin(""); err != nil || b != testBin {
		t.Errorf("the first of two: %+v, %v", b, err)
	}
	if b, err := FindBin(filepath.Join(second, "pg_ctl")); err != nil || b.Version.Major != 16 || b.Version.Minor != 1 {
		t.Errorf("chosen: %+v, %v", b, err)
	}
	t.Setenv("PATH", "/no/such/folder")
	if _, err := FindBin(""); err == nil {
		t.Error("found without PATH")
	}
	if _, err := FindBin("/no/such/pg_ctl"); err == nil {
		t.Error("found a missing file")
	}
	t.Setenv("PG_CONFIG", testBin.Path("pg_config"))
	if exists(testBin.Path("pg_config")) {
		if b, err := FindBin(""); err != nil || b != testBin {
			t.Errorf("by PG_CONFIG: %+v, %v", b, err)
		}
	}
}

func TestParseVersion(t *testing.T) {
	for text, want := range map[string]Version{
		"postgres (PostgreSQL) 15.20 (Debian 15.20-0+deb12u1)\n": {15, 20, "15.20 (Debian 15.20-0+deb12u1)"},
		"postgres (PostgreSQL) 19devel":                          {19, 0, "19devel"},
		"postgres (PostgreSQL) 18beta1":                          {18, 0, "18beta1"},
	} {
		if got, err := parseVersion(text); err != nil || got != want {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	if _, err := parseVersion("psql"); err == nil {
		t.Error("accepted")
	}
}
