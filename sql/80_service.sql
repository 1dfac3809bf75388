-- What the monitor service calls.

-- Backends that served a keeper and are gone, not yet noted.
CREATE FUNCTION pgautofailover.ended_sessions() RETURNS int[]
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    RETURN (SELECT coalesce(array_agg(n.sessionpid), '{}')
              FROM pgautofailover.node AS n
             WHERE n.sessionpid IS NOT NULL AND n.sessionlost IS NULL
               AND NOT EXISTS (SELECT FROM pg_stat_activity AS a WHERE a.pid = n.sessionpid));
END
$$;

-- Note them, in one group. The caller holds its lock: no row may be locked before that, or a report would meet it half-way.
CREATE FUNCTION pgautofailover.note_ended_sessions(formation_id text, group_id int, ended int[]) RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    IF cardinality(ended) > 0 THEN
        UPDATE pgautofailover.node AS n SET sessionlost = now()
         WHERE n.formationid = formation_id AND n.groupid = group_id
           AND n.sessionlost IS NULL AND n.sessionpid = ANY (ended);
    END IF;
END
$$;

-- Results of health checks, one element per node:
--   health   1 good, 0 bad (failures above the threshold), -1 no change
--   sign     ok | denied (answers with an error: alive) | starting | refused | reset | timeout | late (no evidence)
--   message  what the server answered
-- A change of health is an event. Groups whose facts changed are evaluated.
CREATE FUNCTION pgautofailover.report_health(node_ids bigint[], health int[], signs text[], messages text[]) RETURNS void
LANGUAGE plpgsql STRICT SECURITY DEFINER
AS $$
DECLARE
    r record;
    n pgautofailover.node;
    flipped bool;
    moved bool;
    ended int[] := pgautofailover.ended_sessions();
BEGIN
    IF cardinality(node_ids) <> cardinality(health) OR cardinality(node_ids) <> cardinality(signs)
       OR cardinality(node_ids) <> cardinality(messages) THEN
        RAISE EXCEPTION 'the four arrays must have the same length' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF EXISTS (SELECT FROM unnest(health) AS h WHERE h IS NULL OR h NOT BETWEEN -1 AND 1)
       OR EXISTS (SELECT FROM unnest(signs) AS s
                   WHERE s IS NULL OR s NOT IN ('ok', 'denied', 'starting', 'refused', 'reset', 'timeout', 'late')) THEN
        RAISE EXCEPTION 'unknown health or sign' USING ERRCODE = 'invalid_parameter_value';
    END IF;

    FOR r IN SELECT x.formationid, x.groupid, array_agg(c.id) AS ids, array_agg(c.health) AS healths,
                    array_agg(c.sign) AS signs, array_agg(c.message) AS messages
               FROM unnest(node_ids, report_health.health, signs, messages) AS c (id, health, sign, message)
               JOIN pgautofailover.node AS x ON x.nodeid = c.id
              WHERE c.sign <> 'late'
                AND (x.healthsign IS DISTINCT FROM c.sign OR (c.health <> -1 AND c.health <> x.health)
                     OR x.health = 0 OR x.sessionlost IS NOT NULL OR x.sessionpid = ANY (ended))
              GROUP BY x.formationid, x.groupid ORDER BY x.formationid, x.groupid LOOP
        PERFORM pgautofailover.lock_group(r.formationid, r.groupid);
        PERFORM pgautofailover.note_ended_sessions(r.formationid, r.groupid, ended);
        moved := false;
        FOR i IN 1 .. cardinality(r.ids) LOOP
            SELECT * INTO n FROM pgautofailover.node AS x WHERE x.nodeid = r.ids[i];
            CONTINUE WHEN NOT FOUND;
            flipped := r.healths[i] <> -1 AND r.healths[i] <> n.health;
            UPDATE pgautofailover.node AS x
               SET health = CASE WHEN r.healths[i] = -1 THEN x.health ELSE r.healths[i] END,
                   healthsign = r.signs[i], healthmessage = nullif(r.messages[i], ''), healthchecktime = now()
             WHERE x.nodeid = n.nodeid;
            IF flipped THEN
                PERFORM pgautofailover.log_message(format('Node %s "%s" (%s:%s) is marked as %s by the health check (%s)',
                            n.nodeid, n.nodename, n.nodehost, n.nodeport,
                            pgautofailover.health_text(r.healths[i]), r.signs[i]));
                -- the first check after registration only tells that the node is there
                IF NOT (n.health = -1 AND r.healths[i] = 1) THEN
                    PERFORM pgautofailover.record_event(n.nodeid, 'health_check',
                                format('"%s" is %s: health check %s', n.nodename,
                                       CASE r.healths[i] WHEN 1 THEN 'healthy' ELSE 'unhealthy' END, r.signs[i]));
                END IF;
            END IF;
            moved := moved OR flipped OR r.signs[i] NOT IN ('ok', 'denied') OR n.health = 0 OR n.sessionlost IS NOT NULL;
        END LOOP;
        IF moved THEN
            PERFORM pgautofailover.evaluate(r.formationid, r.groupid);
        END IF;
    END LOOP;

    -- Nothing changed: one update for all, at most every five seconds for a node. It comes last, and waits for nobody.
    UPDATE pgautofailover.node AS x SET healthchecktime = now()
     WHERE x.nodeid IN (SELECT y.nodeid
                          FROM unnest(node_ids, report_health.health, signs) AS c (id, health, sign)
                          JOIN pgautofailover.node AS y ON y.nodeid = c.id
                         WHERE c.sign <> 'late' AND y.healthsign = c.sign AND c.health IN (-1, y.health)
                           AND y.healthchecktime < now() - interval '5 s'
                           FOR UPDATE OF y SKIP LOCKED);
