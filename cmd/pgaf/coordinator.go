package main

// coordinatorCmd is every change of the metadata of Citus by hand.
type coordinatorCmd struct {
	pgdataOption
	jsonOption
}

func (c *coordinatorCmd) Run(a *app) error { return c.changeCitus(a) }
