-- What the transcripts are written with: a fresh extension, and keepers that say what the test tells them to say.
-- Every function prints the goals that its call caused, one line each: node: reported/assigned (rule).
SET client_min_messages TO warning;

-- Which rules the test before this one applied: for the list at the end.
CREATE TABLE IF NOT EXISTS public.rules_applied (rule text PRIMARY KEY);
DO $$
BEGIN
    INSERT INTO public.rules_applied SELECT DISTINCT e.rule FROM pgautofailover.event AS e WHERE e.rule IS NOT NULL
    ON CONFLICT DO NOTHING;
EXCEPTION WHEN undefined_table OR invalid_schema_name OR undefined_column THEN
    NULL;
END
$$;

DROP EXTENSION IF EXISTS pgautofailover CASCADE;
DROP SCHEMA IF EXISTS transcript CASCADE;
CREATE EXTENSION pgautofailover;
CREATE SCHEMA transcript;
RESET client_min_messages;

\pset format unaligned
\pset tuples_only on
\pset null (null)

-- Time passes only where a test says so.
SET pgautofailover.node_considered_unhealthy_timeout TO '1h';
SET pgautofailover.startup_grace_period TO '0';
SET pgautofailover.unchecked_node_timeout TO '30d';
SET pgautofailover.election_patience TO '1h';
SET pgautofailover.primary_demote_timeout TO '1h';
SET pgautofailover.drain_timeout TO '1h';
SET pgautofailover.replication_stall_timeout TO '1h';
SET search_path TO transcript, pgautofailover, public;
SET intervalstyle TO postgres;
SET datestyle TO ISO;

CREATE TABLE transcript.keeper (
    name text PRIMARY KEY, formation text NOT NULL, tli int NOT NULL DEFAULT 1, lsn pg_lsn NOT NULL DEFAULT '0/0');

\i sql/include/keeper_edges.sql

