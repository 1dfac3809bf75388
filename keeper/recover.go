package keeper

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"pgaf/keeper/killpoint"
	"pgaf/keeper/postgres"
)

// recoverStandby brings a stopped standby that was not shut down in good order to a
// clean end, as the standby that it is. Without that pg_rewind would recover it as a
// primary, in single-user mode: that writes a checkpoint of its own into the timeline of
// the node's primary, pg_rewind then sees the same timeline and nothing to do, and the
// standby has WAL that its primary never wrote. What it lacks to be consistent, say after
// a rewind, it gets from u. It says whether that was needed.
func (n *node) recoverStandby(ctx context.Context, u postgres.Upstream) (recovered bool, err error) {
	if postgres.RewindPending(n.paths.PGDATA) || !postgres.IsStandby(n.paths.PGDATA) {
		return false, nil
	}
	control, err := n.bin.ControlData(ctx, n.paths.PGDATA)
	if err != nil {
		return false, err
	}
	// A copy that was never started still has the control file of its source, and the label.
	_, noLabel := os.Stat(filepath.Join(n.paths.PGDATA, "backup_label"))
	if control.State != postgres.StateInArchiveRecovery && (control.Clean() || noLabel != nil) {
		return false, nil
	}
	n.log.Info("recovering a standby that was not stopped in good order", "state", string(control.State))
	if err := n.startDisconnectable(ctx, u); err != nil {
		return false, fmt.Errorf("recover the standby that was not stopped in good order: %w", err)
	}
	killpoint.At(ctx, "recoverStandby-Stop")
	if err := n.server.Stop(ctx, postgres.Fast); err != nil {
		return false, err
	}
	if control, err = n.bin.ControlData(ctx, n.paths.PGDATA); err == nil && !control.Clean() {
		err = fmt.Errorf("the standby that was not stopped in good order ended again too early, state: %s", control.State)
	}
	return err == nil, err
}
