package sql

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestScriptIsAllFilesInOrder(t *testing.T) {
	names, err := filepath.Glob("*.sql")
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	slices.Sort(names)
	var want strings.Builder
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		want.Write(text)
	}
	if Script() != want.String() {
		t.Error("the script differs from the files joined by name")
	}
	if strings.Contains(Script(), "\n\\") {
		t.Error("the script has a psql command; it must run without psql")
	}
}

func TestVersionIsTheSameEverywhere(t *testing.T) {
	control, err := os.ReadFile("../pgautofailover.control")
	if err != nil || !strings.Contains(string(control), "default_version = '"+Version+"'") {
		t.Errorf("control file: %v\n%s", err, control)
	}
	if !strings.Contains(Script(), "SELECT '"+Version+"'") {
		t.Errorf("extension_version() does not answer %s", Version)
	}
}
