package main

import "fmt"

type pgsetupTuneCmd struct{ pgsetupOptions }

func (c *pgsetupTuneCmd) Run(a *app) error {
	found, err := c.find(a)
	if err != nil {
		return err
	}
	_, err = fmt.Fprint(a.stdout, found.Tuning())
	return err
}
