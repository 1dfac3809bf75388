package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// reference is what users read about one command, taken from its kong structs:
// --help, the man pages and docs/commands.md print it in their own ways.
type reference struct {
	path      string // pgaf show state
	usage     string
	help      string // one sentence
	detail    string // paragraphs, of the command's method Help
	arguments []term
	options   []term
	output    output
	exits     []exit
	examples  []string
}

// term is an option or an argument with what it means.
type term struct {
	name    string // -D, --pgdata=DIR
	help    string // without default and environment, unless the sentence names them
	def     string // default, "" when the help says it or there is none
	envs    []string
	choices []string // the words that it accepts, when the help does not list them
}

// referenceOf gathers what there is to say about node.
func referenceOf(node *kong.Node) reference {
	r := reference{
		path:     node.FullPath(),
		usage:    usageLine(node),
		help:     node.Help,
		detail:   node.Detail,
		output:   outputOf(node),
		exits:    exitsOf(node),
		examples: examplesOf(node),
	}
	for _, argument := range node.Positional {
		r.arguments = append(r.arguments, termOf(argument, argument.Summary()))
	}
	for n := node; n.Parent != nil; n = n.Parent {
		r.options = append(r.options, terms(n.Flags)...)
	}
	return r
}

// everyCommandsOptions are the options of the program itself.
func everyCommandsOptions(node *kong.Node) []term {
	return terms(rootOf(node).Flags)
}

func terms(flags []*kong.Flag) []term {
	var list []term
	for _, flag := range flags {
		if !flag.Hidden {
			list = append(list, termOf(flag.Value, optionName(flag)))
		}
	}
	return list
}

func termOf(v *kong.Value, name string) term {
	t := term{name: name, help: v.Help, envs: v.Tag.Envs}
	if v.HasDefault && v.Default != "" && !v.IsBool() && !strings.Contains(v.Help, "default") {
		t.def = v.Default
	}
	if v.Enum != "" && !mentionsAll(v.Help, v.EnumSlice()) {
		t.choices = slices.DeleteFunc(v.EnumSlice(), func(s string) bool { return s == "" })
	}
	return t
}

func mentionsAll(text string, words []string) bool {
	for _, word := range words {
		if !strings.Contains(strings.ToLower(text), strings.ToLower(word)) {
			return false
		}
	}
	return true
}

// text is the help of a term with its choices, default and environment variables.
func (t term) text() string {
	text := t.help
	if !strings.HasSuffix(text, "...") {
		text = strings.TrimSuffix(text, ".")
	}
	if len(t.choices) > 0 {
		text += ": " + strings.Join(t.choices, ", ")
	}
	if t.def != "" {
		text += " (default " + t.def + ")"
	}
	if len(t.envs) > 0 {
		text += " ($" + strings.Join(t.envs, ", $") + ")"
	}
	if strings.HasSuffix(text, "...") {
		return text
	}
	return text + "."
}

// optionName is how an option is written: -D, --pgdata=DIR.
func optionName(flag *kong.Flag) string {
	name := "--" + flag.Name
	if !flag.IsBool() && !flag.IsCounter() {
		name += "=" + placeholder(flag)
	}
	if flag.Short != 0 {
		return fmt.Sprintf("-%c, %s", flag.Short, name)
	}
	return "    " + name
}

func placeholder(flag *kong.Flag) string {
	if flag.PlaceHolder != "" {
		return flag.PlaceHolder
	}
	return strings.ToUpper(flag.Name)
}

// usageLine is the usage of node in one line.
func usageLine(node *kong.Node) string {
	words := []string{node.FullPath()}
	if len(node.Children) > 0 {
		return words[0] + " <command>"
	}
	for _, argument := range node.Positional {
		words = append(words, argument.Summary())
	}
	return strings.Join(append(words, "[options]"), " ")
}

func rootOf(node *kong.Node) *kong.Node {
	for node.Parent != nil {
		node = node.Parent
	}
	return node
}

// visible are the children of a command that are shown.
func visible(node *kong.Node) []*kong.Node {
	var list []*kong.Node
	for _, child := range node.Children {
		if !child.Hidden {
			list = append(list, child)
		}
	}
	return list
}
