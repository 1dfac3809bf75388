-- The engine: compiles the rules, takes a snapshot, applies the first rule that holds, looks again.

-- Compiles table rule into match_rule(). Called at the end of this script, and after any change of the table.
CREATE FUNCTION pgautofailover.compile_rules() RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    body text;
BEGIN
    -- The reported state is asked first, by itself: in a new session each expression is planned before its first use, and of
    -- those within a rule only the ones for a state that a node is in are ever used.
    SELECT string_agg(format(CASE WHEN r.reported IS NULL THEN E'    IF %2$s(%3$s) THEN RETURN %4$s; END IF;  -- %5$s\n'
                                  ELSE E'    IF n.reported IN (%1$s) THEN  -- %5$s\n        IF %2$s(%3$s) THEN RETURN %4$s; END IF;\n    END IF;\n' END,
                             (SELECT string_agg(quote_literal(s), ', ') FROM unnest(r.reported) AS s),
                             CASE WHEN r.converged THEN 'n.converged AND ' ELSE '' END,
                             btrim(r.condition), r.pos, r.name),
                      '' ORDER BY r.pos)
      INTO body
      FROM pgautofailover.rule AS r
     WHERE r.section <> 'api_triggered';

    EXECUTE format($f$
CREATE OR REPLACE FUNCTION pgautofailover.match_rule(
    g pgautofailover.group_fact, n pgautofailover.node_fact, p pgautofailover.node_fact,
    o pgautofailover.node_fact, w pgautofailover.node_fact, nodes pgautofailover.node_fact[],
    t pgautofailover.thresholds, at timestamptz
) RETURNS int
LANGUAGE plpgsql IMMUTABLE SET search_path = pgautofailover, pg_catalog, pg_temp
AS $body$
BEGIN
%s    RETURN NULL;
END
$body$ $f$, body);
END
$$;

-- Serialise all decisions about a group: formation first, then group. Released at the end of the transaction.
CREATE FUNCTION pgautofailover.lock_formation(formation_id text) RETURNS void
LANGUAGE plpgsql
AS $$ BEGIN PERFORM pg_advisory_xact_lock(hashtextextended(formation_id, 7102)); END $$;

CREATE FUNCTION pgautofailover.lock_group(formation_id text, group_id int) RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtextextended(formation_id, 7102));
    PERFORM pg_advisory_xact_lock(hashtextextended(formation_id, 7103 + group_id::bigint));
END
$$;

-- The sentence of a rule with the names of the nodes. One pass: a name may itself look like a place for one.
CREATE FUNCTION pgautofailover.fill_reason(reason text, n text, p text, o text, w text) RETURNS text
LANGUAGE plpgsql IMMUTABLE
AS $$
BEGIN
    RETURN format(replace(replace(replace(replace(replace(reason, '%', '%%'),
                    '{n}', '%1$s'), '{p}', '%2$s'), '{o}', '%3$s'), '{w}', '%4$s'),
                  coalesce('"' || n || '"', 'the node'), coalesce('"' || p || '"', 'the primary'),
                  coalesce('"' || o || '"', 'the old primary'), coalesce('"' || w || '"', 'the elected node'));
END
$$;

-- Keeps the list of synchronous_standby_names that the primary may have in effect. A primary reads them when it goes to
-- primary, at a moment that the monitor does not see: every value it may have read since it last confirmed one counts.
CREATE FUNCTION pgautofailover.track_sync_sets(formation_id text, group_id int, told bool DEFAULT false) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    p record;
    memory pgautofailover.node_group;
    wanted pgautofailover.sync_set;
    none CONSTANT pgautofailover.sync_set := ROW('{}', 0);
    number_sync int;
    before pgautofailover.node_group;
