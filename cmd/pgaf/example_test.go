package main

import (
	"io"
	"strings"
	"testing"
)

// checkExample parses an example of the help as the shell would pass it.
func checkExample(t *testing.T, path, example string) {
	t.Helper()
	words := strings.Fields(example)
	a := &app{name: "pgaf", stdout: io.Discard, stderr: io.Discard, given: map[string]bool{}}
	var tree cli
	parser, err := newParser(a, &tree, func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	kctx, err := parser.Parse(words[1:])
	if err != nil {
		t.Errorf("example %q: %v", example, err)
		return
	}
	if got := kctx.Selected().FullPath(); got != path || words[0] != "pgaf" {
		t.Errorf("example %q runs %q, want %q", example, got, path)
	}
}
