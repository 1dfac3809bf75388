package main

import (
	"os"
	"time"

	"github.com/mattn/go-isatty"

	"pgaf/tui"
)

type watchCmd struct {
	nodeSelector
	formationOption
	groupOption
	Wait bool `name:"wait" short:"w" help:"Wait for the monitor to be reachable, up to 15 minutes."`
}

func (c *watchCmd) Run(a *app) error {
	patience := time.Duration(0)
	if c.Wait {
		patience = 15 * time.Minute
	}
	return watch(a, c.nodeSelector, c.Formation, c.Group, patience)
}

// watch shows a formation live. The monitor must be reachable within patience,
// so that a mistake in the command line is seen as an error and not as an empty screen.
func watch(a *app, s nodeSelector, formation string, group *int, patience time.Duration) error {
	if !isatty.IsTerminal(os.Stdout.Fd()) {
		return usageError("run it in a terminal; for scripts there are show state --json and show events --json",
			"watch draws on a terminal, and stdout is none")
	}
	t, err := s.resolve(a, formation, group)
	if err != nil {
		return err
	}
	ctx, stop := a.interruptible()
	defer stop()
	if patience == 0 {
		client, err := t.connect(ctx)
		if err != nil {
			return err
		}
		err = formationExists(ctx, client, t.formation)
		client.Close(ctx)
		if err != nil {
			return onMonitor(err)
		}
	}
	return onMonitor(tui.Watch(ctx, tui.Options{URI: t.uri, Formation: t.formation, Group: group}))
}
