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
	for _, child := range node.Children {
		width = max(width, len(child.Name))
	}
	for _, child := range node.Children {
		if child.Hidden {
			continue
		}
		fmt.Fprintf(w, "%s%-*s  %s\n", indent, width, child.Name, child.Help)
		printTree(w, child, indent+"  ")
	}
}

// printHelp is kong's help printer with a list of sub-commands that is one line
// per command, and the example of the command at the end.
func printHelp(options kong.HelpOptions, kctx *kong.Context) error {
	options.NoExpandSubcommands = true
	options.Compact = true
	options.WrapUpperBound = 100
	if err := kong.DefaultHelpPrinter(options, kctx); err != nil {
		return err
	}
	for _, example := range examplesOf(kctx.Selected()) {
		if _, err := fmt.Fprintf(kctx.Stdout, "\nExample:\n  %s\n", example); err != nil {
			return err
		}
	}
	return nil
}

// examplesOf returns the example lines of a command, with the program's name as
// it was called.
func examplesOf(node *kong.Node) []string {
	if node == nil || node.Tag == nil {
		return nil
	}
	root := node
	for root.Parent != nil {
		root = root.Parent
	}
	var examples []string
	for _, line := range node.Tag.GetAll("example") {
		examples = append(examples, strings.ReplaceAll(line, "${prog}", root.Name))
	}
	return examples
}

// usageLine is the usage of node in one line.
func usageLine(node *kong.Node) string {
	root := node
	for root.Parent != nil {
		root = root.Parent
	}
	return root.Name + " " + node.Summary()
}
