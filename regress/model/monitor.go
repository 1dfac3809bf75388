package model

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"pgaf/monitor"
)

// Monitor is one database with the installed objects. It holds one formation, with
// one group. It has no clock and no sessions but those it is given with each call.
//
// Calls are made within a transaction of the checker's, each in a subtransaction. That
// makes them several times faster: PL/pgSQL prepares each expression anew in every
// transaction that uses it. Nothing in the functions depends on where a transaction
// begins, but for the clock and the sessions, which they are given.
type Monitor struct {
	conn    *pgx.Conn
	calls   int64
	open    bool   // a transaction is
	used    int64  // transactions
	failure string // of an evaluation in the last call
}

func openMonitor(ctx context.Context, dsn string) (*Monitor, error) {
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, err
	}
	m := &Monitor{}
	config.RuntimeParams["client_min_messages"] = "warning"
	config.RuntimeParams["plan_cache_mode"] = "force_generic_plan"
	config.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) { m.noticed(n) }
	m.conn, err = pgx.ConnectConfig(ctx, config)
	return m, err
}

// noticed keeps what tick() says instead of failing.
func (m *Monitor) noticed(n *pgconn.Notice) {
	if strings.Contains(n.Message, "could not be evaluated") {
		m.failure = n.Message
	}
}

func (m *Monitor) Close(ctx context.Context) error { return m.conn.Close(ctx) }

// environment is what the shadows of the clock and the sessions say.
type environment struct {
	now, start int64 // ms
	pid        int   // of the session that calls
	pids       []int // sessions that are open
	lossy      bool  // guard_data_loss is off for this call
}

// graceOver is the startup_grace_period of a monitor that has run long enough. It is 0 then, not the default: so the time
// in which nodes that were cut off together may come back is none, and a node is lost as soon as the rules allow it at all.
const graceOver = "0"

// grace is the setting startup_grace_period for a call.
func (e environment) grace() string {
	const graceful = 10_000
	if e.now-e.start < graceful {
		return "30d"
	}
	return graceOver
}

// base is when every run begins.
var base = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)

func instantText(ms int64) string {
	return base.Add(time.Duration(ms) * time.Millisecond).Format("2006-01-02 15:04:05.000+00")
}

// nodeRow is a row of table node.
type nodeRow struct {
	id                int64
	goal, reported    monitor.State
	running           bool
	tli               int
	lsn               lsn
	fresh             bool // the position belongs to the reported state
	health            int
	sign              string
	priority          int
	quorum            bool
	sessionLost       bool
	upstreamLost      bool
	stalled           bool
	reportAge, since  int64 // ms
	healthAge, walAge int64
}

// groupRow is what the monitor remembers of the group beside its nodes.
type groupRow struct {
	primary    int64
	syncSets   string
	frozen     bool
	floor      string
	switchover int64 // age in ms; -1: none
	target     int64
	loss       bool
	stopped    int64 // age in ms; -1: not
	stoppedAt  string
	gone       int64 // age in ms; -1: not
	numberSync int
}

// eventRow is an event, as it was notified.
type eventRow struct {
	node           int64
	goal, reported monitor.State
	rule           string
}

// look is what the monitor's tables hold after a call.
type look struct {
	nodes  []nodeRow
	group  groupRow
	events []eventRow // of this call
}

func (l *look) node(id int64) *nodeRow {
	for i := range l.nodes {
		if l.nodes[i].id == id {
			return &l.nodes[i]
		}
	}
	return nil
}

// primary is the node that is told to be writable.
func (l *look) primary() *nodeRow {
	for i := range l.nodes {
		if l.nodes[i].goal.Writable() {
			return &l.nodes[i]
		}
	}
	return nil
}

// winner is the node that was chosen to become primary and is not yet told to be writable.
func (l *look) winner() *nodeRow {
	for i := range l.nodes {
		switch l.nodes[i].goal {
		case monitor.StateFastForward, monitor.StatePreparePromotion, monitor.StateStopReplication:
			return &l.nodes[i]
		}
	}
	return nil
}

