package keeper

import (
	"context"
	"errors"
	"fmt"

	"pgaf/keeper/postgres"
	"pgaf/monitor"
)

// By hand: how a node becomes a standby, and stops being one.

// InitStandbyByHand fills the empty data folder of a node with a copy of another one, as
// its standby. Postgres is not started.
func InitStandbyByHand(ctx context.Context, o HandOptions, host string, port int) error {
	h, err := takeInHand(o)
	if err != nil {
		return err
	}
	defer h.close()
	if postgres.HasCluster(h.paths.PGDATA) {
		return exitf(ExitBadState, "PGDATA %s holds a cluster, which is not replaced; make it a standby with: pgaf manual standby rewind --pgdata %s %s %d", h.paths.PGDATA, h.paths.PGDATA, host, port)
	}
	from, err := h.origin(ctx, host, port)
	if err != nil {
		return err
	}
	if err := h.copyFrom(ctx, from); err != nil {
		if errors.Is(err, errWaiting) {
			return exitf(ExitSQL, "%w, or you with: pgaf manual primary slot create --node-id %d", err, h.view().NodeID)
		}
		return &ExitError{Code: ExitKeeper, Err: err}
	}
	return h.madeStandby(ctx, from)
}

// RewindByHand makes the stopped cluster of a node a standby of another one. It copies
// nothing: where pg_rewind cannot do it, it fails.
func RewindByHand(ctx context.Context, o HandOptions, host string, port int) error {
	h, err := takeInHand(o)
	if err != nil {
		return err
	}
	defer h.close()
	if !postgres.HasCluster(h.paths.PGDATA) {
		return exitf(ExitBadState, "PGDATA %s holds no cluster; copy one with: pgaf manual standby init --pgdata %s %s %d", h.paths.PGDATA, h.paths.PGDATA, host, port)
	}
	if err := h.refuseRunning(); err != nil {
		return err
	}
	from, err := h.origin(ctx, host, port)
	if err != nil {
		return err
	}
	if _, err := h.recoverStandby(ctx, from.Upstream); err != nil {
		return &ExitError{Code: ExitPostgres, Err: err}
	}
	report := h.progress("rewinding")
	rewound, err := h.bin.Rewind(ctx, postgres.RewindOptions{PGDATA: h.paths.PGDATA, Source: from.Upstream, Standby: from.Upstream, Progress: report.add, Logger: h.log})
	report.end()
	if err != nil {
		return &ExitError{Code: ExitPostgres, Err: err}
	}
	h.log.Info("rewound", "to", from.String(), "changed", rewound)
	return h.madeStandby(ctx, from)
}

// madeStandby puts the settings of this node into the data of another one.
func (h *hand) madeStandby(ctx context.Context, from origin) error {
	if err := h.writeSettings(ctx); err != nil {
		return &ExitError{Code: ExitPostgres, Err: err}
	}
	h.log.Info("the data folder is a standby", "pgdata", h.paths.PGDATA, "of", from.String(), "next", "pgaf run --pgdata "+h.paths.PGDATA)
	return nil
}

// RecoverByHand brings a cluster that was not shut down in good order to a clean end: a
// standby as a standby, a former primary without letting clients in.
func RecoverByHand(ctx context.Context, o HandOptions) error {
	h, err := takeInHand(o)
	if err != nil {
		return err
	}
	defer h.close()
	if err := h.refuseRunning(); err != nil {
		return err
	}
	control, err := h.bin.ControlData(ctx, h.paths.PGDATA)
	if err != nil {
		return &ExitError{Code: ExitPostgres, Err: err}
	}
	if control.Clean() {
		h.log.Info("nothing to recover: Postgres was stopped in good order", "state", string(control.State))
		return nil
	}
	if postgres.IsStandby(h.paths.PGDATA) {
		_, err = h.recoverStandby(ctx, postgres.Upstream{})
	} else {
		err = h.recoverPrivately(ctx)
	}
	if err == nil {
		control, err = h.bin.ControlData(ctx, h.paths.PGDATA)
	}
	if err != nil {
		return &ExitError{Code: ExitPostgres, Err: err}
	}
	h.log.Info("recovered", "state", string(control.State), "checkpoint", control.CheckpointLSN.String())
	return nil
}

// recoverPrivately starts Postgres where no client finds it, and stops it again.
func (h *hand) recoverPrivately(ctx context.Context) error {
	if postgres.RewindPending(h.paths.PGDATA) {
		return fmt.Errorf("the data of this node is half rewound; end that first: pgaf manual standby rewind --pgdata %s HOST PORT", h.paths.PGDATA)
	}
	config := h.serverConfig(h.cfg())
	config.Options = append(config.Options, "-c", "listen_addresses=")
	server := postgres.NewServer(config)
	defer server.Close()
	if err := server.Start(ctx); err != nil {
		return err
	}
	return server.Stop(ctx, postgres.Fast)
}

// PromoteByHand ends the recovery of a node whose monitor is disabled. The node is a
// primary from then on, also for its service.
func PromoteByHand(ctx context.Context, o HandOptions) error {
	h, err := takeInHand(o)
	if err != nil {
		return err
	}
	defer h.close()
	if err := h.refuseMonitored("promote it with: pgaf perform promotion --name " + h.cfg().Name); err != nil {
		return err
	}
	if err := h.needRunning(); err != nil {
		return err
	}
	if err := h.promoteNow(ctx); err != nil {
		return &ExitError{Code: ExitPostgres, Err: err}
	}
	err = h.note(ctx, func(s *State) {
		if !s.Current.Writable() {
			s.Current, s.Assigned = monitor.StateWaitPrimary, monitor.StateWaitPrimary
		}
		s.Dirty, s.Astray, s.ReceivedTimeline = false, false, 0
	})
	if err != nil {
		return err
	}
	h.background.Wait() // for the checkpoint
	h.log.Info("this node accepts writes", "pgdata", h.paths.PGDATA)
	return nil
}
