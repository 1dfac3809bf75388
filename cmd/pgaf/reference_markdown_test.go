package main

import (
	"os"
	"strings"
	"testing"
)

// docs/commands.md says what the program does.
func TestCommandsMdIsCurrent(t *testing.T) {
	content, err := os.ReadFile("../../docs/commands.md")
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Split(commandsMarkdown(model(t, "pgaf")), "\n")
	got := strings.Split(string(content), "\n")
	for i := range max(len(want), len(got)) {
		if i >= len(want) || i >= len(got) || want[i] != got[i] {
			t.Fatalf("docs/commands.md is stale from line %d on; run: make docs", i+1)
		}
	}
}
