package main

type nodeCheckCmd struct{ nodeFileArg }

func (c *nodeCheckCmd) Run(a *app) error {
	f, err := c.read(a)
	if err != nil {
		return err
	}
	a.log.Info(f.Path + " is a valid node file, of kind " + f.Kind)
	return nil
}
