package main

import (
	"context"
	"fmt"
	"io"

	"pgaf/keeper"
	"pgaf/keeper/postgres"
)

type primaryIdentifyCmd struct {
	handOptions
	address
}

func (c *primaryIdentifyCmd) Run(a *app) error {
	return c.byHand(a, func(ctx context.Context, o keeper.HandOptions) error {
		system, history, err := keeper.IdentifyByHand(ctx, o, c.Host, int(c.Port))
		if err != nil {
			return err
		}
		return printIdentity(a.stdout, system, history)
	})
}

// printIdentity prints where a Postgres is, and how it came there: each timeline from
// where it began to where the next one left it.
func printIdentity(w io.Writer, system postgres.System, history postgres.History) error {
	lines := fmt.Sprintf("Current timeline: %d\nCurrent WAL LSN: %s\n", system.Timeline, system.LSN)
	var begin postgres.LSN
	for _, ancestor := range history {
		lines += fmt.Sprintf("Timeline %d: %s .. %s\n", ancestor.TLI, begin, ancestor.SwitchLSN)
		begin = ancestor.SwitchLSN
	}
	lines += fmt.Sprintf("Timeline %d: %s .. %s\n", system.Timeline, begin, system.LSN)
	_, err := io.WriteString(w, lines)
	return err
}
