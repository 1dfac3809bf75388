package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"pgaf/keeper"
)

type showSystemdCmd struct {
	pgdataOption
	Template bool `name:"template" help:"Print the unit pgaf@.service instead, for any data folder: its instance is the folder as systemd-escape --path writes it."`
}

func (c *showSystemdCmd) Run(a *app) error {
	if c.Template {
		return c.printTemplate(a)
	}
	pgdata, err := c.require()
	if err != nil {
		return err
	}
	config, err := keeper.Load(pgdata)
	if err != nil {
		return err
	}
	paths, err := keeper.PathsOf(pgdata)
	if err != nil {
		return err
	}
	owner, err := ownerOf(paths.PGDATA)
	if err != nil {
		return err
	}
	program, err := programPath(a.name)
	if err != nil {
		return failure(exitInternal, "", "find this program's own path: %w", err)
	}
	a.log.Info(fmt.Sprintf("install it with: %s -q show systemd --pgdata %s | sudo tee /etc/systemd/system/pgautofailover.service", a.name, pgdata))
	a.log.Info("then: sudo systemctl daemon-reload && sudo systemctl enable --now pgautofailover")
	_, err = fmt.Fprint(a.stdout, systemdUnit(unitOptions{
		program:     program,
		environment: unitVariables(append([]string{"PGDATA=" + unitEscaped(paths.PGDATA)}, serviceFolders()...)),
		user:        unitEscaped(owner.Username),
		home:        unitEscaped(owner.HomeDir),
		config:      config,
	}))
	return err
}

// printTemplate prints a unit for the packaged user of Postgres.
func (c *showSystemdCmd) printTemplate(a *app) error {
	if a.given["pgdata"] {
		return usageError("leave out one of them", "--template and --pgdata exclude each other")
	}
	program, err := programPath(a.name)
	if err != nil {
		return failure(exitInternal, "", "find this program's own path: %w", err)
	}
	_, err = fmt.Fprint(a.stdout, systemdUnit(unitOptions{
		program:     program,
		environment: unitVariables([]string{"PGDATA=%f"}) + "EnvironmentFile = -/etc/default/pgaf\n",
		instance:    " of %f",
		user:        "postgres",
		home:        "~",
		config:      keeper.NewConfig(keeper.RoleKeeper),
	}))
	return err
}

// serviceFolders are the places of the node's files as variables, where they are not
// the default: a service has only what its unit says. The folder of a login session is
// left out, since it is gone when the session is.
func serviceFolders() []string {
	var folders []string
	for _, name := range []string{"XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR"} {
		value := os.Getenv(name)
		if value == "" || strings.HasPrefix(value, "/run/user/") {
			continue
		}
		if absolute, err := filepath.Abs(value); err == nil {
			folders = append(folders, unitEscaped(name+"="+absolute))
		}
	}
	return folders
}

// programPath is the path of this program for unit files. PG_AUTOCTL_DEBUG_BIN_PATH
// replaces it; a name by which it is linked next to itself is kept.
func programPath(name string) (string, error) {
	if path := os.Getenv("PG_AUTOCTL_DEBUG_BIN_PATH"); path != "" {
		return path, nil
	}
	path, err := os.Executable()
	if err != nil {
		return "", err
	}
	link := filepath.Join(filepath.Dir(path), name)
	if _, err := os.Stat(link); err == nil {
		return link, nil
	}
	return path, nil
}