BEGIN
    SELECT * INTO memory FROM pgautofailover.node_group WHERE formationid = formation_id AND groupid = group_id;
    before := memory;
    SELECT n.nodeid, n.goalstate, n.reportedstate, n.reportedtli, n.reportedlsn,
           n.walreporttime >= n.statechangetime AS lsnfresh INTO p
      FROM pgautofailover.node AS n
     WHERE n.nodeid = memory.primaryid AND pgautofailover.is_writable(n.goalstate);
    IF NOT FOUND THEN
        RETURN;
    END IF;

    IF p.goalstate IN ('single', 'wait_primary') THEN
        wanted := none;
    ELSE
        SELECT f.number_sync_standbys INTO number_sync FROM pgautofailover.formation AS f WHERE f.formationid = formation_id;
        wanted := pgautofailover.wanted_sync_set(formation_id, group_id, p.nodeid, number_sync);
    END IF;

    IF p.reportedstate = p.goalstate THEN
        memory.confirmedid := p.nodeid;
    END IF;
    IF memory.syncsets[cardinality(memory.syncsets)] IS DISTINCT FROM wanted THEN
        memory.syncsets := memory.syncsets || wanted;
        memory.namesfrozen := false;
    END IF;
    IF told OR p.goalstate IN ('single', 'wait_primary') THEN
        memory.namesfrozen := true;
    END IF;
    IF p.goalstate = 'primary' AND p.reportedstate = 'demote_timeout' AND cardinality(memory.syncsets) > 1 THEN
        -- It resumes with the names it has, and does not find out whether the standbys have all that they have to: it
        -- has to apply them as a primary.
        memory.namesfrozen := false;
    END IF;

    IF p.reportedstate = p.goalstate AND memory.namesfrozen AND cardinality(memory.syncsets) > 1 AND NOT told
       AND p.goalstate IN ('single', 'wait_primary', 'primary')
       AND (wanted.number > 0 OR p.lsnfresh) THEN
        IF wanted.number = 0 THEN
            -- All that was acknowledged by standbys is older than this. A report without a position (Postgres is being
            -- started again) says nothing about that.
            memory.floortli := p.reportedtli;
            memory.floorlsn := p.reportedlsn;
        END IF;
        memory.syncsets := ARRAY[wanted];
    END IF;

    IF memory IS DISTINCT FROM before THEN
        UPDATE pgautofailover.node_group
           SET confirmedid = memory.confirmedid, syncsets = memory.syncsets, namesfrozen = memory.namesfrozen,
               floortli = memory.floortli, floorlsn = memory.floorlsn
         WHERE formationid = formation_id AND groupid = group_id;
    END IF;
END
$$;

-- Assign a goal: row, memory of the group, event, notification.
CREATE FUNCTION pgautofailover.assign(
    node_id bigint, goal pgautofailover.replication_state, rule_name text, description text,
    pos int DEFAULT NULL, section pgautofailover.fsm_section DEFAULT NULL
) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    n pgautofailover.node;
BEGIN
    SELECT * INTO n FROM pgautofailover.node WHERE nodeid = node_id;
    IF n.goalstate = goal THEN
        RETURN;
    END IF;

    UPDATE pgautofailover.node SET goalstate = goal, statechangetime = now() WHERE nodeid = node_id;

    IF pgautofailover.is_writable(goal) THEN
        IF pgautofailover.is_writable(n.goalstate) THEN
            UPDATE pgautofailover.node_group AS g SET primaryid = node_id
             WHERE g.formationid = n.formationid AND g.groupid = n.groupid
               AND g.primaryid IS DISTINCT FROM node_id;
        ELSIF goal = 'primary' THEN
            -- a primary that had stopped resumes with the standbys it had
            UPDATE pgautofailover.node_group AS g
               SET primaryid = node_id, switchoversince = NULL, switchovertarget = NULL, allowdataloss = false,
                   stoppedat = NULL, stoppedtli = NULL, stoppedlsn = NULL, primarygone = NULL
             WHERE g.formationid = n.formationid AND g.groupid = n.groupid;
        ELSE
            -- a new primary waits for nobody yet, and has all that may not be lost
            UPDATE pgautofailover.node_group AS g
               SET primaryid = node_id, switchoversince = NULL, switchovertarget = NULL, allowdataloss = false,
                   stoppedat = NULL, stoppedtli = NULL, stoppedlsn = NULL, primarygone = NULL,
                   syncsets = ARRAY[ROW('{}', 0)::pgautofailover.sync_set], namesfrozen = true,
                   floortli = CASE WHEN n.reportedlsn = '0/0' THEN g.floortli ELSE n.reportedtli END,
                   floorlsn = CASE WHEN n.reportedlsn = '0/0' THEN g.floorlsn ELSE n.reportedlsn END
             WHERE g.formationid = n.formationid AND g.groupid = n.groupid;
            -- an operator's choice of a timeline is for one election
            PERFORM pgautofailover.resolve_accepted_timeline(n.formationid, n.groupid);
        END IF;
        PERFORM pgautofailover.track_sync_sets(n.formationid, n.groupid, goal = 'primary');
    END IF;

    n.goalstate := goal;
    PERFORM pgautofailover.write_event(n, rule_name, description, pos, section);
