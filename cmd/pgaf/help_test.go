package main

import (
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// The help of every command fits a small terminal and has its sections in order.
func TestHelpFitsTerminal(t *testing.T) {
	root := model(t, "pg_autoctl")
	nodes := []*kong.Node{root}
	for i := 0; i < len(nodes); i++ {
		nodes = append(nodes, visible(nodes[i])...)
	}
	for _, node := range nodes {
		var b strings.Builder
		writeHelp(&b, node)
		text := b.String()
		for _, line := range strings.Split(text, "\n") {
			if len([]rune(line)) > helpWidth && strings.Contains(strings.TrimSpace(line), " ") {
				t.Errorf("help of %s has the line %q", node.FullPath(), line)
			}
		}
		sections := []string{"Usage: " + node.FullPath(), node.Help[:min(30, len(node.Help))], "Options of every command:"}
		if len(node.Children) == 0 {
			sections = append(sections, "Exit codes:\n    0  done\n", "Example:\n  ")
		}
		at := 0
		for _, section := range sections {
			next := strings.Index(text[at:], section)
			if next < 0 {
				t.Errorf("help of %s lacks %q, or has it elsewhere:\n%s", node.FullPath(), section, text)
				break
			}
			at += next
		}
	}
}

func TestFoldCommand(t *testing.T) {
	long := "pgaf x --one " + strings.Repeat("1", 40) + " --two " + strings.Repeat("2", 30)
	for command, want := range map[string]string{
		"pgaf show state":                    "  pgaf show state\n",
		long:                                 "  pgaf x --one " + strings.Repeat("1", 40) + " \\\n      --two " + strings.Repeat("2", 30) + "\n",
		"source <(pgaf completion bash)":     "  source <(pgaf completion bash)\n",
		"a 'b c' " + strings.Repeat("d", 90): "  a 'b c' " + strings.Repeat("d", 90) + "\n",
	} {
		if got := foldCommand(command, "  "); got != want {
			t.Errorf("%q folds to\n%s, want\n%s", command, got, want)
		}
	}
}

func TestTermText(t *testing.T) {
	for want, term := range map[string]term{
		"What it does.":                      {help: "What it does."},
		"What it does (default 5) ($A, $B).": {help: "What it does.", def: "5", envs: []string{"A", "B"}},
		"Which: one, two.":                   {help: "Which.", choices: []string{"one", "two"}},
		"And so on ...":                      {help: "And so on ..."},
		"And so on ... (default 1).":         {help: "And so on ...", def: "1"},
	} {
		if got := term.text(); got != want {
			t.Errorf("text is %q, want %q", got, want)
		}
	}
}
