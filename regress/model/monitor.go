package model

import (
	"context"
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
type Monitor struct {
	conn      *pgx.Conn
	lastEvent int64
	calls     int64
	failure   string // of an evaluation in the last call
}

// OpenMonitor connects to a database of the server.
func (s *Server) OpenMonitor(ctx context.Context, database string) (*Monitor, error) {
	config, err := pgx.ParseConfig(s.dsn(database))
	if err != nil {
		return nil, err
	}
	m := &Monitor{}
	config.RuntimeParams["client_min_messages"] = "warning"
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

// eventRow is a row of table event.
type eventRow struct {
	id, node       int64
	goal, reported monitor.State
	rule           string
	text           string
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

const (
	setEnvironment = `SELECT set_config('model.now', $1, false), set_config('model.start', $2, false),
       set_config('model.pid', $3, false), set_config('model.pids', $4, false),
       set_config('pgautofailover.guard_data_loss', $5, false)`

	readNodes = `
SELECT nodeid, goalstate::text, reportedstate::text, coalesce(reportedpgisrunning, false), reportedtli,
       (reportedlsn - '0/0')::bigint, walreporttime >= statechangetime, health, coalesce(healthsign, ''), candidatepriority,
       replicationquorum, sessionlost IS NOT NULL, upstreamlost IS NOT NULL, replication_stall_since IS NOT NULL,
       extract(epoch FROM c.now - reporttime)::float8, extract(epoch FROM c.now - statechangetime)::float8,
       extract(epoch FROM c.now - healthchecktime)::float8, extract(epoch FROM c.now - walreporttime)::float8
  FROM pgautofailover.node, (SELECT current_setting('model.now')::timestamptz AS now) AS c ORDER BY nodeid`

	readGroup = `
SELECT coalesce(g.primaryid, 0), g.syncsets::text, g.namesfrozen, g.floortli || '/' || g.floorlsn,
       coalesce(extract(epoch FROM c.now - g.switchoversince), -1)::float8, coalesce(g.switchovertarget, 0), g.allowdataloss,
       coalesce(extract(epoch FROM c.now - g.stoppedat), -1)::float8, coalesce(g.stoppedtli || '/' || g.stoppedlsn, ''),
       coalesce(extract(epoch FROM c.now - g.primarygone), -1)::float8, f.number_sync_standbys
  FROM pgautofailover.formation AS f LEFT JOIN pgautofailover.node_group AS g USING (formationid),
       (SELECT current_setting('model.now')::timestamptz AS now) AS c WHERE g.groupid = 0`

	readEvents = `
SELECT eventid, nodeid, goalstate::text, reportedstate::text, coalesce(rule, ''), coalesce(description, '')
  FROM pgautofailover.event WHERE eventid > $1 ORDER BY eventid`
)

// call runs one statement as a transaction of its own and says what the tables hold
// then. The first column of a single row, as text, is the answer.
func (m *Monitor) call(ctx context.Context, e environment, statement string, args ...any) (answer string, l look, err error) {
	m.calls++
	m.failure = ""
	guard := "on"
	if e.lossy {
		guard = "off"
	}
	batch := &pgx.Batch{}
	batch.Queue(setEnvironment, instantText(e.now), instantText(e.start), fmt.Sprint(e.pid), joinInts(e.pids), guard)
	batch.Queue(statement, args...)
	batch.Queue(readNodes)
	batch.Queue(readGroup)
	batch.Queue(readEvents, m.lastEvent)
	results := m.conn.SendBatch(ctx, batch)
	defer func() {
		if closed := results.Close(); err == nil {
			err = closed
		}
	}()
	if _, err := results.Exec(); err != nil {
		return "", l, err
	}
	var text *string
	switch err := results.QueryRow().Scan(&text); {
	case errors.Is(err, pgx.ErrNoRows):
	case err != nil:
		return "", l, err
	case text != nil:
		answer = *text
	}
	if err := l.readNodes(results); err != nil {
		return "", l, err
	}
	if err := l.readGroup(results); err != nil {
		return "", l, err
	}
	if err := l.readEvents(results); err != nil {
		return "", l, err
	}
	if len(l.events) > 0 {
		m.lastEvent = l.events[len(l.events)-1].id
	}
	return answer, l, nil
}

func (l *look) readNodes(results pgx.BatchResults) error {
	rows, err := results.Query()
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var n nodeRow
		var goal, reported string
		var position int64
		var ages [4]float64
		err := rows.Scan(&n.id, &goal, &reported, &n.running, &n.tli, &position, &n.fresh, &n.health, &n.sign, &n.priority,
			&n.quorum, &n.sessionLost, &n.upstreamLost, &n.stalled, &ages[0], &ages[1], &ages[2], &ages[3])
		if err != nil {
			return err
		}
		n.goal, n.reported, n.lsn = monitor.State(goal), monitor.State(reported), lsn(position)
		n.reportAge, n.since, n.healthAge, n.walAge = ms(ages[0]), ms(ages[1]), ms(ages[2]), ms(ages[3])
		l.nodes = append(l.nodes, n)
	}
	return rows.Err()
}

func (l *look) readGroup(results pgx.BatchResults) error {
	g := &l.group
	var switchover, stopped, gone float64
	err := results.QueryRow().Scan(&g.primary, &g.syncSets, &g.frozen, &g.floor, &switchover, &g.target, &g.loss,
		&stopped, &g.stoppedAt, &gone, &g.numberSync)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil // no node yet, or none any more
	}
	g.switchover, g.stopped, g.gone = ms(switchover), ms(stopped), ms(gone)
	return err
}

func (l *look) readEvents(results pgx.BatchResults) error {
	rows, err := results.Query()
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var e eventRow
		var goal, reported string
		if err := rows.Scan(&e.id, &e.node, &goal, &reported, &e.rule, &e.text); err != nil {
			return err
		}
		e.goal, e.reported = monitor.State(goal), monitor.State(reported)
		l.events = append(l.events, e)
	}
	return rows.Err()
}

func ms(seconds float64) int64 {
	if seconds < 0 {
		return -1
	}
	return int64(seconds*1000 + 0.5)
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
type dump struct{ formations, nodes, groups []string }

func (m *Monitor) dump(ctx context.Context) (d dump, err error) {
	err = m.conn.QueryRow(ctx, "SELECT * FROM model.dump()").Scan(&d.formations, &d.nodes, &d.groups)
	return d, err
}

func (m *Monitor) load(ctx context.Context, d dump) error {
	_, err := m.conn.Exec(ctx, "SELECT model.load($1, $2, $3)", d.formations, d.nodes, d.groups)
	return err
}

// sqlState is the SQLSTATE of an error, "" when it is none of Postgres's.
func sqlState(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code
	}
	return ""
}