const (
	setEnvironment = `SELECT set_config('model.now', $1, false), set_config('model.start', $2, false),
       set_config('model.pid', $3, false), set_config('model.pids', $4, false),
       set_config('pgautofailover.guard_data_loss', $5, false), set_config('model.events', '', false),
       set_config('pgautofailover.startup_grace_period', $6, false)`

	// A row for each node, or one without a node. The group stands in each.
	readTables = `
SELECT current_setting('model.events'), coalesce(g.primaryid, 0), g.syncsets::text, g.namesfrozen, g.floortli, g.floorlsn::text,
       g.switchoversince, coalesce(g.switchovertarget, 0), g.allowdataloss, g.stoppedat, g.stoppedtli, g.stoppedlsn::text,
       g.primarygone, f.number_sync_standbys,
       n.nodeid, n.goalstate::text, n.reportedstate::text, coalesce(n.reportedpgisrunning, false), n.reportedtli,
       (n.reportedlsn - '0/0')::bigint, n.walreporttime >= n.statechangetime, n.health, n.healthsign, n.candidatepriority,
       n.replicationquorum, n.sessionlost IS NOT NULL, n.upstreamlost IS NOT NULL, n.replication_stall_since IS NOT NULL,
       n.reporttime, n.statechangetime, n.healthchecktime, n.walreporttime
  FROM pgautofailover.formation AS f
  LEFT JOIN pgautofailover.node_group AS g ON g.formationid = f.formationid AND g.groupid = 0
  LEFT JOIN pgautofailover.node AS n ON n.formationid = f.formationid AND n.groupid = g.groupid
 ORDER BY n.nodeid`
)

// call runs one statement as a transaction of its own and says what the tables hold
// then. The first column of a single row, as text, is the answer.
func (m *Monitor) call(ctx context.Context, e environment, statement string, args ...any) (answer string, l look, err error) {
	answer, err = m.send(ctx, e, &l, statement, args)
	return answer, l, err
}

// ask is a call that only reads.
func (m *Monitor) ask(ctx context.Context, e environment, statement string, args ...any) (answer string, err error) {
	return m.send(ctx, e, nil, statement, args)
}

func (m *Monitor) send(ctx context.Context, e environment, l *look, statement string, args []any) (answer string, err error) {
	m.calls++
	m.failure = ""
	guard := "on"
	if e.lossy {
		guard = "off"
	}
	batch := &pgx.Batch{}
	batch.Queue("SAVEPOINT call")
	batch.Queue(setEnvironment, instantText(e.now), instantText(e.start), fmt.Sprint(e.pid), joinInts(e.pids), guard, e.grace())
	batch.Queue(statement, args...)
	if l != nil {
		batch.Queue(readTables)
	}
	batch.Queue("RELEASE SAVEPOINT call")
	results := m.conn.SendBatch(ctx, batch)
	defer func() {
		if closed := results.Close(); err == nil {
			err = closed
		}
		if err != nil {
			_, failed := m.conn.Exec(ctx, "ROLLBACK TO SAVEPOINT call; RELEASE SAVEPOINT call")
			err = errors.Join(err, failed)
		}
	}()
	for range 2 { // savepoint, environment
		if _, err := results.Exec(); err != nil {
			return "", err
		}
	}
	var text *string
	switch err := results.QueryRow().Scan(&text); {
	case errors.Is(err, pgx.ErrNoRows):
	case err != nil:
		return "", err
	case text != nil:
		answer = *text
	}
	if l == nil {
		return answer, nil
	}
	return answer, l.read(results, base.Add(time.Duration(e.now)*time.Millisecond))
}

// read fills a look from the rows of readTables.
func (l *look) read(results pgx.BatchResults, now time.Time) error {
	rows, err := results.Query()
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var t tables
		if err := rows.Scan(t.columns()...); err != nil {
			return err
		}
		l.group = t.groupRow(now)
		if t.id != nil {
			l.nodes = append(l.nodes, t.nodeRow(now))
		}
		if l.events == nil {
			if l.events, err = parseEvents(t.events); err != nil {
				return err
			}
		}
	}
	return rows.Err()
}

// tables is one row of readTables.
type tables struct {
	events                                     string
	group                                      groupRow
	syncSets, floorLSN, stoppedLSN             *string
	frozen, loss                               *bool
	floorTLI, stoppedTLI                       *int
	switchover, stopped, gone                  *time.Time
	node                                       nodeRow
	id                                         *int64
	goal, reported, sign                       *string
	running, fresh, quorum                     *bool
	sessionLost, upstreamLost, stalled         *bool
	tli, health, priority                      *int
	position                                   *int64
	reportTime, changeTime, checkTime, walTime *time.Time
}

func (t *tables) columns() []any {
	return []any{
		&t.events, &t.group.primary, &t.syncSets, &t.frozen, &t.floorTLI, &t.floorLSN,
		&t.switchover, &t.group.target, &t.loss, &t.stopped, &t.stoppedTLI, &t.stoppedLSN,
		&t.gone, &t.group.numberSync,
		&t.id, &t.goal, &t.reported, &t.running, &t.tli,
		&t.position, &t.fresh, &t.health, &t.sign, &t.priority,
		&t.quorum, &t.sessionLost, &t.upstreamLost, &t.stalled,
		&t.reportTime, &t.changeTime, &t.checkTime, &t.walTime,
	}
}

