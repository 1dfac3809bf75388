package keeper

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"pgaf/keeper/killpoint"
	"pgaf/keeper/postgres"
)

// How the data of a node is replaced by a copy.

// copyAndFollow copies the data and follows the primary.
func (n *node) copyAndFollow(ctx context.Context, o origin) error {
	if err := n.copyFrom(ctx, o); err != nil {
		return err
	}
	return n.orCopy(ctx, o, n.startStandby(ctx, o.Upstream))
}

// orCopy copies the data anew where replication cannot begin because the upstream
// has not, or no longer, what this node needs next. Where a clone command has just made
// a copy of which that is true, it would only do so again.
func (n *node) orCopy(ctx context.Context, o origin, err error) error {
	if err == nil {
		n.cloned.Store(false)
		return nil
	}
	if !postgres.UpstreamLacks(err) {
		return err
	}
	n.log.Warn("the primary has not, or no longer, the WAL or the timeline history that this node needs; copying it anew", "error", err, "after_clone", n.cloned.Load())
	if err := n.copyFrom(ctx, o); err != nil {
		return err
	}
	return n.startStandby(ctx, o.Upstream)
}

// copyFrom replaces the data by a copy of the primary, set up as its standby. The
// old data is removed, or kept aside, when the copy is complete and verified.
func (n *node) copyFrom(ctx context.Context, o origin) error {
	kept := ""
	if n.cfg().Replication.KeepOldPGDATA {
		kept = postgres.KeptPath(n.paths.PGDATA, time.Now())
	}
	return n.copyKeeping(ctx, o, kept)
}

// copyKeeping is copyFrom with a place for the old data; "" removes it.
func (n *node) copyKeeping(ctx context.Context, o origin, kept string) error {
	has, err := postgres.HasSlot(ctx, o.Upstream, o.Slot)
	if err != nil {
		return fmt.Errorf("look for our replication slot on %s: %w", o, err)
	}
	if !has {
		return fmt.Errorf("%w: %s has no replication slot %s yet; its keeper makes it", errWaiting, o, o.Slot)
	}
	source, err := n.copySource(ctx, o)
	if err != nil {
		return err
	}
	if err := n.ensureStopped(ctx); err != nil {
		return err
	}
	return n.backup(ctx, o, source, kept)
}

// backup copies source, which is o itself or a standby of it.
func (n *node) backup(ctx context.Context, o origin, source postgres.Upstream, kept string) error {
	id, cfg := n.view().NodeID, n.cfg()
	clone := n.cloneCommand()
	doing := "copying"
	if clone != nil {
		doing = "cloning"
	}
	begun := time.Now()
	n.log.Info(doing+" the data", "from", source.String())
	report := n.progress(doing)
	killpoint.At(ctx, "backup-BaseBackup")
	err := n.bin.BaseBackup(ctx, postgres.BaseBackupOptions{
		PGDATA:           n.paths.PGDATA,
		Dir:              n.backupFolder(id),
		Source:           source,
		ApplicationName:  postgres.BackupName(id),
		MaxRate:          cfg.Replication.MaximumBackupRate,
		Standby:          o.Upstream,
		SystemIdentifier: o.system.ID,
		Clone:            clone,
		KeepOld:          kept,
		Progress:         report.add,
		Logger:           n.log,
	})
	report.end()
	if err != nil {
		return err
	}
	n.cloned.Store(clone != nil)
	n.rewinding.over()
	n.received.Store(0)
	if n.view().Astray {
		killpoint.At(ctx, "backup-note")
		if err := n.note(ctx, func(s *State) { s.Astray = false }); err != nil {
			return err
		}
	}
	if cfg.Replication.BackupDirectory == "" {
		killpoint.At(ctx, "backup-Remove")
		os.Remove(filepath.Dir(n.backupFolder(id))) // only when it is empty
	}
	n.log.Info("copied the data", "from", source.String(), "took", time.Since(begun).Round(time.Millisecond))
	if _, err := os.Stat(kept); kept != "" && err == nil {
		n.log.Info("the data that was replaced is kept; remove it when nobody needs it", "folder", kept)
	}
	return nil
}

// cloneCommand is the operator's program that copies the primary; nil without one,
// and where it has just made a copy that cannot follow.
func (n *node) cloneCommand() *postgres.Clone {
	cfg, v := n.cfg(), n.view()
	if cfg.Replication.CloneCommand == "" || n.cloned.Load() {
		return nil
	}
	return &postgres.Clone{Command: cfg.Replication.CloneCommand, Env: []string{
		fmt.Sprintf("PGAF_NODE_ID=%d", v.NodeID),
		"PGAF_NODE_NAME=" + cfg.Name,
		"PGAF_FORMATION=" + cfg.Formation,
		fmt.Sprintf("PGAF_GROUP=%d", v.GroupID),
	}}
}

// backupFolder is next to PGDATA, so that it can be renamed over it.
func (n *node) backupFolder(id int64) string {
	if dir := n.cfg().Replication.BackupDirectory; dir != "" {
		return dir
	}
	return filepath.Join(filepath.Dir(n.paths.PGDATA), "backup", fmt.Sprintf("node_%d", id))
}

// copySource is whom a copy is taken from: the primary, or where the configuration
// says so a standby of it, so that the primary's disk and network serve clients only.
// Without a standby that is fit, it is the primary.
func (n *node) copySource(ctx context.Context, o origin) (postgres.Upstream, error) {
	if n.cfg().Replication.BackupSource != backupFromStandby || n.cloneCommand() != nil {
		return o.Upstream, nil
	}
	peers, err := n.secondaries(ctx)
	if err != nil {
		return o.Upstream, err
	}
	for _, peer := range peers {
		standby, err := n.identify(ctx, peer)
		if err == nil && standby.system.Timeline != o.system.Timeline {
			err = fmt.Errorf("it is on timeline %d and the primary on %d", standby.system.Timeline, o.system.Timeline)
		}
		if err == nil {
			standby.Slot = "" // it keeps our slot for later; WAL comes with the copy
			n.standbys.over()
			return standby.Upstream, nil
		}
		if postgres.FailureOf(err) == postgres.FailureRefused && !n.standbys.hopeless(bootTime()) {
			return o.Upstream, fmt.Errorf("%w: %s does not let this node in yet: %w", errWaiting, peer.Name, err)
		}
		n.log.Warn("this standby cannot be copied", "standby", peer.Name, "error", err)
	}
	n.log.Info("no standby can be copied; copying the primary")
	return o.Upstream, nil
}

// Values of replication.backup_source.
const (
	backupFromPrimary = "primary"
	backupFromStandby = "standby"
)

// BackupSources are the nodes that a base backup can be taken from.
var BackupSources = []string{backupFromPrimary, backupFromStandby}
