package main

import "pgaf/keeper"

type enableSSLCmd struct {
	pgdataOption
	sslOptions
}

func (c *enableSSLCmd) Run(a *app) error {
	pgdata, err := c.require()
	if err != nil {
		return err
	}
	if c.None {
		return usageError("use: "+a.name+" disable ssl", "enable ssl and --no-ssl exclude each other")
	}
	ssl, err := c.choice(a)
	if err != nil {
		return err
	}
	if ssl == (keeper.SSLOptions{}) {
		return usageError("choose one of --ssl-self-signed, or --server-cert with --server-key", "how shall connections be encrypted? no SSL option is given")
	}
	return setSSL(a, pgdata, ssl)
}

func setSSL(a *app, pgdata string, ssl keeper.SSLOptions) error {
	ctx, stop := a.interruptible()
	defer stop()
	return keeper.SetSSL(ctx, keeper.SetSSLOptions{PGDATA: pgdata, SSL: ssl, Logger: a.log})
}
