package monitor

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pglogrepl"
	"github.com/jackc/pgx/v5"
)

// A preview makes the real call, lets simulated keepers do what the real rules tell them, and rolls everything back:
// notifications leave with a commit only, so nobody hears of it. What it cannot know is time (patience, timeouts) and what
// fails on a node.

// PreviewStep is one goal that would be assigned.
type PreviewStep struct {
	NodeID   int64  `json:"node_id"`
	NodeName string `json:"nodename"`
	Reported State  `json:"reported_state"`
	Assigned State  `json:"assigned_state"`
	Rule     string `json:"rule"`
	Reason   string `json:"reason"`
}

// Preview is what a call would cause.
type Preview struct {
	Steps  []PreviewStep
	Silent []string      // nodes whose keepers do not report: they would do nothing
	Before []Node        // of the group
	After  []Node        // where it comes to rest
	Rest   []Explanation // explain() there
}

// errPreview rolls a preview back.
var errPreview = errors.New("rolled back: only looked at")

// rolledBack runs f in a transaction that never commits. Heartbeats of the group wait for it, so it is kept short.
func (c *Client) rolledBack(ctx context.Context, f func() error) error {
	const doing = "look at what would happen"
	err := c.inTx(ctx, doing, func() error {
		c.inside = true
		defer func() { c.inside = false }()
		err := c.exec(ctx, doing, `SELECT set_config('lock_timeout', '2s', true), set_config('statement_timeout', '5s', true)`)
		if err == nil {
			err = f()
		}
		if err == nil {
			err = errPreview
		}
		return err
	})
	if err == errPreview {
		return nil
	}
	return err
}

// Try makes calls of this client and takes them back: the error is the one that they would have.
func (c *Client) Try(ctx context.Context, f func() error) error { return c.rolledBack(ctx, f) }

// Preview finds out what request, a call of this client, would cause in a group.
func (c *Client) Preview(ctx context.Context, formation string, group int, request func(context.Context) error) (Preview, error) {
	var p Preview
	err := c.rolledBack(ctx, func() error {
		w := walk{client: c, formation: formation, group: group, preview: &p}
		if err := w.begin(ctx); err != nil {
			return err
		}
		if err := request(ctx); err != nil {
			return err
		}
		if err := w.toTheEnd(ctx); err != nil {
			return err
		}
		return w.finish(ctx)
	})
	return p, err
}

// walk is a group with simulated keepers.
type walk struct {
	client    *Client
	formation string
	group     int
	preview   *Preview
	event     int64 // last one before
	silent    map[int64]bool
	wal       pglogrepl.LSN // how far the primary has written
	at        map[int64]position
}

type position struct {
	tli int
	lsn pglogrepl.LSN
}

// walkRounds is more than any change takes.
const walkRounds = 40

// A shutdown checkpoint and what follows it are longer than nothing; how long does not matter.
const walSomething = 0x1000

func (w *walk) begin(ctx context.Context) error {
	var err error
	if w.event, err = value[int64](ctx, w.client, "read the events", `SELECT coalesce(max(eventid), 0) FROM pgautofailover.event`); err != nil {
		return err
	}
	if w.preview.Before, err = w.nodes(ctx); err != nil {
		return err
	}
	ids, err := rows(ctx, w.client, "find the silent nodes", pgx.RowTo[int64],
		`SELECT nodeid FROM pgautofailover.node WHERE formationid = $1 AND groupid = $2
		    AND (sessionlost IS NOT NULL OR clock_timestamp() - reporttime > interval '10 s')`, w.formation, w.group)
	if err != nil {
		return err
	}
	w.silent, w.at = map[int64]bool{}, map[int64]position{}
	for _, id := range ids {
		w.silent[id] = true
	}
	for _, n := range w.preview.Before {
		w.at[n.ID] = position{n.TLI, n.LSN}
		w.wal = max(w.wal, n.LSN)
		if w.silent[n.ID] {
			w.preview.Silent = append(w.preview.Silent, n.Name)
		}
	}
	return nil
}

func (w *walk) nodes(ctx context.Context) ([]Node, error) {
	return w.client.CurrentState(ctx, w.formation, &w.group)
}

// toTheEnd lets every keeper do what it is told, and those that are told nothing report as before, until nothing changes.
func (w *walk) toTheEnd(ctx context.Context) error {
	for range walkRounds {
		nodes, err := w.nodes(ctx)
		if err != nil {
			return err
		}
		acted := false
		for _, n := range nodes {
			if n.Converged() || w.silent[n.ID] {
				continue
			}
			acted = true
			if err := w.obey(ctx, n, nodes); err != nil {
				return err
			}
		}
		if err := w.heartbeats(ctx); err != nil {
			return err
		}
		if nodes, err = w.nodes(ctx); err != nil {
			return err
		}
		if !acted && w.rests(nodes) {
			return nil
		}
	}
	return nil
}

// rests says that no keeper has anything to do.
func (w *walk) rests(nodes []Node) bool {
	for _, n := range nodes {
		if !n.Converged() && !w.silent[n.ID] {
			return false
		}
	}
	return true
}

// obey reports that a node has become what it was told.
func (w *walk) obey(ctx context.Context, n Node, nodes []Node) error {
	at := w.at[n.ID]
	switch goal := n.Assigned; {
	case goal == StateCatchingup || goal == StateSecondary:
		for _, p := range nodes {
			if p.Assigned.Writable() {
				at = position{w.at[p.ID].tli, w.wal}
			}
		}
	case goal == StateFastForward:
		at.lsn = w.wal
	case goal == StateWaitPrimary && (n.Reported == StatePreparePromotion || n.Reported == StateStopReplication),
		goal == StateSingle && !n.Reported.Writable() && n.Reported != StateInit:
		at = position{at.tli + 1, w.wal}
	case stopsInOrder(n):
		at.lsn = w.wal
		w.wal += walSomething // the shutdown checkpoint: what the standbys receive last
	}
	w.at[n.ID] = at
	n.Reported = n.Assigned
	return w.report(ctx, n)
}

// stopsInOrder says that a primary would now stop and deliver everything.
func stopsInOrder(n Node) bool {
	return n.Reported.Writable() && (n.Assigned == StateDraining || n.Assigned == StatePrepareMaintenance || n.Assigned == StateDropped)
}

// heartbeats are those of nodes that were told nothing: standbys have received what the primary wrote.
func (w *walk) heartbeats(ctx context.Context) error {
	nodes, err := w.nodes(ctx)
	if err != nil {
		return err
	}
	for _, n := range nodes {
		if !n.Converged() || w.silent[n.ID] {
			continue
		}
		if n.Reported == StateSecondary {
			w.at[n.ID] = position{w.at[n.ID].tli, w.wal}
		}
		if err := w.report(ctx, n); err != nil {
			return err
		}
	}
	return nil
}

func (w *walk) report(ctx context.Context, n Node) error {
	if err := w.client.OpenSession(ctx, n.ID); err != nil {
		return err
	}
	sync := ""
	if n.Reported.Writable() {
		sync = "quorum"
	}
	_, err := w.client.NodeActive(ctx, Report{
		Formation: n.Formation, NodeID: n.ID, GroupID: n.GroupID, State: n.Reported, PgIsRunning: runsIn(n.Reported),
		TLI: w.at[n.ID].tli, LSN: w.at[n.ID].lsn, SyncState: sync,
	})
	return err
}

// runsIn says whether Postgres runs in a state.
func runsIn(s State) bool {
	switch s {
	case StateInit, StateWaitStandby, StateDraining, StateDemoteTimeout, StateDemoted, StatePrepareMaintenance, StateMaintenance, StateDropped:
		return false
	}
	return true
}

// finish reads what happened.
func (w *walk) finish(ctx context.Context) error {
	events, err := w.client.EventsSince(ctx, w.event, w.formation)
	if err != nil {
		return err
	}
	for _, e := range events {
		if e.GroupID == w.group && e.Rule != "node_active" && e.Rule != "" {
			w.preview.Steps = append(w.preview.Steps, PreviewStep{e.NodeID, e.NodeName, e.Reported, e.Assigned, e.Rule, e.Description})
		}
	}
	if w.preview.After, err = w.nodes(ctx); err != nil || len(w.preview.After) == 0 {
		return err
	}
	w.preview.Rest, err = w.client.Explain(ctx, w.formation, w.group)
	if err != nil {
		return fmt.Errorf("explain where it would come to rest: %w", err)
	}
	return nil
}
