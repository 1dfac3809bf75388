package main

import "pgaf/keeper"

// oldServiceCmd is what a supervisor of pg_auto_failover executes when it restarts one of
// its processes after the program on disk was replaced by this one.
type oldServiceCmd struct {
	PGData string   `name:"pgdata" short:"D" env:"PGDATA" placeholder:"DIR" help:"Data folder of the node."`
	Rest   []string `arg:"" optional:"" hidden:"" help:"Ignored."`
}

// Run ends with the code by which that supervisor knows that a restart is no use.
func (c *oldServiceCmd) Run(a *app) error {
	return failure(keeper.ExitFatal,
		"stop the old service, take the node over, and start this program as its service: "+a.name+" run --pgdata "+orDefault(c.PGData, "DIR"),
		"a supervisor of pg_auto_failover runs here and has found %s in the place of its program: pgaf %s is one process and has no services of its own", a.name, version)
}
