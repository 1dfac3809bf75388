package main

type createPostgresCmd struct {
	createNodeOptions
}

func (c *createPostgresCmd) Run(a *app) error {
	o, err := c.options(a)
	if err != nil {
		return err
	}
	return c.create(o)
}
