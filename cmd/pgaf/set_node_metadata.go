package main

import (
	"fmt"

	"pgaf/keeper"
)

type setNodeMetadataCmd struct {
	pgdataOption
	Name     string `name:"name" short:"a" placeholder:"NAME" help:"New name of the node."`
	Hostname string `name:"hostname" short:"H" aliases:"nodename" placeholder:"HOST" help:"New name or address under which the other nodes reach it."`
	Port     port   `name:"pgport" short:"p" placeholder:"PORT" help:"New port of its Postgres."`
	jsonOption
}

func (c *setNodeMetadataCmd) Run(a *app) error {
	pgdata, err := c.require()
	if err != nil {
		return err
	}
	if c.Name == "" && c.Hostname == "" && c.Port == 0 {
		return usageError("pass --name, --hostname or --pgport", "nothing to change")
	}
	ctx, stop := a.interruptible()
	defer stop()
	config, err := keeper.SetMetadata(ctx, pgdata, c.Name, c.Hostname, int(c.Port))
	if err != nil {
		return err
	}
	if c.JSON {
		return a.printJSON(config)
	}
	a.log.Info(fmt.Sprintf("the node is known as %s at %s", config.Name, hostPort(config.Hostname, config.Port)))
	return nil
}
