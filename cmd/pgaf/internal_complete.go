package main

import (
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
)

// internalCompleteCmd answers a shell that completes a command line: one line
// that says what completes (words, files or dirs), then one line for each word
// with what it means behind a tab.
type internalCompleteCmd struct {
	Shell string   `name:"shell" enum:"bash,zsh,fish" default:"bash" placeholder:"SHELL" help:"How that shell cuts its command line into words."`
	Words []string `arg:"" optional:"" name:"word" help:"The command line up to the cursor, behind --."`
}

func (internalCompleteCmd) output() output {
	return output{text: "words, files or dirs, then the words, each with what it means behind a tab."}
}

func (c *internalCompleteCmd) Run(a *app) error {
	words := c.Words
	if c.Shell == "bash" {
		words = glue(words)
	}
	if len(words) < 2 {
		words = []string{a.name, ""}
	}
	completer := newCompleter(a, words)
	found := completer.complete()
	fmt.Fprintln(a.stdout, found.kind)
	for _, w := range found.words {
		if !strings.HasPrefix(w.word, completer.current) {
			continue
		}
		word := w.word
		if c.Shell == "bash" {
			word = word[lastBreak(completer.current):]
		}
		fmt.Fprintf(a.stdout, "%s\t%s\n", word, w.help)
	}
	return nil
}

// breaks are the characters at which bash cuts words apart, each a word of its own.
const breaks = "=:"

// glue puts together what bash cut apart: --pgdata = ./node_a.
func glue(words []string) []string {
	var glued []string
	open := false // the next word belongs to the last one
	for _, word := range words {
		isBreak := word != "" && strings.Trim(word, breaks) == ""
		if len(glued) > 1 && (open || isBreak) {
			glued[len(glued)-1] += word
		} else {
			glued = append(glued, word)
		}
		open = isBreak
	}
	return glued
}

// lastBreak is where the part of a word begins that bash replaces.
func lastBreak(word string) int { return strings.LastIndexAny(word, breaks) + 1 }

// completer knows the command line before the word that is completed.
type completer struct {
	app     *app
	node    *kong.Node            // the command reached so far
	flags   map[string]*kong.Flag // options that may follow, by name: --pgdata, -D
	given   map[string]string     // options on the command line by their long names
	words   []string              // arguments so far
	pending *kong.Flag            // option whose value is completed
	noMore  bool                  // behind --
	current string
}

func newCompleter(a *app, words []string) *completer {
	c := &completer{app: a, node: a.parser.Model.Node, given: map[string]string{}}
	c.flags = flagsByName(c.node)
	last := len(words) - 1
	for _, word := range words[1:last] {
		c.pass(word)
	}
	c.current = words[last]
	if name, value, found := strings.Cut(c.current, "="); found && c.pending == nil && !c.noMore && c.flags[name] != nil {
		c.pending, c.current = c.flags[name], value
	}
	return c
}

// pass takes one word that is complete.
func (c *completer) pass(word string) {
	switch {
	case c.pending != nil:
		c.given[c.pending.Name], c.pending = word, nil
	case word == "--":
		c.noMore = true
	case strings.HasPrefix(word, "--") && !c.noMore:
		name, value, hasValue := strings.Cut(word, "=")
		if flag := c.flags[name]; flag != nil {
			c.take(flag, value, hasValue)
		}
	case strings.HasPrefix(word, "-") && len(word) > 1 && !c.noMore:
		c.passShort(word[1:])
	default:
		if child := childByName(c.node, word); child != nil && len(c.words) == 0 {
			c.node, c.flags = child, flagsByName(child)
			return
		}
		c.words = append(c.words, word)
	}
}

// passShort takes short options in one word, the last with its value perhaps.
func (c *completer) passShort(letters string) {
	for i, letter := range letters {
		flag := c.flags["-"+string(letter)]
		if flag == nil {
			return
		}
		rest := letters[i+len(string(letter)):]
		c.take(flag, rest, rest != "")
		if !flag.IsBool() && !flag.IsCounter() {
			return
		}
	}
}

func (c *completer) take(flag *kong.Flag, value string, hasValue bool) {
	c.given[flag.Name] = value
	if !hasValue && !flag.IsBool() && !flag.IsCounter() {
		c.pending = flag
	}
}

func childByName(node *kong.Node, name string) *kong.Node {
	for _, child := range node.Children {
		if child.Name == name {
			return child
		}
	}
	return nil
}

// flagsByName are the options of a command and those above it.
func flagsByName(node *kong.Node) map[string]*kong.Flag {
	flags := map[string]*kong.Flag{}
	for _, group := range node.AllFlags(true) {
		for _, flag := range group {
			flags["--"+flag.Name] = flag
			if flag.Short != 0 {
				flags["-"+string(flag.Short)] = flag
			}
		}
	}
	return flags
}

// complete is what can stand at the cursor.
func (c *completer) complete() completions {
	if c.pending != nil {
		return c.valuesOf(c.pending.Value)
	}
	if strings.HasPrefix(c.current, "-") && !c.noMore {
		return c.optionsLeft()
	}
	if len(c.node.Children) > 0 {
		var list []candidate
		for _, child := range visible(c.node) {
			list = append(list, candidate{child.Name, child.Help})
		}
		return completions{"words", list}
	}
	if n := len(c.node.Positional); n > 0 {
		at := min(len(c.words), n-1)
		if len(c.words) < n || c.node.Positional[at].IsCumulative() {
			return c.valuesOf(c.node.Positional[at])
		}
	}
	return c.optionsLeft()
}

// optionsLeft are the options of the command, its own first, that are not on the
// command line yet or may be there twice.
func (c *completer) optionsLeft() completions {
	var list []candidate
	for node := c.node; node != nil; node = node.Parent {
		for _, flag := range node.Flags {
			if _, given := c.given[flag.Name]; flag.Hidden || given && !flag.IsCumulative() && !flag.IsCounter() {
				continue
			}
			list = append(list, candidate{"--" + flag.Name, flag.Help})
		}
	}
	return completions{"words", list}
}
