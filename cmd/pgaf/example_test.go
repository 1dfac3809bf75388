package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/rogpeppe/go-internal/txtar"
)

// examplePorts are the ports of the examples, in the order of $PORT0 and on.
var examplePorts = []string{"6000", "6010", "6011", "6020", "6021"}

// TestExamples runs the examples of --help as they stand, in the sessions of
// testdata/examples. There "example LEAF" is a program that runs the example of a
// command with a shell, its ports replaced by free ones ("example 2 LEAF" the
// second one), and "documented LEAF" compares what it prints with the columns
// and JSON keys that docs/commands.md tells.
func TestExamples(t *testing.T) {
	if testing.Short() {
		t.Skip("runs clusters")
	}
	if os.Geteuid() == 0 {
		t.Skip("Postgres does not run as root")
	}
	testscript.Run(t, testscript.Params{
		Dir:   "testdata/examples",
		Setup: func(env *testscript.Env) error { return sandbox(env, len(examplePorts)) },
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"code":       exitsWith,
			"until":      until,
			"documented": documented,
		},
	})
}

// Every command has an example, and a session runs it; where the command says
// which columns or keys it prints, the session compares them.
func TestEveryExampleIsRun(t *testing.T) {
	run, compared := map[string]bool{}, map[string]bool{}
	files, err := filepath.Glob("testdata/examples/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no sessions: %v", err)
	}
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range strings.Split(string(archive.Comment), "\n") {
			words := scriptWords(line)
			if at := slices.IndexFunc(words, func(w string) bool { return w == "example" || w == "documented" }); at >= 0 {
				if words[at] == "documented" {
					compared[strings.Join(words[at+1:], " ")] = true
				}
				words = slices.DeleteFunc(words[at+1:], func(w string) bool { return strings.HasPrefix(w, "&") })
				run[strings.Join(words, " ")] = true
			}
		}
	}
	var missing []string
	for _, leaf := range ownLeaves(model(t, "pgaf")) {
		examples := examplesOf(leaf)
		if len(examples) == 0 {
			t.Errorf("%s has no example: add the tag example:\"${prog} %s ...\" to its line in tree.go", leaf.FullPath(), leaf.Path())
		}
		if o := outputOf(leaf); len(o.columns)+len(o.keys) > 0 && !compared[leaf.Path()] {
			missing = append(missing, "documented "+leaf.Path())
			continue
		}
		for i, example := range examples {
			name := leaf.Path()
			if i > 0 {
				name = fmt.Sprint(i+1, " ", name)
			}
			if !runsLeaf(example, leaf.FullPath()) {
				t.Errorf("the example of %s does not run it: %s", leaf.FullPath(), example)
			}
			if !run[name] {
				missing = append(missing, "exec example "+name)
			}
		}
	}
	if len(missing) > 0 {
		t.Errorf("nothing runs these examples: add the lines to testdata/examples/cluster.txtar where what they need is there, to "+
			"testdata/examples/alone.txtar when they need no monitor (\"code N example ...\" when it ends with N):\n\n%s", strings.Join(missing, "\n"))
	}
}

// runsLeaf reports whether an example runs the command: its words are there, with
// options between them perhaps.
func runsLeaf(example, path string) bool {
	pattern := strings.ReplaceAll(regexp.QuoteMeta(path), " ", `( -\S+)* `)
	return regexp.MustCompile(`(^|\W)` + pattern + `(\W|$)`).MatchString(example)
}

// runExample is the program "example [N] LEAF...".
func runExample() {
	text, err := exampleText(os.Args[1:], os.Getenv)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	bash, err := exec.LookPath("bash")
	if err == nil {
		err = syscall.Exec(bash, []string{"bash", "-c", text}, os.Environ())
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// exampleText is the text of an example with ports that are free.
func exampleText(args []string, getenv func(string) string) (string, error) {
	number := 1
	if len(args) > 0 {
		if _, err := fmt.Sscanf(args[0], "%d", &number); err == nil {
			args = args[1:]
		}
	}
	a := &app{name: "pgaf", stdout: os.Stdout, stderr: os.Stderr, given: map[string]bool{}}
	var tree cli
	parser, err := newParser(a, &tree, func(int) {})
	if err != nil {
		return "", err
	}
	for _, leaf := range parser.Model.Leaves(false) {
		if leaf.Path() != strings.Join(args, " ") {
			continue
		}
		examples := examplesOf(leaf)
		if number < 1 || number > len(examples) {
			return "", fmt.Errorf("%s has %d examples", leaf.FullPath(), len(examples))
		}
		text := examples[number-1]
		for i, port := range examplePorts {
			text = regexp.MustCompile(`\b`+port+`\b`).ReplaceAllString(text, getenv(fmt.Sprintf("PORT%d", i)))
		}
		return text, nil
	}
	return "", fmt.Errorf("there is no command %q", strings.Join(args, " "))
}
