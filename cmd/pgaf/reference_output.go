package main

import (
	"strings"

	"github.com/alecthomas/kong"
)

// output is what a command prints on stdout. The sessions of testdata/examples
// compare it with what is printed: "documented LEAF".
type output struct {
	text    string   // a sentence, where there is no table
	columns []string // of its table
	keys    []string // of its JSON, in jq's notation: .[].node_id
}

type outputter interface{ output() output }

func outputOf(node *kong.Node) output {
	if !node.Target.IsValid() || !node.Target.CanAddr() {
		return output{}
	}
	if o, ok := node.Target.Addr().Interface().(outputter); ok {
		return o.output()
	}
	return output{}
}

// lines are the sentences about an output; code marks a word that is printed so.
func (o output) lines(code func(string) string) []string {
	var list []string
	if o.text != "" {
		list = append(list, o.text)
	}
	if len(o.columns) > 0 {
		list = append(list, "Columns: "+joinWith(o.columns, code)+".")
	}
	if len(o.keys) > 0 {
		list = append(list, "JSON: "+describeKeys(o.keys, code)+".")
	}
	return list
}

// describeKeys says the shape of a JSON value before the names in it.
func describeKeys(keys []string, code func(string) string) string {
	for shape, prefix := range map[string]string{"an array of objects with ": ".[].", "an object with ": "."} {
		names := make([]string, 0, len(keys))
		for _, key := range keys {
			key = strings.TrimRight(strings.TrimSuffix(key, "?"), ".*")
			if name, ok := strings.CutPrefix(key, prefix); ok && !strings.HasPrefix(name, "[") {
				names = append(names, name)
			}
		}
		if len(names) == len(keys) {
			return shape + joinWith(names, code)
		}
	}
	return joinWith(keys, code)
}

func joinWith(words []string, code func(string) string) string {
	marked := make([]string, len(words))
	for i, word := range words {
		marked[i] = code(word)
	}
	return strings.Join(marked, ", ")
}
