package main

import (
	"os"
	"os/user"
	"strconv"
	"syscall"

	"github.com/alecthomas/kong"

	"pgaf/keeper"
)

// actForOwner lets root look at a node of another user: the node's files are
// below the home folder of the user who runs it.
func actForOwner(kctx *kong.Context) {
	if os.Geteuid() != 0 {
		return
	}
	pgdata := ""
	for _, flag := range kctx.Flags() {
		if value, ok := kctx.FlagValue(flag).(string); ok && flag.Name == "pgdata" {
			pgdata = value
		}
	}
	if pgdata == "" || hasConfig(pgdata) {
		return
	}
	owner, err := ownerOf(pgdata)
	if err != nil || owner.Uid == "0" {
		return
	}
	os.Setenv("HOME", owner.HomeDir)
	// That of root's own session; a service has none of its own and uses /tmp.
	if os.Getenv("XDG_RUNTIME_DIR") == "/run/user/0" {
		os.Unsetenv("XDG_RUNTIME_DIR")
	}
}

func hasConfig(pgdata string) bool {
	paths, err := keeper.PathsOf(pgdata)
	if err != nil {
		return false
	}
	_, err = os.Stat(paths.Config)
	return err == nil
}

// ownerOf is the user who owns the folder, and so runs its Postgres.
func ownerOf(dir string) (*user.User, error) {
	info, err := os.Stat(dir)
	if err != nil {
		return nil, failure(exitBadConfig, "is --pgdata right?", "%w", err)
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil, failure(exitInternal, "", "find the owner of %s", dir)
	}
	owner, err := user.LookupId(strconv.Itoa(int(stat.Uid)))
	if err != nil {
		return nil, failure(exitInternal, "", "find the owner of %s: %w", dir, err)
	}
	return owner, nil
}
