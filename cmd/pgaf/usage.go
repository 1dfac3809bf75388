package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// The messages of kong about a command line, by what we say instead. Anything
// else is passed on as it is.
var (
	unknownFlag     = regexp.MustCompile(`^unknown flag (\S+?)(?:, did you mean .*)?$`)
	unknownArgument = regexp.MustCompile(`^unexpected argument (.+?)(?:, did you mean .*)?$`)
	missingValue    = regexp.MustCompile(`^(--[a-z-]+): expected .* value but got "EOL" \(<EOL>\)$`)
	flagAsValue     = regexp.MustCompile(`^(--[a-z-]+): expected .* value but got "(.*?)" \((?:short|long) flag\)`)
	missingArgument = regexp.MustCompile(`^(?:missing positional arguments |expected ")(<[^"]*>(?: \.\.\.)?)"?$`)
	badEnum         = regexp.MustCompile(`^\[?(--[a-z-]+|<[a-z.-]+>)\]?(?:=\S+)? must be one of (.*) but got "(.*)"$`)
	badArgument     = regexp.MustCompile(`^(<[a-z-]+>): (.*)$`)
	badValue        = regexp.MustCompile(`^(--[a-z-]+)(?:=\S+)?: (.*)$`)
)

// explainParseError turns kong's message about the command line of node into
// our cause and remedy.
func explainParseError(node *kong.Node, message string) error {
	command := node.FullPath()
	help := fmt.Sprintf("%q shows the options", command+" --help")

	if m := unknownFlag.FindStringSubmatch(message); m != nil {
		return usageError(suggest(nearestFlag(node, m[1]), help), "unknown option %s for %q", m[1], command)
	}
	if m := unknownArgument.FindStringSubmatch(message); m != nil {
		if len(node.Children) == 0 {
			return usageError(help, "%q takes no argument %q", command, m[1])
		}
		list := fmt.Sprintf("%q lists the commands", command+" --help")
		return usageError(suggest(nearestCommand(node, m[1]), list), "unknown command %q for %q", m[1], command)
	}
	if m := missingValue.FindStringSubmatch(message); m != nil {
		return usageError(help, "option %s needs a value", m[1])
	}
	if m := flagAsValue.FindStringSubmatch(message); m != nil {
		return usageError(fmt.Sprintf("write %s=VALUE when the value begins with a dash", m[1]),
			"option %s needs a value and is followed by the option %s", m[1], m[2])
	}
	if m := missingArgument.FindStringSubmatch(message); m != nil {
		return usageError("usage: "+usageLine(node), "%q needs the argument %s", command, m[1])
	}
	if m := badEnum.FindStringSubmatch(message); m != nil {
		return badChoice(m[1], strings.Split(strings.ReplaceAll(m[2], `"`, ""), ","), m[3])
	}
	if m := badArgument.FindStringSubmatch(message); m != nil {
		return usageError(help, "argument %s: %s", m[1], m[2])
	}
	if m := badValue.FindStringSubmatch(message); m != nil {
		return usageError(help, "option %s: %s", m[1], plainNumberError(m[2]))
	}
	return usageError(help, "%s", message)
}

// badChoice answers for a word that is none of those that an option or argument
// accepts.
func badChoice(name string, choices []string, got string) error {
	kind := "option"
	if strings.HasPrefix(name, "<") {
		kind = "argument"
	}
	choices = slices.DeleteFunc(choices, func(s string) bool { return s == "" })
	return usageError(suggest(nearest(got, choices), "use one of "+strings.Join(choices, ", ")),
		"%s %s does not accept %q", kind, name, got)
}

// plainNumberError says "a number" where kong says "a valid 64 bit int".
func plainNumberError(message string) string {
	return strings.Replace(message, "a valid 64 bit int", "a whole number", 1)
}

// suggest puts the nearest known word before the general remedy.
func suggest(nearest, otherwise string) string {
	if nearest == "" {
		return otherwise
	}
	return fmt.Sprintf("did you mean %s? %s", nearest, otherwise)
}

// nearestFlag is the option of node whose name is nearest to flag.
func nearestFlag(node *kong.Node, flag string) string {
	var names []string
	for _, group := range node.AllFlags(true) {
		for _, f := range group {
			names = append(names, "--"+f.Name)
		}
	}
	return nearest(flag, names)
}

// nearestCommand is the command line of the command nearest to word: the command
// of that name elsewhere in the tree, else a child of node, else one elsewhere.
func nearestCommand(node *kong.Node, word string) string {
	root := node
	for root.Parent != nil {
		root = root.Parent
	}
	for _, leaf := range root.Leaves(true) {
		if leaf.Name == word {
			return fmt.Sprintf("%q", leaf.FullPath())
		}
	}
	var children []string
	for _, child := range node.Children {
		if !child.Hidden {
			children = append(children, child.Name)
		}
	}
	if name := nearest(word, children); name != "" {
		return fmt.Sprintf("%q", node.FullPath()+" "+name)
	}
	var elsewhere []string
	for _, leaf := range root.Leaves(true) {
		elsewhere = append(elsewhere, leaf.Name)
	}
	if at := slices.Index(elsewhere, nearest(word, elsewhere)); at >= 0 {
		return fmt.Sprintf("%q", root.Leaves(true)[at].FullPath())
	}
	return ""
}

// nearest is the candidate that word most probably was meant to be, "" when
// none is near.
func nearest(word string, candidates []string) string {
	best, bestDistance := "", max(2, len(word)/3)+1
	for _, candidate := range candidates {
		distance := editDistance(word, candidate)
		if strings.HasPrefix(candidate, word) && len(word) > 2 {
			distance = 1
		}
		if distance < bestDistance && distance < len(word) {
			best, bestDistance = candidate, distance
		}
	}
	return best
}

// editDistance is the least number of characters to insert, delete, replace or
// swap with their neighbour that turns a into b.
func editDistance(a, b string) int {
	s, t := []rune(a), []rune(b)
	d := make([][]int, len(s)+1)
	for i := range d {
		d[i] = make([]int, len(t)+1)
		d[i][0] = i
	}
	for j := range d[0] {
		d[0][j] = j
	}
	for i := 1; i <= len(s); i++ {
		for j := 1; j <= len(t); j++ {
			cost := 1
			if s[i-1] == t[j-1] {
				cost = 0
			}
			d[i][j] = min(d[i-1][j]+1, d[i][j-1]+1, d[i-1][j-1]+cost)
			if i > 1 && j > 1 && s[i-1] == t[j-2] && s[i-2] == t[j-1] {
				d[i][j] = min(d[i][j], d[i-2][j-2]+1)
			}
		}
	}
	return d[len(s)][len(t)]
}
