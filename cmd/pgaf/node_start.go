package main

import "pgaf/keeper/nodefile"

type nodeStartCmd struct{ nodeFileArg }

func (c *nodeStartCmd) Run(a *app) error {
	path, err := c.path()
	if err != nil {
		return err
	}
	changed, err := nodefile.Release(path)
	switch {
	case err != nil:
		return a.nodeFileError(err)
	case changed:
		a.log.Info("the node may be created and run: launch.create and launch.run are immediate", "file", path)
	default:
		a.log.Info("nothing was deferred", "file", path)
	}
	return nil
}
