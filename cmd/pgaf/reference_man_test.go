package main

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// model is the command tree as name shows it.
func model(t *testing.T, name string) *kong.Node {
	t.Helper()
	a := &app{name: name, stdout: io.Discard, stderr: io.Discard, given: map[string]bool{}}
	var tree cli
	parser, err := newParser(a, &tree, func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	return parser.Model.Node
}

// ownLeaves are the commands that need help, an example and a script: those that
// are shown, and hidden ones that are not another spelling of a command.
func ownLeaves(root *kong.Node) []*kong.Node {
	leaves := root.Leaves(true)
	known := map[reflect.Type]bool{}
	for _, leaf := range leaves {
		known[leaf.Target.Type()] = true
	}
	for _, leaf := range root.Leaves(false) {
		if !known[leaf.Target.Type()] {
			known[leaf.Target.Type()] = true
			leaves = append(leaves, leaf)
		}
	}
	return leaves
}

// The formatters of man pages read every page without a warning, and what they
// print has every command and option.
func TestManPages(t *testing.T) {
	root := model(t, "pgaf")
	dir := t.TempDir()
	pages := manPages(root)
	if err := writeFiles(dir, pages); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.1"))
	if err != nil || len(files) != len(pages) {
		t.Fatalf("%d files for %d pages, %v", len(files), len(pages), err)
	}
	for _, formatter := range [][]string{
		{"man", "--warnings", "-E", "UTF-8", "-l"},
		{"groff", "-ww", "-man", "-Tutf8", "-rLL=500n"},
		{"mandoc", "-T", "utf8", "-O", "width=500", "-W", "error"},
	} {
		if _, err := exec.LookPath(formatter[0]); err != nil {
			t.Logf("%s is not installed", formatter[0])
			continue
		}
		cmd := exec.Command(formatter[0], append(formatter[1:], files...)...)
		cmd.Env = append(os.Environ(), "MANWIDTH=500", "LC_ALL=C.UTF-8", "MAN_KEEP_FORMATTING=")
		var complaints strings.Builder
		cmd.Stderr = &complaints
		printed, err := cmd.Output()
		if err != nil || complaints.Len() > 0 {
			t.Errorf("%v: %v\n%s", formatter, err, complaints.String())
		}
		checkPrinted(t, root, formatter[0], withoutStyle(string(printed)))
	}
}

// withoutStyle removes the overstrikes and escape sequences of a terminal.
func withoutStyle(text string) string {
	return regexp.MustCompile("\x1b\\[[0-9;]*m|.\b").ReplaceAllString(text, "")
}

// checkPrinted looks for every command and option in what a formatter printed.
func checkPrinted(t *testing.T, root *kong.Node, formatter, printed string) {
	t.Helper()
	for _, leaf := range root.Leaves(true) {
		r := referenceOf(leaf)
		_, page, found := strings.Cut(printed, "   "+r.usage+"\n")
		if len(strings.Fields(leaf.Path())) > 1 && !found {
			t.Errorf("%s prints no section %q", formatter, r.usage)
			continue
		}
		for _, option := range r.options {
			if found && !strings.Contains(page, strings.TrimSpace(option.name)) {
				t.Errorf("%s prints no option %q below %q", formatter, option.name, r.usage)
			}
		}
	}
}
