package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// keeper is a node's keeper as the monitor sees it: one session and what it says.
type keeper struct {
	conn    *pgx.Conn
	id      int64
	state   string // that it reports
	goal    string // that it is told
	running bool
	crashed bool // Postgres has not stopped in good order
	tli     int
}

// group is a group of simulated keepers.
type group struct {
	b         *subject
	formation string
	keepers   []*keeper
	operator  *pgx.Conn
	tli       int
	lsn       uint64  // of the primary; who streams has it
	successor *keeper // the first that reported to accept writes since the failover began
	toll      toll
}

// steadyReports is how often a keeper has reported before its first failover: enough for the plans of its statements.
const steadyReports = 8

// openGroup opens a session for each node of a group that is up.
func (b *subject) openGroup(ctx context.Context, number int) (*group, error) {
	g := &group{b: b, formation: fmt.Sprintf("g%d", number), tli: 1, lsn: 0x3000000}
	if err := b.refresh(ctx); err != nil {
		return nil, err
	}
	rows, err := b.admin.Query(ctx, "SELECT nodeid, goalstate::text FROM pgautofailover.node WHERE formationid = $1 ORDER BY nodeid", g.formation)
	if err != nil {
		return nil, err
	}
	if g.keepers, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (*keeper, error) {
		k := &keeper{running: true, tli: 1}
		err := row.Scan(&k.id, &k.state)
		return k, err
	}); err != nil {
		return nil, err
	}
	for _, k := range g.keepers {
		if k.conn, err = b.connect(ctx, role); err != nil {
			g.close(ctx)
			return nil, err
		}
		if b.service {
			if _, err := k.conn.Exec(ctx, "SELECT pgautofailover.open_session($1)", k.id); err != nil {
				g.close(ctx)
				return nil, err
			}
		}
		for range steadyReports {
			if err := g.report(ctx, k, k.state); err != nil {
				g.close(ctx)
				return nil, err
			}
		}
	}
	return g, nil
}

// openOperator connects as somebody who gives one order.
func (g *group) openOperator(ctx context.Context) (err error) {
	if g.operator != nil {
		g.operator.Close(ctx)
	}
	g.operator, err = g.b.connect(ctx, role)
	return err
}

func (g *group) close(ctx context.Context) {
	for _, k := range g.keepers {
		if k.conn != nil {
			k.conn.Close(ctx)
		}
	}
	if g.operator != nil {
		g.operator.Close(ctx)
	}
}

func (g *group) String() string {
	var states []string
	for _, k := range g.keepers {
		states = append(states, fmt.Sprintf("%s/%s", k.state, k.goal))
	}
	return strings.Join(states, ", ")
}

func (g *group) primary() *keeper {
	i := slices.IndexFunc(g.keepers, func(k *keeper) bool { return k.state == "primary" })
	if i < 0 {
		return nil
	}
	return g.keepers[i]
}

// settled is when one is primary and all others are secondary.
func (g *group) settled() bool {
	return !slices.ContainsFunc(g.keepers, func(k *keeper) bool { return k.state != "primary" && k.state != "secondary" })
}

// cpu of all sessions so far.
func (g *group) cpu() (sum time.Duration, err error) {
	pids := []uint32{g.operator.PgConn().PID()}
	for _, k := range g.keepers {
		pids = append(pids, k.conn.PgConn().PID())
	}
	for _, pid := range pids {
		d, err := sessionCPU(pid)
		if err != nil {
			return 0, err
		}
		sum += d
	}
	return sum, nil
}

// timed adds one call to the toll.
func (g *group) timed(call func() error) error {
	start := time.Now()
	err := call()
	g.toll.wall += time.Since(start)
	g.toll.calls++
	return err
}

// learn reads what each keeper is told, as they learn it from notifications.
func (g *group) learn(ctx context.Context) error {
	goals := map[int64]string{}
	rows, err := g.b.admin.Query(ctx, "SELECT nodeid, goalstate::text FROM pgautofailover.node WHERE formationid = $1", g.formation)
	if err != nil {
		return err
	}
	var id int64
	var goal string
	if _, err := pgx.ForEachRow(rows, []any{&id, &goal}, func() error { goals[id] = goal; return nil }); err != nil {
		return err
	}
	for _, k := range g.keepers {
		k.goal = goals[k.id]
	}
	return nil
}

// shutdownRecord is the length of a shutdown checkpoint, which standbys receive before the primary is gone.
const shutdownRecord = 0x78

// carryOut does what a keeper is told, and reports it.
func (g *group) carryOut(ctx context.Context, k *keeper) error {
	wasPromoting := k.state == "prepare_promotion" || k.state == "stop_replication"
	switch k.goal {
	case "draining", "demote_timeout", "demoted":
		k.running = false
	case "catchingup", "secondary":
		k.running, k.crashed, k.tli = true, false, g.tli
	case "wait_primary":
		if wasPromoting {
			g.tli++
			k.tli = g.tli
		}
	}
	if k.goal == "prepare_promotion" && g.b.service {
		err := g.timed(func() error {
			var timeline int
			return k.conn.QueryRow(ctx, "SELECT pgautofailover.issue_timeline($1)", k.id).Scan(&timeline)
		})
		if err != nil {
			return err
		}
	}
	if err := g.report(ctx, k, k.goal); err != nil {
		return err
	}
	switch {
	case k.state == "draining" && !k.crashed:
		g.lsn += shutdownRecord
	case (k.state == "wait_primary" || k.state == "primary") && wasPromoting && g.successor == nil:
		g.successor, g.toll.writable = k, g.toll.wall
	}
	return nil
}

// reportStatement is that of package monitor.
const reportStatement = `
SELECT assigned_node_id, assigned_group_id, assigned_group_state::text,
       assigned_candidate_priority, assigned_replication_quorum
  FROM pgautofailover.node_active($1, $2::bigint, $3, $4::text::pgautofailover.replication_state,
                                  $5, $6, $7::text::pg_lsn, $8)`

// report is one call of node_active.
func (g *group) report(ctx context.Context, k *keeper, state string) error {
	lsn, sync := g.lsn, ""
	if !k.running && k.crashed {
		lsn = 0
	}
	if k.running && (state == "primary" || state == "wait_primary" || state == "apply_settings") {
		sync = "quorum"
	}
	k.state = state
	return g.timed(func() error {
		var id int64
		var number, priority int
		var goal string
		var quorum bool
		return k.conn.QueryRow(ctx, reportStatement, g.formation, k.id, 0, state, k.running, k.tli,
			fmt.Sprintf("%X/%X", lsn>>32, lsn&0xffffffff), sync).Scan(&id, &number, &goal, &priority, &quorum)
	})
}
