package keeper

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"pgaf/keeper/postgres"
	"pgaf/monitor"
)

// How a failed create is undone.

// undo removes what a failed create has made and nothing else, and returns the
// error for the operator.
func (c *creation) undo(cause error) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	c.log.Info("undoing the create", "reason", cause)
	server := postgres.NewServer(postgres.ServerConfig{Bin: c.bin, PGDATA: c.paths.PGDATA, Logger: c.log})
	defer server.Close()
	if !c.initFile.Running {
		if err := stopQuickly(ctx, server); err != nil {
			c.log.Warn("Postgres could not be stopped", "error", err)
		}
	}
	if c.continued {
		// What a killed create left cannot be told apart from what was put there
		// since.
		removeBackups(c.paths.PGDATA, c.state.NodeID)
		return keptError(cause, "pgaf drop node --force "+destroyOwn(c.initFile)+"--pgdata "+c.paths.PGDATA)
	}
	if err := c.unregister(ctx); err != nil {
		return undone(cause, fmt.Errorf("%w; the monitor still knows this node: repeat the command to go on, or remove the node there with: pgaf drop node --monitor … --name %s --force", err, c.cfg.Name))
	}
	err := c.removeFiles()
	if c.initFile.Running {
		err = errors.Join(err, server.Reload())
	}
	return undone(cause, err)
}

// undone is the error of a failed create: the cause, and what could not be undone.
func undone(cause, left error) error {
	cause = readable(cause)
	if left == nil {
		return cause
	}
	return &ExitError{Code: ExitCode(cause), Err: fmt.Errorf("%w. And not all of it could be undone: %w", cause, left)}
}

// keptError is the error of a create that leaves what there is for the next one.
func keptError(cause error, remove string) error {
	return &ExitError{Code: ExitCode(readable(cause)), Err: fmt.Errorf("%w; what there is is kept: repeat the command to go on, or remove it with: %s", readable(cause), remove)}
}

// destroyOwn is the option that removes PGDATA too, unless it is somebody's cluster.
func destroyOwn(f initFile) string {
	if f.PGDATA == folderCluster {
		return ""
	}
	return "--destroy "
}

// readable says in words that somebody interrupted the create.
func readable(cause error) error {
	if errors.Is(cause, context.Canceled) {
		return exitf(ExitKeeper, "the create was interrupted")
	}
	return cause
}

func (c *creation) unregister(ctx context.Context) error {
	if c.state == nil {
		return nil
	}
	client, err := c.connect(ctx)
	if err != nil {
		return err
	}
	defer client.Close(ctx)
	_, err = client.RemoveNodeByID(ctx, c.state.NodeID, true)
	if monitor.SQLState(err) == sqlUndefinedObject {
		return nil
	}
	return err
}

func (c *creation) removeFiles() error {
	if c.state != nil {
		removeBackups(c.paths.PGDATA, c.state.NodeID)
	}
	if err := clearFolder(c.paths.PGDATA, c.initFile.PGDATA); err != nil {
		return err
	}
	if err := errors.Join(c.kept.restore(c.paths.PGDATA), c.layout.restore(c.paths.PGDATA)); err != nil {
		return err
	}
	before := c.configBefore
	if !c.initFile.ConfigExisted {
		before = nil
	}
	return removeNodeFiles(c.paths, before)
}

// removeBackups removes copies that were not finished.
func removeBackups(pgdata string, nodeID int64) {
	backup := filepath.Join(filepath.Dir(pgdata), "backup")
	os.RemoveAll(filepath.Join(backup, fmt.Sprintf("node_%d", nodeID)))
	os.Remove(backup) // only when it is empty
}
