package main

import (
	"embed"
	"fmt"
	"strings"
)

// The scripts ask the program itself what can come next ("internal complete"), so
// they stay right when the program is replaced.
//
//go:embed completion/bash completion/zsh completion/fish
var completionScripts embed.FS

type completionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// Help is the part of --help below the first sentence.
func (completionCmd) Help() string {
	return "Completes commands, options, values and file names; with a node or a monitor on the command line, or in the " +
		"environment, also the names of its formations and nodes and the states that a node can reach."
}

func (completionCmd) output() output {
	return output{text: "A script for the shell to source; it begins with how to do so."}
}

func (c *completionCmd) Run(a *app) error {
	script, err := completionScripts.ReadFile("completion/" + c.Shell)
	if err != nil {
		return err
	}
	_, err = fmt.Fprint(a.stdout, strings.ReplaceAll(string(script), "@prog@", a.name))
	return err
}
