-- The rules, for people and for the test that every assigned goal can be reached.

CREATE FUNCTION pgautofailover.rules(
    OUT pos int, OUT section pgautofailover.fsm_section, OUT name text,
    OUT words text, OUT assigned_state pgautofailover.replication_state, OUT reason text
) RETURNS SETOF record
LANGUAGE sql STABLE
AS $$ SELECT r.pos, r.section, r.name, r.words, r.goal, r.reason FROM pgautofailover.rule AS r ORDER BY r.pos $$;

CREATE FUNCTION pgautofailover.dump_fsm() RETURNS TABLE (
    pos int, section text, comment text,
    active_node_current_state text, other_node_current_state text, candidate_node_current_state text,
    active_node_conditions text, other_node_conditions text, candidate_node_conditions text, group_conditions text,
    active_node_assigned_state pgautofailover.replication_state, other_node_assigned_state pgautofailover.replication_state,
    has_extra_action bool, section_path text)
LANGUAGE sql STABLE SECURITY DEFINER
AS $$
SELECT r.pos, r.section::text, r.name || ': ' || r.words,
       array_to_string(r.reported, ','), NULL, NULL,
       CASE WHEN r.converged THEN 'converged=true' END, NULL, NULL,
       regexp_replace(btrim(r.condition), '\s+', ' ', 'g'),
       r.goal, NULL::pgautofailover.replication_state, r.name = 'removed', r.section || '.' || r.name
  FROM pgautofailover.rule AS r ORDER BY r.pos
$$;

CREATE VIEW pgautofailover.fsm AS SELECT * FROM pgautofailover.dump_fsm() ORDER BY pos;

-- Every (state that a node reports, goal it may be given). Rules without a list of states count for all.
CREATE FUNCTION pgautofailover.dump_fsm_edges() RETURNS TABLE (
    pos int, current_state pgautofailover.replication_state, assigned_state pgautofailover.replication_state)
LANGUAGE sql STABLE SECURITY DEFINER
AS $$
SELECT r.pos, s.state, r.goal
  FROM pgautofailover.rule AS r,
       unnest(coalesce(r.reported, (enum_range(NULL::pgautofailover.replication_state))[2:])) AS s (state)
 WHERE r.goal IS NOT NULL AND s.state <> r.goal
 ORDER BY r.pos, s.state
$$;

CREATE FUNCTION pgautofailover.check_fsm_reachability(keeper_edges jsonb) RETURNS TABLE (
    pos int, current_state pgautofailover.replication_state, assigned_state pgautofailover.replication_state, comment text)
LANGUAGE sql STABLE
AS $$
WITH keeper AS (
    SELECT nullif(e ->> 'current', 'any')::pgautofailover.replication_state AS cur,
           (e ->> 'assigned')::pgautofailover.replication_state AS asg
      FROM jsonb_array_elements($1) AS e
)
SELECT d.pos, d.current_state, d.assigned_state,
       (SELECT f.comment FROM pgautofailover.dump_fsm() AS f WHERE f.pos = d.pos)
  FROM pgautofailover.dump_fsm_edges() AS d
 WHERE NOT EXISTS (SELECT FROM keeper AS k WHERE k.asg = d.assigned_state AND (k.cur IS NULL OR k.cur = d.current_state))
 ORDER BY d.pos, d.current_state
$$;

-- For isolation tests: hold a lock until the end of the transaction, or make a node look old.
CREATE FUNCTION pgautofailover.testing_lock_formation(formation_id text) RETURNS void
LANGUAGE sql STRICT AS $$ SELECT pgautofailover.lock_formation($1) $$;

CREATE FUNCTION pgautofailover.testing_lock_node_group(formation_id text, group_id int) RETURNS void
LANGUAGE sql STRICT AS $$ SELECT pgautofailover.lock_group($1, $2) $$;

CREATE FUNCTION pgautofailover.testing_set_node_health(
    node_id bigint, health int DEFAULT NULL, report_time_ago interval DEFAULT NULL,
    state_change_time_ago interval DEFAULT NULL, health_check_time_ago interval DEFAULT NULL
) RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM pgautofailover.lock_node(node_id);
    UPDATE pgautofailover.node AS n
       SET health = coalesce(testing_set_node_health.health, n.health),
           reporttime = coalesce(now() - report_time_ago, n.reporttime),
           statechangetime = coalesce(now() - state_change_time_ago, n.statechangetime),
           healthchecktime = coalesce(now() - health_check_time_ago,
                                      CASE WHEN testing_set_node_health.health IS NOT NULL THEN now() ELSE n.healthchecktime END)
     WHERE n.nodeid = node_id;
END
$$;
