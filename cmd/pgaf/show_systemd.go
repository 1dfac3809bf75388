package main

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"

	"pgaf/keeper"
)

type showSystemdCmd struct{ pgdataOption }

func (c *showSystemdCmd) Run(a *app) error {
	pgdata, err := c.require()
	if err != nil {
		return err
	}
	if _, err := keeper.Load(pgdata); err != nil {
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
	_, err = fmt.Fprint(a.stdout, systemdUnit(program, paths.PGDATA, owner))
	return err
}

func systemdUnit(program, pgdata string, owner *user.User) string {
	return fmt.Sprintf(`[Unit]
Description = pg_auto_failover

[Service]
WorkingDirectory = %s
Environment = 'PGDATA=%s'
User = %s
ExecStart = %s run
Restart = always
RestartPreventExitStatus = 122
StartLimitBurst = 20
KillMode = mixed
TimeoutStopSec = 120
ExecReload = %s reload

[Install]
WantedBy = multi-user.target
`, owner.HomeDir, pgdata, owner.Username, program, program)
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
