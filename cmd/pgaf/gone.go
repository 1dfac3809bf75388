package main

// Trees of pg_auto_failover 2.0 that are replaced: whoever calls them is told by what.

type goneTmuxCmd struct {
	Words []string `arg:"" optional:"" help:"Words of the old command."`
}

func (c *goneTmuxCmd) Run(a *app) error {
	return usageError("watch a group with: "+a.name+" watch; write to it while it fails over with: "+a.name+" internal demo run; \"make demo\" in the source sets up a group to try",
		"there is no tmux session any more")
}

type goneAzureCmd struct {
	Words []string `arg:"" optional:"" help:"Words of the old command."`
}

func (c *goneAzureCmd) Run(a *app) error {
	return usageError("create the machines with the tools of the cloud, and a node on each with: "+a.name+" create postgres",
		"%s creates no machines in a cloud", a.name)
}
