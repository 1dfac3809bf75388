package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"pgaf/keeper"
)

type showFileCmd struct {
	pgdataOption
	All      bool `name:"all" short:"a" help:"Every file (the default)."`
	Config   bool `name:"config" short:"c" help:"The configuration file."`
	State    bool `name:"state" short:"s" help:"The state file of a data node."`
	Init     bool `name:"init" short:"i" help:"The file that exists while a create is in progress."`
	Pid      bool `name:"pid" short:"p" help:"The pid file of the running service."`
	Contents bool `name:"contents" short:"C" help:"Print the content of the file, not its place."`
	jsonOption
}

func (c *showFileCmd) Run(a *app) error {
	pgdata, err := c.require()
	if err != nil {
		return err
	}
	if err := c.exclusive(); err != nil {
		return err
	}
	paths, err := keeper.PathsOf(pgdata)
	if err != nil {
		return err
	}
	config, err := keeper.Load(pgdata)
	if c.Config && !c.JSON && !errors.Is(err, keeper.ErrNoConfig) {
		err = nil // this is how one looks at what is wrong with it
	}
	if err != nil {
		return err
	}
	if (c.State || c.Init) && config.IsMonitor() {
		return usageError("pass --config or --pid", "a monitor has no state file and no init file")
	}
	switch {
	case c.Config && c.Contents:
		return c.printConfig(a, config, paths.Config)
	case c.State && c.Contents:
		return c.printState(a, paths.State)
	case c.Init && c.Contents:
		return c.printRaw(a, paths.Init)
	case c.Pid && c.Contents:
		return c.printPid(a, paths.Pid)
	case c.Config:
		return c.printPath(a, "config", paths.Config)
	case c.State:
		return c.printPath(a, "state", paths.State)
	case c.Init:
		return c.printPath(a, "init", paths.Init)
	case c.Pid:
		return c.printPath(a, "pid", paths.Pid)
	}
	return c.printPaths(a, config, paths)
}

func (c *showFileCmd) exclusive() error {
	var chosen []string
	for option, given := range map[string]bool{"--config": c.Config, "--state": c.State, "--init": c.Init, "--pid": c.Pid} {
		if given {
			chosen = append(chosen, option)
		}
	}
	switch {
	case len(chosen) > 1 || c.All && len(chosen) > 0:
		return usageError("choose one", "--all, --config, --state, --init and --pid exclude each other")
	case c.Contents && len(chosen) == 0:
		return usageError("add --config, --state, --init or --pid", "which content? --contents needs one file")
	}
	return nil
}

func (c *showFileCmd) printPaths(a *app, config *keeper.Config, paths keeper.Paths) error {
	if c.JSON {
		all := map[string]string{"config": paths.Config, "pid": paths.Pid}
		if !config.IsMonitor() {
			all["state"], all["init"] = paths.State, paths.Init
		}
		return a.printJSON(all)
	}
	t := &table{columns: []column{{title: "File", min: 6}, {title: "Path", min: 4, left: true}}}
	t.add("Config", paths.Config)
	if !config.IsMonitor() {
		t.add("State", paths.State)
		t.add("Init", paths.Init)
	}
	t.add("Pid", paths.Pid)
	return t.write(a.stdout)
}

func (c *showFileCmd) printPath(a *app, key, path string) error {
	if c.JSON {
		return a.printJSON(map[string]string{key: path})
	}
	_, err := fmt.Fprintln(a.stdout, path)
	return err
}

func (c *showFileCmd) printConfig(a *app, config *keeper.Config, path string) error {
	if c.JSON {
		return a.printJSON(config)
	}
	return c.printRaw(a, path)
}

func (c *showFileCmd) printRaw(a *app, path string) error {
	content, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return failure(exitBadState, "", "there is no file %s", path)
	}
	if err != nil {
		return failure(exitBadState, "", "%w", err)
	}
	_, err = a.stdout.Write(content)
	return err
}

func (c *showFileCmd) printState(a *app, path string) error {
	state, err := keeper.ReadState(path)
	if err != nil {
		return err
	}
	if c.JSON {
		return a.printJSON(stateJSON(state))
	}
	return printLabels(a.stdout, [][2]string{
		{"Current Role", string(state.Current)},
		{"Assigned Role", string(state.Assigned)},
		{"Last Monitor Contact", contactTime(state.LastMonitorContact)},
		{"Last Secondary Contact", contactTime(state.LastSecondaryContact)},
		{a.name + " state version", fmt.Sprint(state.Format)},
		{"group", fmt.Sprint(state.GroupID)},
		{"node id", fmt.Sprint(state.NodeID)},
		{"nodes version", "0"},
		{"PostgreSQL Version", fmt.Sprint(state.ControlVersion)},
		{"PostgreSQL CatVersion", fmt.Sprint(state.CatalogVersion)},
		{"PostgreSQL System Id", fmt.Sprint(state.SystemIdentifier)},
	})
}

func (c *showFileCmd) printPid(a *app, path string) error {
	if !c.JSON {
		return c.printRaw(a, path)
	}
	pid, err := keeper.ReadPidFile(path)
	if err != nil {
		return failure(exitBadState, "start it with: "+a.name+" run", "no service runs: %w", err)
	}
	return a.printJSON(pidJSON(pid))
}

// joinNames lists names in a sentence.
func joinNames(names []string) string { return strings.Join(names, ", ") }
