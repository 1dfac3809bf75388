package main

import (
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/rogpeppe/go-internal/txtar"
)

// scriptRun is one run of the program in a script of testdata.
type scriptRun struct {
	where   string // file
	words   []string
	code    string // expected exit code, "" when any other than 0 will do
	checked bool   // its exit code is checked: not in the background and never waited for
}

// The table of commands without a script that runs them and looks at the exit
// code, and of options that no script uses, is empty.
func TestEveryCommandAndOptionHasAScript(t *testing.T) {
	parser := testParser(t)
	used := map[string]bool{} // "show state" and "show state --json"
	for _, run := range scriptRuns(t) {
		command := newCompleter(parser, append(run.words, ""))
		path := command.node.Path()
		used[path] = used[path] || run.checked
		for option := range command.given {
			used[optionOwner(command.node, option)+" --"+option] = true
		}
	}
	var table []string
	root := parser.parser.Model.Node
	for _, leaf := range append(ownLeaves(root), root) {
		if !used[leaf.Path()] && leaf != root {
			table = append(table, fmt.Sprintf("| %s | no script |", leaf.FullPath()))
			continue
		}
		for _, flag := range leaf.Flags {
			if !flag.Hidden && flag.Name != "help" && !used[leaf.Path()+" --"+flag.Name] {
				table = append(table, fmt.Sprintf("| %s | --%s |", leaf.FullPath(), flag.Name))
			}
		}
	}
	if len(table) > 0 {
		t.Errorf("use these in a script of testdata/script (without Postgres) or testdata/live (with), and check what they do:\n\n"+
			"| command | not in any script |\n|---|---|\n%s", strings.Join(table, "\n"))
	}
}

// optionOwner is the path of the command that an option belongs to.
func optionOwner(node *kong.Node, option string) string {
	for _, flag := range rootOf(node).Flags {
		if flag.Name == option {
			return ""
		}
	}
	return node.Path()
}

// Every exit code that a script expects is one that the documentation names.
func TestExitCodesAreDocumented(t *testing.T) {
	parser := testParser(t)
	missing := map[string]bool{}
	for _, run := range scriptRuns(t) {
		node := newCompleter(parser, append(run.words, "")).node
		if run.code == "" || len(node.Children) > 0 {
			continue
		}
		if !slices.ContainsFunc(exitsOf(node), func(e exit) bool { return fmt.Sprint(e.code) == run.code }) {
			missing[fmt.Sprintf("%s: %s ends with %s", run.where, node.FullPath(), run.code)] = true
		}
	}
	if len(missing) > 0 {
		t.Errorf("name these exit codes in a method exits of the command's struct:\n%s",
			strings.Join(slices.Sorted(maps.Keys(missing)), "\n"))
	}
}

func testParser(t *testing.T) *app {
	t.Helper()
	a := &app{name: "pgaf", stdout: io.Discard, stderr: io.Discard, given: map[string]bool{}}
	var tree cli
	parser, err := newParser(a, &tree, func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	a.parser = parser
	return a
}

// scriptRuns are the runs of the program in all scripts.
func scriptRuns(t *testing.T) []scriptRun {
	t.Helper()
	files, err := filepath.Glob("testdata/*/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	var runs []scriptRun
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range strings.Split(string(archive.Comment), "\n") {
			if run, ok := parseRun(line, string(archive.Comment)); ok {
				run.where = file
				runs = append(runs, run)
			}
		}
	}
	return runs
}

var background = regexp.MustCompile(`^&(\w*)&?$`)

// parseRun reads one line of a script.
func parseRun(line, script string) (scriptRun, bool) {
	words := scriptWords(line)
	run := scriptRun{code: "0", checked: true}
	for len(words) > 0 {
		switch {
		case words[0] == "!":
			run.code, words = "", words[1:]
		case words[0] == "code" && len(words) > 1:
			run.code, words = words[1], words[2:]
		case (words[0] == "until" || words[0] == "tty") && len(words) > 2:
			run.code, words = "0", words[3:]
		case words[0] == "exec" || strings.HasPrefix(words[0], "["):
			words = words[1:]
		case words[0] == "pgaf" || words[0] == "pg_autoctl":
			if m := background.FindStringSubmatch(words[len(words)-1]); m != nil {
				words = words[:len(words)-1]
				run.checked = regexp.MustCompile(`(?m)^!? ?wait( ` + m[1] + `)?$`).MatchString(script)
			}
			run.words = words
			return run, true
		default:
			return run, false
		}
	}
	return run, false
}

func TestParseRun(t *testing.T) {
	for line, want := range map[string]scriptRun{
		"code 6 pgaf version":           {words: []string{"pgaf", "version"}, code: "6", checked: true},
		"! exec pgaf version":           {words: []string{"pgaf", "version"}, code: "", checked: true},
		"until 3 x pgaf version":        {words: []string{"pgaf", "version"}, code: "0", checked: true},
		"exec pgaf version &seen&":      {words: []string{"pgaf", "version"}, code: "0", checked: true},
		"exec pgaf version &forgotten&": {words: []string{"pgaf", "version"}, code: "0", checked: false},
	} {
		if got, ok := parseRun(line, "wait seen\n"); !ok || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%q is %v, want %v", line, got, want)
		}
	}
	if _, ok := parseRun("exec psql -c x", ""); ok {
		t.Error("psql is taken for the program")
	}
}