func (t *tables) groupRow(now time.Time) groupRow {
	g := t.group
	g.switchover, g.stopped, g.gone = -1, -1, -1
	if t.syncSets == nil {
		return g // no node yet, or none any more
	}
	g.syncSets, g.frozen, g.loss = *t.syncSets, *t.frozen, *t.loss
	g.floor = fmt.Sprintf("%d/%s", *t.floorTLI, *t.floorLSN)
	g.switchover, g.stopped, g.gone = age(now, t.switchover), age(now, t.stopped), age(now, t.gone)
	if t.stoppedLSN != nil && t.stoppedTLI != nil {
		g.stoppedAt = fmt.Sprintf("%d/%s", *t.stoppedTLI, *t.stoppedLSN)
	}
	return g
}

func (t *tables) nodeRow(now time.Time) nodeRow {
	n := nodeRow{
		id: *t.id, goal: monitor.State(*t.goal), reported: monitor.State(*t.reported), running: *t.running, tli: *t.tli,
		lsn: lsn(*t.position), fresh: *t.fresh, health: *t.health, priority: *t.priority, quorum: *t.quorum,
		sessionLost: *t.sessionLost, upstreamLost: *t.upstreamLost, stalled: *t.stalled,
		reportAge: age(now, t.reportTime), since: age(now, t.changeTime), healthAge: age(now, t.checkTime), walAge: age(now, t.walTime),
	}
	if t.sign != nil {
		n.sign = *t.sign
	}
	return n
}

// age is how long ago something was, in ms; -1: it was not.
func age(now time.Time, then *time.Time) int64 {
	if then == nil {
		return -1
	}
	return now.Sub(*then).Milliseconds()
}

// parseEvents reads the notifications of a call, one a line: each event has one.
func parseEvents(text string) ([]eventRow, error) {
	events := []eventRow{}
	for line := range strings.Lines(text) {
		var n struct {
			NodeID                         int64
			ReportedState, GoalState, Rule string
		}
		if err := json.Unmarshal([]byte(line), &n); err != nil {
			return nil, fmt.Errorf("notification %q: %w", line, err)
		}
		events = append(events, eventRow{node: n.NodeID, goal: monitor.State(n.GoalState), reported: monitor.State(n.ReportedState), rule: n.Rule})
	}
	return events, nil
}

func joinInts(numbers []int) string {
	texts := make([]string, len(numbers))
	for i, n := range numbers {
		texts[i] = fmt.Sprint(n)
	}
	return strings.Join(texts, ",")
}

// reset empties the database but for the formation.
func (m *Monitor) reset(ctx context.Context, numberSync int) error {
	_, err := m.conn.Exec(ctx, "SELECT model.reset($1)", numberSync)
	return err
}

// dump is all that the monitor knows.
type dump struct{ formations, nodes, groups, histories []string }

func (m *Monitor) dump(ctx context.Context) (d dump, err error) {
	err = m.conn.QueryRow(ctx, "SELECT * FROM model.dump()").Scan(&d.formations, &d.nodes, &d.groups, &d.histories)
	return d, err
}

func (m *Monitor) load(ctx context.Context, d dump) error {
	_, err := m.conn.Exec(ctx, "SELECT model.load($1, $2, $3, $4)", d.formations, d.nodes, d.groups, d.histories)
	return err
}

// sweepAfter is how many transactions leave so many dead rows behind that they cost time.
const sweepAfter = 200

// within does something in a transaction that is rolled back in the end.
func (m *Monitor) within(ctx context.Context, do func() error) (err error) {
	if m.open {
		return do()
	}
	if m.used++; m.used%sweepAfter == 0 {
		if _, err := m.conn.Exec(ctx, "VACUUM pgautofailover.node, pgautofailover.node_group, pgautofailover.formation, pgautofailover.event"); err != nil {
			return err
		}
	}
	if _, err := m.conn.Exec(ctx, "BEGIN; SET CONSTRAINTS ALL IMMEDIATE"); err != nil {
		return err
	}
	m.open = true
	defer func() {
		m.open = false
		_, ended := m.conn.Exec(context.WithoutCancel(ctx), "ROLLBACK")
		err = errors.Join(err, ended)
	}()
	return do()
}

// sqlState is the SQLSTATE of an error, "" when it is none of Postgres's.
func sqlState(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code
	}
	return ""
}
