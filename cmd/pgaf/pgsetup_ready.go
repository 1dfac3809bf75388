package main

type pgsetupReadyCmd struct{ pgsetupOptions }

func (c *pgsetupReadyCmd) Run(a *app) error {
	found, err := c.find(a)
	if err != nil {
		return err
	}
	if err := found.Ready(); err != nil {
		return err
	}
	a.log.Info("Postgres is ready", "pgdata", found.PGDATA())
	return nil
}