END
$$;

-- Time passes: evaluate every group in which that may matter. Returns how many groups changed.
CREATE FUNCTION pgautofailover.tick() RETURNS int
LANGUAGE plpgsql SECURITY DEFINER
AS $$
DECLARE
    g record;
    changed int := 0;
    silent interval := pgautofailover.setting_interval('node_considered_unhealthy_timeout');
    ended int[] := pgautofailover.ended_sessions();
BEGIN
    FOR g IN SELECT n.formationid, n.groupid FROM pgautofailover.node AS n
              GROUP BY n.formationid, n.groupid
             HAVING bool_or(n.goalstate <> n.reportedstate
                            OR n.goalstate NOT IN ('single', 'primary', 'secondary', 'wait_primary', 'maintenance')
                            OR n.sessionlost IS NOT NULL OR n.sessionpid = ANY (ended) OR n.upstreamlost IS NOT NULL
                            OR n.replication_stall_since IS NOT NULL
                            OR n.reporttime < clock_timestamp() - silent
                            OR n.health = 0)
                 OR NOT bool_or(n.goalstate IN ('single', 'primary', 'wait_primary'))
              ORDER BY 1, 2 LOOP
        BEGIN
            PERFORM pgautofailover.lock_group(g.formationid, g.groupid);
            PERFORM pgautofailover.note_ended_sessions(g.formationid, g.groupid, ended);
            IF pgautofailover.evaluate(g.formationid, g.groupid) > 0 THEN
                changed := changed + 1;
            END IF;
        EXCEPTION WHEN OTHERS THEN
            -- what is wrong with one group must not keep the others waiting
            RAISE WARNING 'formation "%", group % could not be evaluated: %', g.formationid, g.groupid, sqlerrm
                  USING ERRCODE = sqlstate;
        END;
    END LOOP;
    RETURN changed;
END
$$;

-- How long the next tick may wait: until the first moment within a second at which a rule may hold by the passing of
-- time alone. A failover must not wait for the full second that happens to come next.
CREATE FUNCTION pgautofailover.tick_pause() RETURNS interval
LANGUAGE plpgsql STABLE SECURITY DEFINER
AS $$
DECLARE
    t pgautofailover.thresholds := pgautofailover.load_thresholds();
    at timestamptz := clock_timestamp();
    due timestamptz;
BEGIN
    SELECT min(moment) INTO due
      FROM (SELECT n.reporttime + t.silent FROM pgautofailover.node AS n WHERE n.health = 0
            UNION ALL
            SELECT n.statechangetime + t.patience FROM pgautofailover.node AS n WHERE n.goalstate = 'report_lsn'
            UNION ALL
            SELECT unnest(ARRAY[g.switchoversince + t.drain, g.stoppedat + t.patience, g.stoppedat + 2 * t.patience])
              FROM pgautofailover.node_group AS g
             WHERE g.switchoversince IS NOT NULL OR g.stoppedat IS NOT NULL) AS moments (moment)
     WHERE moment >= at;
    RETURN CASE WHEN due IS NULL THEN interval '1 s'
                ELSE least(greatest(due - at, interval '10 ms'), interval '1 s') END;
END
$$;

-- Retention of events by age and count. Returns how many were removed.
CREATE FUNCTION pgautofailover.purge_events() RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
AS $$
DECLARE
    removed bigint;
    by_count bigint;
BEGIN
    DELETE FROM pgautofailover.event AS e
     WHERE e.eventtime < now() - pgautofailover.setting('event_retention_age')::float8 * interval '1 ms';
    GET DIAGNOSTICS removed = ROW_COUNT;
    DELETE FROM pgautofailover.event AS e
     WHERE e.eventid <= (SELECT x.eventid FROM pgautofailover.event AS x ORDER BY x.eventid DESC
                         OFFSET pgautofailover.setting('event_retention_count')::int LIMIT 1);
    GET DIAGNOSTICS by_count = ROW_COUNT;
    RETURN removed + by_count;
END
$$;
