package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	"github.com/rogpeppe/go-internal/testscript"
)

// documented is the script command "documented LEAF": it runs the example of a
// command and compares the columns, and with --json the keys, with those that
// docs/commands.md tells.
func documented(ts *testscript.TestScript, neg bool, args []string) {
	leaf := findLeaf(ts, args)
	want := outputOf(leaf)
	if neg || len(want.columns)+len(want.keys) == 0 {
		ts.Fatalf("usage: documented LEAF, of a command whose method output names columns or keys")
	}
	ts.Check(ts.Exec("example", args...))
	if got := tableTitles(ts.ReadFile("stdout")); len(want.columns) > 0 && !slices.Equal(got, want.columns) {
		ts.Fatalf("%s prints the columns %q, its method output says %q", leaf.FullPath(), got, want.columns)
	}
	if len(want.keys) == 0 {
		return
	}
	text := exampleIn(ts, args)
	if printed := ts.ReadFile("stdout"); !strings.HasPrefix(printed, "{") && !strings.HasPrefix(printed, "[") {
		text += " --json"
		ts.Check(ts.Exec("bash", "-c", text))
	}
	var value any
	if err := json.Unmarshal([]byte(ts.ReadFile("stdout")), &value); err != nil {
		ts.Fatalf("%s: %v", text, err)
	}
	found := map[string]bool{}
	keysOf(value, "", found)
	for _, key := range slices.Sorted(maps.Keys(found)) {
		if !slices.ContainsFunc(want.keys, func(known string) bool { return covers(known, key) }) {
			ts.Fatalf("%s prints the key %s, which its method output does not name", text, key)
		}
	}
	for _, known := range want.keys {
		there := slices.ContainsFunc(slices.Collect(maps.Keys(found)), func(key string) bool { return covers(known, key) })
		if !there && !strings.HasSuffix(known, "?") {
			ts.Fatalf("%s prints no key %s, which its method output names", text, known)
		}
	}
}

// covers reports whether a key of a method output is, or stands for, that key.
func covers(known, key string) bool {
	if above, ok := strings.CutSuffix(known, "*"); ok {
		return strings.HasPrefix(key, above)
	}
	return strings.TrimSuffix(known, "?") == key
}

func findLeaf(ts *testscript.TestScript, args []string) *kong.Node {
	a := &app{name: "pgaf", given: map[string]bool{}}
	var tree cli
	parser, err := newParser(a, &tree, func(int) {})
	ts.Check(err)
	for _, leaf := range parser.Model.Leaves(false) {
		if leaf.Path() == strings.Join(args, " ") {
			return leaf
		}
	}
	ts.Fatalf("there is no command %q", args)
	return nil
}

// exampleIn is the example with the ports of the script.
func exampleIn(ts *testscript.TestScript, args []string) string {
	text, err := exampleText(args, ts.Getenv)
	ts.Check(err)
	return text
}

// tableTitles are the titles of a table.
func tableTitles(printed string) []string {
	header, _, _ := strings.Cut(printed, "\n")
	var columns []string
	for _, title := range strings.Split(header, " | ") {
		columns = append(columns, strings.TrimSpace(title))
	}
	return columns
}

// keysOf gathers the paths of a JSON value's leaves in jq's notation. What has no
// element says nothing.
func keysOf(value any, path string, found map[string]bool) {
	switch v := value.(type) {
	case map[string]any:
		for key, element := range v {
			keysOf(element, path+"."+key, found)
		}
	case []any:
		for _, element := range v {
			keysOf(element, strings.TrimSuffix(path, ".")+arrayStep(path), found)
		}
	default:
		found[fmt.Sprint(path)] = true
	}
}

// arrayStep is how jq steps into an array: .[] at the top, [] behind a key.
func arrayStep(path string) string {
	if path == "" {
		return ".[]"
	}
	return "[]"
}