-- The goals assigned after an event, and what else an operator would notice.
CREATE FUNCTION transcript.changes(after bigint, formations text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    line text;
    found_one bool := false;
BEGIN
    FOR line IN
        SELECT format('%s: %s/%s (%s)', e.nodename, e.reportedstate, e.goalstate, e.rule)
          FROM pgautofailover.event AS e
         WHERE e.eventid > after AND e.rule <> 'node_active' ORDER BY e.eventid LOOP
        found_one := true;
        RETURN NEXT line;
    END LOOP;
    IF formations <> transcript.formations() THEN
        found_one := true;
        RETURN NEXT transcript.formations();
    END IF;
    IF NOT found_one THEN
        RETURN NEXT '(nothing changes)';
    END IF;
END
$$;

CREATE FUNCTION transcript.last_event() RETURNS bigint LANGUAGE sql AS
$$ SELECT coalesce(max(eventid), 0) FROM pgautofailover.event $$;

CREATE FUNCTION transcript.formations() RETURNS text LANGUAGE sql AS
$$ SELECT string_agg(format('%s: number_sync_standbys %s', formationid, number_sync_standbys), ', ' ORDER BY formationid)
     FROM pgautofailover.formation $$;

CREATE FUNCTION transcript.id(name text) RETURNS bigint LANGUAGE sql AS
$$ SELECT nodeid FROM pgautofailover.node WHERE nodename = $1 $$;

-- A node registers. Its PGDATA has system identifier 1.
CREATE FUNCTION transcript.register(
    name text, priority int DEFAULT 100, quorum bool DEFAULT true, formation text DEFAULT 'default',
    grp int DEFAULT -1, kind text DEFAULT 'standalone', role pgautofailover.replication_state DEFAULT 'init',
    cluster text DEFAULT 'default', sysid bigint DEFAULT 1
) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    after bigint := transcript.last_event();
    formations text := transcript.formations();
    goal pgautofailover.replication_state;
BEGIN
    SELECT r.assigned_group_state INTO goal
      FROM pgautofailover.register_node(formation, 'host-' || name, 5432, 'postgres', name, sysid, -1, grp, role, kind,
                                        priority, quorum, cluster) AS r;
    INSERT INTO transcript.keeper (name, formation, lsn)
    VALUES (name, formation, CASE goal WHEN 'single' THEN '0/3000' ELSE '0/0' END::pg_lsn)
    ON CONFLICT ON CONSTRAINT keeper_pkey DO UPDATE SET tli = 1, lsn = excluded.lsn;
    RETURN QUERY SELECT transcript.changes(after, formations);
END
$$;

-- A keeper reports. What is not given is as in its last report; Postgres runs, except in states in which it is stopped.
CREATE FUNCTION transcript.report(
    name text, state pgautofailover.replication_state, lsn pg_lsn DEFAULT NULL, running bool DEFAULT NULL,
    tli int DEFAULT NULL, sync text DEFAULT NULL
) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    after bigint := transcript.last_event();
    formations text := transcript.formations();
    n pgautofailover.node;
    k transcript.keeper;
BEGIN
    UPDATE transcript.keeper AS x
       SET tli = coalesce(report.tli, x.tli), lsn = coalesce(nullif(report.lsn, '0/0'), x.lsn)
     WHERE x.name = report.name RETURNING * INTO k;
    -- who reports is also found by the health check
    UPDATE pgautofailover.node AS x SET health = 1, healthsign = 'ok', healthchecktime = now()
     WHERE x.nodename = report.name AND x.health = 0;
    SELECT * INTO n FROM pgautofailover.node AS x WHERE x.nodename = report.name;
    IF n.sessionpid <> pg_backend_pid() THEN
        -- its last session has ended: it has connected anew
        PERFORM pgautofailover.open_session(n.nodeid);
    END IF;
    IF state <> n.reportedstate AND state = n.goalstate
       AND NOT EXISTS (SELECT FROM transcript.keeper_edge AS e
                        WHERE e.reported IN ('any', n.reportedstate::text) AND e.goal = state::text) THEN
        RETURN NEXT format('no keeper can get from %s to %s', n.reportedstate, state);
    END IF;
    PERFORM pgautofailover.node_active(
        n.formationid, n.nodeid, n.groupid, state,
        coalesce(running, state NOT IN ('init', 'wait_standby', 'draining', 'demote_timeout', 'demoted',
                                        'prepare_maintenance', 'maintenance', 'dropped')),
        k.tli, coalesce(report.lsn, k.lsn),
        coalesce(sync, CASE WHEN pgautofailover.is_writable(state) THEN 'quorum' ELSE '' END));
    RETURN QUERY SELECT transcript.changes(after, formations);
END
$$;

-- All keepers do what they are told, until nobody is told anything new. The LSN of whoever follows a primary is the
-- primary's, that of a node which fetches what it lacks is the furthest one; a promotion starts a new timeline.
CREATE FUNCTION transcript.obey(VARIADIC who text[] DEFAULT NULL) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    n record;
    p record;
    idle bool;
    round int := 0;
BEGIN
    LOOP
        idle := true;
        FOR n IN SELECT x.nodename, x.goalstate, x.reportedstate, x.formationid, x.groupid
                   FROM pgautofailover.node AS x JOIN transcript.keeper AS y ON y.name = x.nodename
                  WHERE x.goalstate <> x.reportedstate AND (who IS NULL OR x.nodename = ANY (who)) ORDER BY x.nodeid LOOP
            idle := false;
            IF n.goalstate IN ('catchingup', 'secondary') THEN
                UPDATE transcript.keeper AS k SET tli = y.tli, lsn = y.lsn
                  FROM pgautofailover.node AS z JOIN transcript.keeper AS y ON y.name = z.nodename
                 WHERE k.name = n.nodename AND z.formationid = n.formationid AND z.groupid = n.groupid
                   AND pgautofailover.is_writable(z.goalstate);
            ELSIF n.goalstate = 'fast_forward' THEN
                UPDATE transcript.keeper AS k SET tli = y.node_tli, lsn = y.node_lsn
                  FROM (SELECT z.reportedtli AS node_tli, z.reportedlsn AS node_lsn FROM pgautofailover.node AS z
                         WHERE z.formationid = n.formationid AND z.groupid = n.groupid AND z.reportedstate = 'report_lsn'
                         ORDER BY z.reportedtli DESC, z.reportedlsn DESC LIMIT 1) AS y
                 WHERE k.name = n.nodename;
            ELSIF n.goalstate = 'wait_primary' AND n.reportedstate IN ('prepare_promotion', 'stop_replication')
               OR n.goalstate = 'single' AND n.reportedstate NOT IN ('init', 'single', 'primary', 'wait_primary', 'apply_settings') THEN
                UPDATE transcript.keeper AS k SET tli = k.tli + 1 WHERE k.name = n.nodename;
            END IF;
            RETURN QUERY SELECT format('%s reports %s', n.nodename, n.goalstate);
            RETURN QUERY SELECT '  ' || r FROM transcript.report(n.nodename, n.goalstate) AS r;
        END LOOP;
        -- those who were told nothing report as before, which may be what the others wait for
        FOR n IN SELECT x.nodename, x.reportedstate
                   FROM pgautofailover.node AS x JOIN transcript.keeper AS y ON y.name = x.nodename
                  WHERE x.goalstate = x.reportedstate AND x.health <> 0
                    AND (who IS NULL OR x.nodename = ANY (who)) ORDER BY x.nodeid LOOP
            PERFORM transcript.report(n.nodename, n.reportedstate);
        END LOOP;
        round := round + 1;
        EXIT WHEN round > 30 OR idle AND NOT EXISTS (
            SELECT FROM pgautofailover.node AS x JOIN transcript.keeper AS y ON y.name = x.nodename
             WHERE x.goalstate <> x.reportedstate AND (who IS NULL OR x.nodename = ANY (who)));
    END LOOP;
END
$$;

-- A group that is up and running, at LSN 0/3000: the first name is the primary.
CREATE FUNCTION transcript.group_of(VARIADIC names text[]) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY names LOOP
        PERFORM transcript.register(name);
        PERFORM transcript.obey();
    END LOOP;
    RETURN QUERY SELECT transcript.state();
END
$$;

-- All nodes: reported/assigned state.
CREATE FUNCTION transcript.state() RETURNS SETOF text LANGUAGE sql AS $$
SELECT format('%s: %s/%s', nodename, reportedstate, goalstate) FROM pgautofailover.node ORDER BY formationid, groupid, nodeid $$;

-- The nodes fall silent: no report and no answer to the health check for two hours.
CREATE FUNCTION transcript.silent(VARIADIC names text[]) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    after bigint := transcript.last_event();
    formations text := transcript.formations();
BEGIN
    UPDATE pgautofailover.node AS n
       SET reporttime = now() - interval '2 h', health = 0, healthsign = 'timeout', healthchecktime = now()
     WHERE n.nodename = ANY (names);
    PERFORM pgautofailover.tick();
    RETURN QUERY SELECT transcript.changes(after, formations);
END
$$;

-- The health check reaches the nodes again.
CREATE FUNCTION transcript.reachable(VARIADIC names text[]) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    after bigint := transcript.last_event();
    formations text := transcript.formations();
BEGIN
    UPDATE pgautofailover.node AS n SET health = 1, healthsign = 'ok', healthchecktime = now() WHERE n.nodename = ANY (names);
    PERFORM pgautofailover.tick();
    RETURN QUERY SELECT transcript.changes(after, formations);
END
$$;

-- Time passes: keepers that are not silent go on reporting.
CREATE FUNCTION transcript.time_passes(span interval) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    after bigint := transcript.last_event();
    formations text := transcript.formations();
BEGIN
    UPDATE pgautofailover.node AS n
       SET statechangetime = statechangetime - span, walreporttime = walreporttime - span,
           upstreamlost = upstreamlost - span, replication_stall_since = replication_stall_since - span,
           reportsince = reportsince - span,
           reporttime = CASE WHEN health = 0 THEN reporttime - span ELSE now() END;
    UPDATE pgautofailover.node_group AS g
       SET switchoversince = switchoversince - span, stoppedat = stoppedat - span, primarygone = primarygone - span;
    PERFORM pgautofailover.tick();
    RETURN QUERY SELECT transcript.changes(after, formations);
END
$$;

-- An operator's call: prints its result when it is worth it, and what it caused.
CREATE FUNCTION transcript.ask(call text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    after bigint := transcript.last_event();
    formations text := transcript.formations();
    result text;
BEGIN
    EXECUTE 'SELECT ' || call INTO result;
    IF result NOT IN ('t', '') AND result <> 'true' THEN
        RETURN NEXT result;
    END IF;
    RETURN QUERY SELECT transcript.changes(after, formations);
END
$$;

-- Times and durations differ from run to run.
CREATE FUNCTION transcript.masked(txt text) RETURNS text LANGUAGE sql AS $$
SELECT regexp_replace(regexp_replace($1, '\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[-+:0-9]*', '<time>', 'g'), '(\d+ days? )?\d\d:\d\d:\d\d', '<duration>', 'g') $$;

-- explain(), one paragraph for each row.
CREATE FUNCTION transcript.why(formation text DEFAULT 'default', grp int DEFAULT 0) RETURNS SETOF text LANGUAGE sql AS $$
SELECT transcript.masked(format('%s: %s', coalesce(e.node_name, 'the group'), e.doing)
       || coalesce(E'\n  waits for: ' || e.waiting_for, '')
       || coalesce(E'\n  ends: ' || e.ends, '')
       || coalesce(E'\n  do: ' || e.action, ''))
  FROM pgautofailover.explain(formation, grp) AS e $$;

-- Results of calls, recorded for the list at the end: which functions were called, and how that ended.
SET client_min_messages TO warning;
CREATE TABLE IF NOT EXISTS public.covered (
    signature text NOT NULL, outcome text NOT NULL, test text NOT NULL, PRIMARY KEY (signature, outcome, test));
RESET client_min_messages;

CREATE FUNCTION transcript.record(call text, outcome text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    -- the parser tells which functions, with which arguments, the text means
    BEGIN
        EXECUTE 'CREATE TEMP VIEW meant AS SELECT count(*) FROM (' || call || ') AS x';
    EXCEPTION WHEN OTHERS THEN
        RETURN;
    END;
    INSERT INTO public.covered
    SELECT DISTINCT substring(d.refobjid::regprocedure::text FROM '(?:pgautofailover\.)?(.*)'), outcome,
           split_part(current_setting('application_name'), '/', 2)
      FROM pg_rewrite AS r JOIN pg_depend AS d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
      JOIN pg_proc AS f ON d.refclassid = 'pg_proc'::regclass AND f.oid = d.refobjid
     WHERE r.ev_class = 'meant'::regclass AND f.pronamespace = 'pgautofailover'::regnamespace
    ON CONFLICT DO NOTHING;
    DROP VIEW meant;
END
$$;

-- The whole contents of the monitor, to see whether a call changed anything.
CREATE FUNCTION transcript.contents() RETURNS text LANGUAGE sql AS $$
SELECT md5(concat((SELECT string_agg(f::text, '|' ORDER BY f.formationid) FROM pgautofailover.formation AS f),
                  (SELECT string_agg(n::text, '|' ORDER BY n.nodeid) FROM pgautofailover.node AS n),
                  (SELECT string_agg(g::text, '|' ORDER BY g.formationid, g.groupid) FROM pgautofailover.node_group AS g),
                  (SELECT string_agg(e::text, '|' ORDER BY e.eventid) FROM pgautofailover.event AS e),
                  (SELECT string_agg(h::text, '|' ORDER BY h.nodeid, h.tli) FROM pgautofailover.node_timeline_history AS h),
                  (SELECT string_agg(a::text, '|' ORDER BY a.decided_at) FROM pgautofailover.accepted_timeline AS a),
                  (SELECT string_agg(s::text, '|' ORDER BY s.formationid, s.groupid, s.name) FROM pgautofailover.group_setting AS s),
                  (SELECT string_agg(s::text, '|' ORDER BY s.nodeid, s.name) FROM pgautofailover.node_setting AS s))) $$;

-- A call that works: prints its rows.
CREATE FUNCTION transcript.works(call text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM transcript.record(call, 'ok');
    RETURN QUERY EXECUTE 'SELECT x::text FROM (' || call || ') AS x';
    SET CONSTRAINTS ALL IMMEDIATE;
    SET CONSTRAINTS ALL DEFERRED;
END
$$;

-- A call that fails: prints SQLSTATE, message, detail and hint. Nothing may have changed.
CREATE FUNCTION transcript.fails(call text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    before text := transcript.contents();
    state text;
    message text;
    detail text;
    hint text;
BEGIN
    BEGIN
        EXECUTE call;
        SET CONSTRAINTS ALL IMMEDIATE;
        SET CONSTRAINTS ALL DEFERRED;
        RETURN NEXT 'it works, but should not';
        RETURN;
    EXCEPTION WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT,
                                detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    END;
    PERFORM transcript.record(call, state);
    RETURN NEXT format('%s: %s', state, message);
    IF detail <> '' THEN
        RETURN NEXT '  detail: ' || regexp_replace(detail, 'Failing row contains .*', 'Failing row contains <row>.');
    END IF;
    IF hint <> '' THEN
        RETURN NEXT '  hint: ' || hint;
    END IF;
    IF transcript.contents() <> before THEN
        RETURN NEXT 'but something has changed';
    END IF;
END
$$;
