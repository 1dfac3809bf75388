package keeper

import (
	"os"
	"os/user"

	"golang.org/x/sys/unix"

	"pgaf/keeper/postgres"
)

// testMode is the small memory footprint of a test suite that runs many nodes on
// one machine, asked for as pg_auto_failover does.
func testMode() bool {
	return os.Getenv("PG_AUTOCTL_DEBUG") != "" && os.Getenv("PG_REGRESS_SOCK_DIR") != ""
}

// socketDir is where the server makes its socket: where --pghost or the test mode
// of pg_auto_failover say, else in the server's default folder, or in /tmp when this
// user may not write there.
func socketDir(cfg *Config) string {
	if len(cfg.Host) > 0 && cfg.Host[0] == '/' {
		return cfg.Host
	}
	if dir := os.Getenv("PG_REGRESS_SOCK_DIR"); dir != "" {
		return dir
	}
	if _, err := os.Stat(postgres.DefaultSocketDir); err == nil && unix.Access(postgres.DefaultSocketDir, unix.W_OK) != nil {
		return "/tmp"
	}
	return ""
}

// osUser is the name of the user who runs this process, and so the bootstrap
// superuser of the clusters it makes.
func osUser() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "postgres"
}
