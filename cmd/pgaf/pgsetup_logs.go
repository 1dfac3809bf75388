package main

import "strings"

type pgsetupLogsCmd struct{ pgsetupOptions }

func (c *pgsetupLogsCmd) Run(a *app) error {
	found, err := c.find(a)
	if err != nil {
		return err
	}
	content, err := found.StartupLog()
	if err != nil {
		return err
	}
	for line := range strings.Lines(content) {
		a.log.Info(strings.TrimRight(line, "\n"))
	}
	return nil
}
