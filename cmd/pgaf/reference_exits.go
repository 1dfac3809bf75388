package main

import (
	"reflect"
	"slices"

	"github.com/alecthomas/kong"

	"pgaf/keeper"
)

// exit is one exit code of a command with what it says. A command that ends with
// others than 0 and 1 has a method exits; so have the groups of options that
// commands share, which speak for each command that embeds them.
type exit struct {
	code int
	when string
}

type exiter interface{ exits() []exit }

// everyExit are the exit codes of every command.
var everyExit = []exit{
	{exitOK, "done"},
	{exitBadArgs, "the command line is wrong"},
}

// allExits is the meaning of each exit code over all commands.
var allExits = []exit{
	{exitOK, "done"},
	{exitBadArgs, "the command line is wrong, or there is no node at --pgdata"},
	{exitBadConfig, "the configuration does not allow it, or cannot be read"},
	{exitBadState, "the state of the node does not allow it: not running, running already, no state file"},
	{keeper.ExitSQL, "the local Postgres answers with an error"},
	{keeper.ExitPostgres, "the local Postgres cannot be started or stopped, or is not ready"},
	{exitMonitor, "the monitor cannot be reached, or refuses"},
	{keeper.ExitCoordinator, "the coordinator cannot be reached, or refuses"},
	{keeper.ExitKeeper, "the node cannot be initialised"},
	{keeper.ExitReload, "the configuration cannot be read again"},
	{exitInternal, "anything else: a wait that was too long, a service that does not answer"},
	{keeper.ExitExtension, "the database has no pgaf monitor"},
	{keeper.ExitDropped, "the node was dropped (a service to its supervisor)"},
	{keeper.ExitFatal, "a restart would not help (a service to its supervisor)"},
	{exitInterrupted, "interrupted"},
}

// exitsOf are the exit codes of a command in ascending order. What the command
// itself says about a code wins over what its groups of options say.
func exitsOf(node *kong.Node) []exit {
	if len(node.Children) > 0 || !node.Target.IsValid() {
		return nil
	}
	var list []exit
	add := func(more []exit) {
		for _, e := range more {
			if !slices.ContainsFunc(list, func(known exit) bool { return known.code == e.code }) {
				list = append(list, e)
			}
		}
	}
	eachPart(node.Target, func(part any) {
		if p, ok := part.(exiter); ok {
			add(p.exits())
		}
	})
	add(everyExit)
	slices.SortFunc(list, func(a, b exit) int { return a.code - b.code })
	return list
}

// eachPart calls f with a command's struct and then with each that it embeds.
func eachPart(v reflect.Value, f func(any)) {
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	f(reflect.New(v.Type()).Interface())
	for i := range v.NumField() {
		if field := v.Type().Field(i); field.Anonymous && field.Type.Kind() == reflect.Struct {
			eachPart(reflect.New(field.Type), f)
		}
	}
}
