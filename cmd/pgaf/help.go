package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kong"
)

// helpCmd prints the whole command tree, or the help of one command.
type helpCmd struct {
	Command []string `arg:"" optional:"" help:"Print the help of this command."`
}

func (c *helpCmd) Run(a *app) error {
	if len(c.Command) == 0 {
		fmt.Fprintln(a.stdout, a.name)
		printTree(a.stdout, a.parser.Model.Node, "  ")
		return nil
	}
	printed := false
	a.parser.Stdout, a.parser.Exit = a.stdout, func(int) { printed = true }
	if _, err := a.parser.Parse(append(c.Command, "--help")); err != nil && !printed {
		return err
	}
	return nil
}

// printTree prints the commands below node, one per line, indented by depth.
func printTree(w io.Writer, node *kong.Node, indent string) {
	width := 0
	for _, child := range visible(node) {
		width = max(width, len(child.Name))
	}
	for _, child := range visible(node) {
		fmt.Fprintf(w, "%s%-*s  %s\n", indent, width, child.Name, child.Help)
		printTree(w, child, indent+"  ")
	}
}

// helpWidth is that of a small terminal; helpColumn is where the texts of
// options begin at the latest.
const (
	helpWidth  = 80
	helpColumn = 30
)

// printHelp prints the reference of the command that was reached.
func printHelp(_ kong.HelpOptions, kctx *kong.Context) error {
	node := kctx.Selected()
	if node == nil {
		node = kctx.Model.Node
	}
	var b strings.Builder
	writeHelp(&b, node)
	_, err := io.WriteString(kctx.Stdout, b.String())
	return err
}

func writeHelp(b *strings.Builder, node *kong.Node) {
	r := referenceOf(node)
	fmt.Fprintf(b, "Usage: %s\n\n%s", r.usage, wrap(r.help, ""))
	if r.detail != "" {
		for _, paragraph := range strings.Split(r.detail, "\n\n") {
			b.WriteString("\n" + wrap(paragraph, ""))
		}
	}
	helpTerms(b, "Commands", commandTerms(node))
	helpTerms(b, "Arguments", r.arguments)
	helpTerms(b, "Options", r.options)
	helpTerms(b, "Options of every command", everyCommandsOptions(node))
	r.output.keys = nil // too long here; the man page and docs/commands.md have them
	if lines := r.output.lines(func(s string) string { return s }); len(lines) > 0 {
		b.WriteString("\nOutput:\n")
		for _, line := range lines {
			b.WriteString(wrap(line, "  "))
		}
	}
	if len(r.exits) > 0 {
		b.WriteString("\nExit codes:\n")
		for _, e := range r.exits {
			b.WriteString(hang(fmt.Sprintf("  %3d  ", e.code), e.when))
		}
	}
	for i, example := range r.examples {
		if i == 0 {
			b.WriteString("\nExample:\n")
		}
		b.WriteString(foldCommand(example, "  "))
	}
	if len(node.Children) > 0 {
		b.WriteString("\n" + wrap(fmt.Sprintf("%q tells more about a command.", r.path+" <command> --help"), ""))
	}
}

// commandTerms lists what can follow: the groups of the program, or every command
// below a group.
func commandTerms(node *kong.Node) []term {
	below := visible(node)
	if node.Parent != nil && len(below) > 0 {
		below = node.Leaves(true)
	}
	var list []term
	for _, command := range below {
		list = append(list, term{name: command.Path(), help: command.Help})
	}
	return list
}

// helpTerms writes a list of terms, their texts below each other.
func helpTerms(b *strings.Builder, title string, list []term) {
	if len(list) == 0 {
		return
	}
	column := 0
	for _, t := range list {
		if width := len(t.name) + 4; width <= helpColumn {
			column = max(column, width)
		}
	}
	fmt.Fprintf(b, "\n%s:\n", title)
	for _, t := range list {
		head := "  " + t.name
		if len(head)+2 > column {
			if column == 0 {
				column = helpColumn
			}
			b.WriteString(head + "\n")
			head = ""
		}
		b.WriteString(hang(fmt.Sprintf("%-*s", column, head), t.text()))
	}
}

// hang wraps text behind head.
func hang(head, text string) string {
	indent := strings.Repeat(" ", len(head))
	return head + strings.TrimPrefix(wrap(text, indent), indent)
}

// wrap breaks text into lines of helpWidth, each behind indent.
func wrap(text, indent string) string {
	var b strings.Builder
	line := indent
	for _, word := range strings.Fields(text) {
		if line != indent && len([]rune(line))+1+len([]rune(word)) > helpWidth {
			b.WriteString(line + "\n")
			line = indent
		}
		if line != indent {
			line += " "
		}
		line += word
	}
	return b.String() + line + "\n"
}

// foldCommand breaks a command line before an option, so that a shell reads it as
// one.
func foldCommand(command, indent string) string {
	var lines []string
	line := indent
	for _, piece := range optionPieces(command) {
		switch {
		case line == indent:
			line += piece
		case len(line)+len(piece)+3 <= helpWidth:
			line += " " + piece
		default:
			lines = append(lines, line)
			line = indent + "    " + piece
		}
	}
	return strings.Join(append(lines, line), " \\\n") + "\n"
}

// optionPieces cuts a command line before each option; an option and its value
// stay together. What is more than options and words, as for a shell, is one piece.
func optionPieces(command string) []string {
	if strings.ContainsAny(command, "'\"<>|;$") {
		return []string{command}
	}
	var pieces []string
	for _, word := range strings.Fields(command) {
		if last := len(pieces) - 1; last >= 0 && !strings.HasPrefix(word, "-") {
			pieces[last] += " " + word
			continue
		}
		pieces = append(pieces, word)
	}
	return pieces
}

// examplesOf returns the example lines of a command, with the program's name as
// it was called.
func examplesOf(node *kong.Node) []string {
	if node == nil || node.Tag == nil {
		return nil
	}
	var examples []string
	for _, line := range node.Tag.GetAll("example") {
		examples = append(examples, strings.ReplaceAll(line, "${prog}", rootOf(node).Name))
	}
	return examples
}
