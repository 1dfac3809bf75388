package main

import (
	"fmt"
	"runtime"
	"strconv"

	"pgaf/keeper/postgres"
	"pgaf/sql"
)

// version is that of the program; the extension's is sql.Version.
const version = "3.0"

// supportedPostgres are the major versions that this program works with.
const supportedPostgres = "13, 14, 15, 16, 17 and 18"

type versionCmd struct{ jsonOption }

func (c *versionCmd) Run(a *app) error {
	if !c.JSON {
		return printVersion(a)
	}
	v := versionJSON{Program: version, Extension: sql.Version}
	if bin, err := postgres.FindBin(""); err == nil {
		v.PgMajor = strconv.Itoa(bin.Version.Major)
		v.PgVersion = fmt.Sprintf("%d.%d", bin.Version.Major, bin.Version.Minor)
		v.PgVersionStr = "PostgreSQL " + bin.Version.Text
		v.PgVersionNum = bin.Version.Major*100 + bin.Version.Minor
	}
	return a.printJSON(v)
}

// versionJSON has the keys that keepers of pg_auto_failover parse. The pg_ keys
// describe the Postgres found on this machine.
type versionJSON struct {
	Program      string `json:"pg_autoctl"`
	Extension    string `json:"pgautofailover"`
	PgMajor      string `json:"pg_major"`
	PgVersion    string `json:"pg_version"`
	PgVersionStr string `json:"pg_version_str"`
	PgVersionNum int    `json:"pg_version_num"`
}

func printVersion(a *app) error {
	_, err := fmt.Fprintf(a.stdout, "%s version %s\n%s extension version %s\ncompiled with %s for %s/%s\ncompatible with Postgres %s\n",
		a.name, version, a.name, sql.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH, supportedPostgres)
	return err
}
