package main

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/alecthomas/kong"
)

// commandsMarkdown is docs/commands.md.
func commandsMarkdown(root *kong.Node) string {
	var b strings.Builder
	b.WriteString("<!-- Generated from the structs of cmd/pgaf by: make docs -->\n\n# Commands\n\n" +
		"Every command of `pgaf`, which answers to the name `pg_autoctl` too. `pgaf help` prints the tree, `--help` behind a\n" +
		"command what is below, `man pgaf` the same as man pages; `pgaf completion bash|zsh|fish` makes the shell complete it.\n" +
		"Data goes to stdout; logs, progress and errors to stderr.\n\n")
	markdownIndex(&b, root)
	b.WriteString("\n## Options of every command\n\n")
	markdownTerms(&b, "option", everyCommandsOptions(root))
	b.WriteString("\n## Exit codes\n\n| code | meaning |\n|---|---|\n")
	for _, e := range allExits {
		fmt.Fprintf(&b, "| %d | %s |\n", e.code, e.when)
	}
	b.WriteString("\n## Environment variables\n\nAn option on the command line wins over its variable; a variable that is empty is not set.\n\n| variable | meaning |\n|---|---|\n")
	for _, variable := range environment(root) {
		fmt.Fprintf(&b, "| `%s` | %s |\n", variable.name, cell(variable.help))
	}
	for _, leaf := range root.Leaves(true) {
		markdownCommand(&b, referenceOf(leaf))
	}
	return b.String()
}

// markdownIndex lists the commands with links to what is said about them.
func markdownIndex(b *strings.Builder, root *kong.Node) {
	b.WriteString("| command | |\n|---|---|\n")
	for _, leaf := range root.Leaves(true) {
		fmt.Fprintf(b, "| [%s](#%s) | %s |\n", leaf.Path(), strings.ReplaceAll(leaf.FullPath(), " ", "-"), cell(leaf.Help))
	}
}

func markdownCommand(b *strings.Builder, r reference) {
	fmt.Fprintf(b, "\n## %s\n\n%s\n", r.path, cell(r.help))
	if r.detail != "" {
		fmt.Fprintf(b, "\n%s\n", strings.TrimSpace(r.detail))
	}
	fmt.Fprintf(b, "\n```\n%s\n```\n\n", r.usage)
	markdownTerms(b, "argument", r.arguments)
	if len(r.arguments) > 0 && len(r.options) > 0 {
		b.WriteString("\n")
	}
	markdownTerms(b, "option", r.options)
	for i, line := range r.output.lines(func(s string) string { return "`" + s + "`" }) {
		if i == 0 && r.output.text != "" {
			line = "Output: " + line
		}
		fmt.Fprintf(b, "\n%s\n", line)
	}
	codes := make([]string, len(r.exits))
	for i, e := range r.exits {
		codes[i] = fmt.Sprintf("%d: %s", e.code, e.when)
	}
	fmt.Fprintf(b, "\nExit codes: %s.\n", strings.Join(codes, "; "))
	for _, example := range r.examples {
		fmt.Fprintf(b, "\n```\n%s```\n", foldCommand(example, ""))
	}
}

// statedDefault is a default that the help of an option tells in parentheses.
var statedDefault = regexp.MustCompile(` \(default:? ([^()]*)\)`)

func markdownTerms(b *strings.Builder, what string, list []term) {
	if len(list) == 0 {
		return
	}
	fmt.Fprintf(b, "| %s | meaning | default | environment |\n|---|---|---|---|\n", what)
	for _, t := range list {
		if m := statedDefault.FindStringSubmatch(t.help); m != nil && t.def == "" {
			t.def, t.help = m[1], strings.Replace(t.help, m[0], "", 1)
		}
		env := ""
		if len(t.envs) > 0 {
			env = "`" + strings.Join(t.envs, "`, `") + "`"
		}
		def := t.def
		t.def, t.envs = "", nil
		fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", strings.ReplaceAll(strings.TrimSpace(t.name), "|", `\|`), cell(t.text()), cell(def), env)
	}
}

// cell is text that a table can hold.
func cell(text string) string {
	return strings.NewReplacer("|", `\|`, "<", "&lt;", "\n", " ").Replace(text)
}