END
$$;

-- Assign by a rule of section api_triggered, known by its name.
CREATE FUNCTION pgautofailover.assign_by_call(node_id bigint, rule_name text) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    r pgautofailover.rule;
    n pgautofailover.node := pgautofailover.get_node(node_id);
    primary_name text;
BEGIN
    SELECT * INTO STRICT r FROM pgautofailover.rule WHERE name = rule_name;
    SELECT x.nodename INTO primary_name FROM pgautofailover.node AS x
     WHERE x.formationid = n.formationid AND x.groupid = n.groupid AND pgautofailover.is_writable(x.goalstate)
     ORDER BY x.nodeid LIMIT 1;
    PERFORM pgautofailover.assign(node_id, r.goal, r.name,
                                  pgautofailover.fill_reason(r.reason, n.nodename, primary_name, NULL, NULL),
                                  r.pos, r.section);
END
$$;

-- Remove a node's row and remember what an election needs to know of it.
CREATE FUNCTION pgautofailover.forget_node(node_id bigint) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    n pgautofailover.node;
BEGIN
    DELETE FROM pgautofailover.node WHERE nodeid = node_id RETURNING * INTO n;
    UPDATE pgautofailover.node_group AS g SET primarygone = now()
     WHERE g.formationid = n.formationid AND g.groupid = n.groupid AND g.primaryid = node_id;
    UPDATE pgautofailover.node_group AS g SET issuedtli = n.reportedtli
     WHERE g.formationid = n.formationid AND g.groupid = n.groupid AND g.issuedtli < n.reportedtli;
    DELETE FROM pgautofailover.node_group AS g
     WHERE g.formationid = n.formationid AND g.groupid = n.groupid
       AND NOT EXISTS (SELECT FROM pgautofailover.node AS m
                        WHERE m.formationid = n.formationid AND m.groupid = n.groupid);
    PERFORM pgautofailover.log_message(format('Removed node %s "%s" (%s:%s) from formation "%s", group %s',
                                              n.nodeid, n.nodename, n.nodehost, n.nodeport, n.formationid, n.groupid));
END
$$;

-- Decide about a group until nothing is left to decide. The caller holds the locks. Returns how many goals changed.
CREATE FUNCTION pgautofailover.evaluate(formation_id text, group_id int) RETURNS int
LANGUAGE plpgsql
AS $$
DECLARE
    t pgautofailover.thresholds := pgautofailover.load_thresholds();
    at timestamptz := clock_timestamp();
    s record;
    n pgautofailover.node_fact;
    matched int;
    r pgautofailover.rule;
    changes int := 0;
    applied bool;
BEGIN
    LOOP
        PERFORM pgautofailover.track_sync_sets(formation_id, group_id);
        s := pgautofailover.group_snapshot(formation_id, group_id, t, at);
        applied := false;

        FOR i IN 1 .. cardinality(s.nodes) LOOP
            n := s.nodes[i];
            matched := pgautofailover.match_rule(s.g, n, s.p, s.o, s.w, s.nodes, t, at);
            CONTINUE WHEN matched IS NULL;
            SELECT * INTO r FROM pgautofailover.rule WHERE rule.pos = matched;
            IF r.name = 'removed' THEN
                PERFORM pgautofailover.forget_node(n.nodeid);
            ELSIF r.goal IS NULL OR r.goal = n.goal THEN
                CONTINUE;
            ELSE
                PERFORM pgautofailover.assign(n.nodeid, r.goal, r.name,
                            pgautofailover.fill_reason(r.reason, n.name, (s.p).name, (s.o).name, (s.w).name), r.pos, r.section);
            END IF;
            applied := true;
            changes := changes + 1;
            EXIT;
        END LOOP;

        EXIT WHEN NOT applied;
        IF changes > 50 + 10 * cardinality(s.nodes) THEN
            RAISE EXCEPTION 'the rules for formation "%", group % do not come to rest', formation_id, group_id
                  USING ERRCODE = 'internal_error',
                        DETAIL = format('The last rule was %s for node %s.', r.name, n.nodeid),
                        HINT = 'This is a defect of pgaf. Please report it with the last events of the group.';
        END IF;
    END LOOP;
    RETURN changes;
END
$$;
