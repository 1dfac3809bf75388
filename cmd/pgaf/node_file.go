package main

import (
	"errors"
	"fmt"
	"os"

	"pgaf/keeper"
	"pgaf/keeper/nodefile"
)

// nodeFileArg names the file of the commands of pgaf node.
type nodeFileArg struct {
	File string `arg:"" optional:"" name:"file" help:"The node file (default: $$PG_AUTOCTL_NODESPEC, else /etc/pgaf/node.ini)."`
}

func (n nodeFileArg) path() (string, error) {
	path := orDefault(n.File, orDefault(os.Getenv(nodefile.PathVariable), nodefile.DefaultPath))
	err := makeAbsolute(&path)
	return path, err
}

// read reads and checks the file, and prints every mistake in it.
func (n nodeFileArg) read(a *app) (*nodefile.File, error) {
	path, err := n.path()
	if err != nil {
		return nil, err
	}
	f, err := nodefile.Read(path)
	return f, a.nodeFileError(err)
}

// readToCreate reads the file for a command that makes the node, and says whether it is there already.
func (n nodeFileArg) readToCreate(a *app) (f *nodefile.File, exists bool, err error) {
	if f, err = n.read(a); err != nil {
		return nil, false, err
	}
	if err := keeper.RefuseRoot(); err != nil {
		return nil, false, err
	}
	exists, err = f.Exists()
	return f, exists, err
}

// nodeFileError prints the mistakes in a node file; any other error it returns as it is.
func (a *app) nodeFileError(err error) error {
	var invalid *nodefile.InvalidError
	if !errors.As(err, &invalid) {
		return err
	}
	for _, line := range invalid.Lines() {
		a.log.Error(line)
	}
	mistakes := "is a mistake"
	if n := len(invalid.Problems); n > 1 {
		mistakes = fmt.Sprintf("are %d mistakes", n)
	}
	return failure(exitBadConfig, fmt.Sprintf("correct the file, and look at it with: %s node check %s", a.name, invalid.Path),
		"there %s in %s; nothing was changed", mistakes, invalid.Path)
}

func (a *app) nodeProgram() nodefile.Program {
	return nodefile.Program{Version: version, Options: a.logOptions, Progress: a.progressOn(), Logger: a.log}
}

// sameFolder refuses a --pgdata that is not the folder of the file.
func sameFolder(f *nodefile.File, pgdata string) error {
	if pgdata == "" {
		return nil
	}
	given, err := keeper.PathsOf(pgdata)
	if err != nil {
		return err
	}
	if has, err := keeper.PathsOf(f.PGDATA); err != nil || has.PGDATA != given.PGDATA {
		return usageError("leave out --pgdata, or name the file of that node", "--pgdata %s is not the folder of %s (%s)", pgdata, f.Path, f.PGDATA)
	}
	return nil
}
