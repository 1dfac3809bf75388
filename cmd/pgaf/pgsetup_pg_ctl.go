package main

import "fmt"

type pgsetupPgCtlCmd struct{ pgsetupOptions }

func (c *pgsetupPgCtlCmd) Run(a *app) error {
	if c.PGData == "" {
		c.PGData = "." // no node is needed
	}
	found, err := c.find(a)
	if err != nil {
		return err
	}
	path, version := found.PgCtl()
	_, err = fmt.Fprintln(a.stdout, path, version)
	return err
}
