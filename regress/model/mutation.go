package model

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// Mutation is a mistake put into a copy of the installed objects. A checker that does
// not find it would not find the like of it either.
type Mutation struct {
	Name     string
	Function string // whose source is changed; "": the rules
	From, To string
	Rule     string // whose condition is changed
	Nodes    int    // of the groups in which it shows

	Operators float64 // how much of a run is at least operators' calls
}

// Mutations are mistakes that somebody might make in good faith.
var Mutations = []Mutation{
	{Name: "election count off by one", Nodes: 3,
		Function: "covers", From: "cardinality(s.members) - s.number + 1", To: "cardinality(s.members) - s.number"},
	{Name: "joint old and new set ignored", Nodes: 3, Operators: 0.15,
		Function: "track_sync_sets", From: "memory.syncsets := memory.syncsets || wanted;", To: "memory.syncsets := ARRAY[wanted];"},
	{Name: "lease ignored in an asynchronous group", Nodes: 2,
		Function: "group_snapshot", From: "AND at >= g.lease_ends)", To: "AND g.lease_ends IS NOT NULL)"},
	{Name: "promotion before the standby stopped receiving", Nodes: 3,
		Function: "group_snapshot", From: "AND ((n.reported = 'report_lsn'", To: "AND ((n.reported IN ('report_lsn', 'secondary')"},
	{Name: "order to wait_primary believed synchronous", Nodes: 2,
		Function: "track_sync_sets", From: "IS DISTINCT FROM wanted THEN", To: "IS DISTINCT FROM wanted AND (wanted.number > 0 OR p.reportedstate = p.goalstate) THEN"},
	{Name: "removal that forgets the primary", Nodes: 3, Operators: 0.15,
		Function: "forget_node", From: "SET primarygone = now()", To: "SET primarygone = now(), primaryid = NULL, syncsets = DEFAULT, floortli = 0, floorlsn = '0/0'"},
	{Name: "position of an earlier state believed", Nodes: 3,
		Function: "group_snapshot", From: "x.walreporttime >= x.statechangetime", To: "true"},
	{Name: "lone primary replaced by time", Nodes: 2,
		Function: "group_snapshot", From: "leased bool := coalesce(o.reported NOT IN ('single', 'wait_primary'), true);", To: "leased bool := true;"},
	{Name: "fast forward believed", Nodes: 3, Rule: "fast_forwarded",
		From: "NOT g.guard OR NOT EXISTS", To: "true OR NOT EXISTS"},
	{Name: "takeover without the shutdown checkpoint", Nodes: 2,
		Function: "group_snapshot", From: "m.tli = old_tli AND m.lsn > old_position", To: "m.tli = old_tli"},
	{Name: "late report believed", Nodes: 3,
		Function: "node_active", From: "IF n.sessionpid <> pg_backend_pid()", To: "IF false AND n.sessionpid <> pg_backend_pid()"},
	{Name: "primary that fenced itself and died is waited for", Nodes: 2, Rule: "primary_lost_while_fenced",
		From: "n.is_primary AND", To: "false AND"},
}

// Config draws a group in which the mistake shows.
func (m Mutation) Config(r *rand.Rand) Config {
	c := RandomConfig(r, m.Nodes)
	c.Operators = max(c.Operators, m.Operators)
	return c
}

// File is the name of the script that found the mistake once.
func (m Mutation) File() string { return strings.ReplaceAll(m.Name, " ", "_") + ".steps" }

// Script is the SQL that makes the mistake. It fails where the text is not found exactly
// once: then the mutation has to follow a change of the source.
func (m Mutation) Script() string {
	if m.Function == "" {
		return fmt.Sprintf(`
DO $mutate$
BEGIN
    UPDATE pgautofailover.rule SET condition = replace(condition, %[2]s, %[3]s)
     WHERE name = %[1]s AND strpos(condition, %[2]s) > 0;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'rule %% has no such text', %[1]s;
    END IF;
    PERFORM pgautofailover.compile_rules();
END
$mutate$`, quote(m.Rule), quote(m.From), quote(m.To))
	}
	return fmt.Sprintf(`
DO $mutate$
DECLARE
    source text;
BEGIN
    SELECT pg_get_functiondef(p.oid) INTO STRICT source FROM pg_proc AS p
     WHERE p.pronamespace = 'pgautofailover'::regnamespace AND p.proname = %[1]s;
    IF length(source) - length(replace(source, %[2]s, '')) <> length(%[2]s) THEN
        RAISE EXCEPTION 'function %% does not have that text once', %[1]s;
    END IF;
    EXECUTE replace(source, %[2]s, %[3]s);
END
$mutate$`, quote(m.Function), quote(m.From), quote(m.To))
}

func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }
