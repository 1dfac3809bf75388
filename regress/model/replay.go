package model

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// trace writes the calls that a run makes on the monitor as statements for psql, so that
// pg_regress can replay them on an extension as it is installed anywhere. There time
// cannot be held: it passes by moving what is stored into the past.
type trace struct {
	text    strings.Builder
	now     int64 // of the last call
	grace   string
	session map[int64]int // by node: the session that the monitor knows
	ended   map[int64]bool
}

const replayHeader = `-- %s
-- Made by the model checker. Each comment is the group after the call: reported/assigned.
\set ECHO none
SET client_min_messages TO warning;
DROP EXTENSION IF EXISTS pgautofailover CASCADE;
CREATE EXTENSION pgautofailover;
CREATE FUNCTION pg_temp.pass(span interval) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    c record;
BEGIN
    FOR c IN SELECT format('%%I.%%I', a.table_schema, a.table_name) AS tab,
                    string_agg(format('%%1$I = %%1$I - $1', a.column_name), ', ') AS sets
               FROM information_schema.columns AS a
              WHERE a.table_schema = 'pgautofailover' AND a.table_name IN ('node', 'node_group')
                AND a.data_type = 'timestamp with time zone' GROUP BY 1 LOOP
        EXECUTE format('UPDATE %%s SET %%s', c.tab, c.sets) USING span;
    END LOOP;
END
$$;
CREATE FUNCTION pg_temp.group_state() RETURNS text LANGUAGE sql AS $$
SELECT string_agg(format('%%s %%s/%%s', nodeid, reportedstate, goalstate), ', ' ORDER BY nodeid) FROM pgautofailover.node $$;
SET pgautofailover.startup_grace_period TO '0';
UPDATE pgautofailover.formation SET number_sync_standbys = %d;
\pset format unaligned
\pset tuples_only on
\set ECHO queries
`

func newTrace(run *Run) *trace {
	t := &trace{grace: graceOver, session: map[int64]int{}, ended: map[int64]bool{}}
	title := run.Config.String()
	if run.Violation != nil {
		title = run.Violation.Error()
	}
	fmt.Fprintf(&t.text, replayHeader, title, run.Config.NumberSync)
	return t
}

// before writes what has to be so for a call: the time, and which sessions are alive.
func (t *trace) before(w *World, e environment) {
	if past := e.now - t.now; t.now > 0 && past > 1 {
		fmt.Fprintf(&t.text, "SELECT pg_temp.pass('%d ms');\n", past-1)
	}
	t.now = e.now
	if grace := e.grace(); grace != t.grace {
		t.grace = grace
		fmt.Fprintf(&t.text, "SET pgautofailover.startup_grace_period TO '%s';\n", grace)
	}
	for _, node := range slices.Sorted(maps.Keys(t.session)) {
		if !t.ended[node] && !slices.Contains(e.pids, t.session[node]) {
			t.ended[node] = true
			fmt.Fprintf(&t.text, "UPDATE pgautofailover.node SET sessionpid = 0 WHERE nodeid = %d AND sessionpid <> 0;\n", node)
		}
	}
}

// call writes one call.
func (t *trace) call(w *World, e environment, statement string, args []any) {
	t.before(w, e)
	text := strings.Join(strings.Fields(literal(statement, args)), " ")
	session, known := w.conns[e.pid]
	switch {
	case known && strings.Contains(statement, "open_session"):
		t.session[session.node], t.ended[session.node] = e.pid, false
	case known && t.session[session.node] != e.pid:
		// of a session that the keeper has given up
		fmt.Fprintf(&t.text, "UPDATE pgautofailover.node SET sessionpid = -1 WHERE nodeid = %d;\n", session.node)
		defer fmt.Fprintf(&t.text, "UPDATE pgautofailover.node SET sessionpid = pg_backend_pid() WHERE nodeid = %d;\n", session.node)
	}
	if e.lossy {
		text = "BEGIN;\nSET LOCAL pgautofailover.guard_data_loss TO off;\n" + text + ";\nCOMMIT"
	}
	fmt.Fprintf(&t.text, "%s;\n", text)
}

// after writes what the call led to.
func (t *trace) after(l look) {
	var states []string
	for _, n := range l.nodes {
		states = append(states, fmt.Sprintf("%d %s/%s", n.id, n.reported, n.goal))
	}
	fmt.Fprintf(&t.text, "-- %s\n", strings.Join(states, ", "))
}

// literal puts the arguments into a statement.
func literal(statement string, args []any) string {
	for i := len(args); i > 0; i-- {
		text := fmt.Sprint(args[i-1])
		if s, ok := args[i-1].(string); ok {
			text = quote(s)
		}
		statement = strings.ReplaceAll(statement, fmt.Sprintf("$%d", i), text)
	}
	return statement
}

// ReplaySQL is a run as a test for pg_regress. It begins with the making of the group.
func (e *Explorer) ReplaySQL(ctx context.Context, run *Run) (text string, err error) {
	err = e.db.within(ctx, func() error {
		w, err := newWorld(ctx, e.db, run.Config, NewStats())
		if err != nil {
			return err
		}
		w.trace = newTrace(run)
		for _, s := range append(bringUp(run.Config), run.Steps...) {
			if err := w.step(ctx, s); err != nil {
				fmt.Fprintf(&w.trace.text, "-- %v\n", err)
				break
			}
		}
		w.trace.text.WriteString("SELECT pg_temp.group_state();\n")
		text = w.trace.text.String()
		return nil
	})
	return text, err
}
