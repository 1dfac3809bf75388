package main

type pgsetupDiscoverCmd struct {
	pgsetupOptions
	jsonOption
}

func (c *pgsetupDiscoverCmd) Run(a *app) error {
	found, err := c.find(a)
	if err != nil {
		return err
	}
	ctx, stop := a.interruptible()
	defer stop()
	info, err := found.Discover(ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		return a.printJSON(newPostgresJSON(info))
	}
	return printLabels(a.stdout, postgresLabels(info))
}
