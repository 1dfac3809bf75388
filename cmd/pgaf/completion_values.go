package main

import (
	"context"
	"fmt"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"pgaf/keeper"
	"pgaf/monitor"
)

// candidate is a word that completes, and what it means.
type candidate struct{ word, help string }

type completions struct {
	kind  string // words, files or dirs
	words []candidate
}

// completionPatience is how long the monitor may take to tell its names: who
// pressed the key is waiting.
const completionPatience = time.Second

// knownValues are words that complete an option or an argument by its name;
// whatever is found out on the way is left out when it cannot be.
var knownValues = map[string]func(*completer) []candidate{
	"auth":           func(*completer) []candidate { return words(authMethods...) },
	"ssl-mode":       func(*completer) []candidate { return words(sslModes...) },
	"kind":           func(*completer) []candidate { return words("pgsql", "citus") },
	"formation":      (*completer).formations,
	"name":           (*completer).nodeNames,
	"state":          (*completer).reachableStates,
	"section.option": (*completer).configKeys,
	"command":        (*completer).commandsBelow,
}

// valuesOf is what completes the value of an option, or an argument.
func (c *completer) valuesOf(v *kong.Value) completions {
	switch {
	case v.Enum != "":
		return completions{"words", words(v.EnumSlice()...)}
	case v.Target.IsValid() && isBoolean(v.Target.Type()):
		return completions{"words", words("true", "false")}
	case knownValues[v.Name] != nil:
		return completions{"words", knownValues[v.Name](c)}
	}
	holder := strings.ToUpper(v.Name) // of an argument: <file>, <dir>
	if v.Flag != nil {
		holder = v.Flag.PlaceHolder
	}
	switch {
	case strings.Contains(holder, "|"):
		return completions{"words", words(strings.Split(holder, "|")...)}
	case holder == "DIR":
		return completions{kind: "dirs"}
	case holder == "FILE" || holder == "PATH":
		return completions{kind: "files"}
	}
	return completions{kind: "words"}
}

func isBoolean(t reflect.Type) bool {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t == reflect.TypeFor[boolean]()
}

func words(list ...string) []candidate {
	var candidates []candidate
	for _, word := range list {
		if word != "" {
			candidates = append(candidates, candidate{word: word})
		}
	}
	return candidates
}

// option is the value of an option on the command line so far, else in the environment.
func (c *completer) option(name string) string {
	if value, given := c.given[name]; given {
		return value
	}
	if flag := c.flags["--"+name]; flag != nil {
		for _, variable := range flag.Envs {
			if value := os.Getenv(variable); value != "" {
				return value
			}
		}
	}
	return ""
}

// makesNew reports whether the command line makes what it names: there is
// nothing to choose from.
func (c *completer) makesNew(name string) bool {
	return strings.HasPrefix(c.node.Path(), "create ") && (name == "name" || c.node.Name == "formation")
}

// askMonitor asks the monitor that the command line selects.
func (c *completer) askMonitor(f func(context.Context, *monitor.Client, target) error) {
	if c.flags["--monitor"] == nil {
		return
	}
	selector := nodeSelector{PGData: c.option("pgdata"), Monitor: c.option("monitor")}
	if c.given["monitor"] == "" && c.given["pgdata"] != "" {
		selector.Monitor = ""
	}
	t, err := selector.resolve(c.app, c.given["formation"], nil)
	if err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), completionPatience)
	defer cancel()
	client, err := t.connect(ctx)
	if err != nil {
		return
	}
	defer client.Close(ctx)
	_ = f(ctx, client, t) // without an answer nothing completes
}

func (c *completer) formations() (list []candidate) {
	if c.makesNew("formation") {
		return nil
	}
	c.askMonitor(func(ctx context.Context, client *monitor.Client, _ target) error {
		formations, err := client.Formations(ctx)
		for _, f := range formations {
			list = append(list, candidate{f.ID, string(f.Kind)})
		}
		return err
	})
	return list
}

func (c *completer) nodeNames() (list []candidate) {
	if c.makesNew("name") {
		return nil
	}
	c.askMonitor(func(ctx context.Context, client *monitor.Client, t target) error {
		nodes, err := client.CurrentState(ctx, t.formation, nil)
		for _, n := range nodes {
			list = append(list, candidate{n.Name, fmt.Sprintf("%s %s", n.Reported, hostPort(n.Host, n.Port))})
		}
		return err
	})
	return list
}

// reachableStates are the states that the node can reach from its own, or all of
// them when its state is not known.
func (c *completer) reachableStates() (list []candidate) {
	paths, err := keeper.PathsOf(c.option("pgdata"))
	if err == nil {
		if state, err := keeper.ReadState(paths.State); err == nil {
			for _, row := range reachableTable(state.Current, "standalone").rows {
				list = append(list, candidate{row[1], row[2]})
			}
			return list
		}
	}
	for _, state := range monitor.States {
		list = append(list, candidate{word: string(state)})
	}
	return list
}

func (c *completer) configKeys() []candidate {
	role := keeper.RoleKeeper
	if pgdata := c.option("pgdata"); pgdata != "" {
		if config, err := keeper.Load(pgdata); err == nil {
			role = config.Role
		}
	}
	return words(keeper.ConfigKeys(role)...)
}

// commandsBelow are the commands below those already on the command line of help.
func (c *completer) commandsBelow() (list []candidate) {
	node := rootOf(c.node)
	for _, word := range c.words {
		if node = childByName(node, word); node == nil {
			return nil
		}
	}
	for _, child := range visible(node) {
		list = append(list, candidate{child.Name, child.Help})
	}
	return list
}
