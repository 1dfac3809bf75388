-- The heartbeat: a node reports, the group is evaluated, the answer is what the node shall be.

CREATE FUNCTION pgautofailover.node_active(
    formation_id text, node_id bigint, group_id int,
    current_group_role pgautofailover.replication_state DEFAULT 'init',
    current_pg_is_running bool DEFAULT true, current_tli int DEFAULT 1,
    current_lsn pg_lsn DEFAULT '0/0', current_rep_state text DEFAULT '',
    OUT assigned_node_id bigint, OUT assigned_group_id int,
    OUT assigned_group_state pgautofailover.replication_state,
    OUT assigned_candidate_priority int, OUT assigned_replication_quorum bool
) RETURNS record
LANGUAGE plpgsql STRICT SECURITY DEFINER
AS $$
DECLARE
    n pgautofailover.node;
    rep_state text := CASE current_rep_state WHEN '' THEN 'unknown' ELSE current_rep_state END;
    silent interval := pgautofailover.setting_interval('node_considered_unhealthy_timeout');
    settled bool;
    changed bool;
    stall timestamptz;
BEGIN
    IF rep_state NOT IN ('unknown', 'sync', 'async', 'quorum', 'potential') THEN
        RAISE EXCEPTION 'unknown replication state "%"', current_rep_state
              USING ERRCODE = 'invalid_parameter_value', HINT = 'Use sync, async, quorum, potential or unknown.';
    END IF;
    IF current_group_role = 'unknown' THEN
        RAISE EXCEPTION 'a node cannot report state unknown' USING ERRCODE = 'invalid_parameter_value';
    END IF;

    -- lock_group(), without the cost of the call
    PERFORM pg_advisory_xact_lock_shared(hashtextextended(formation_id, 7102));
    PERFORM pg_advisory_xact_lock(hashtextextended(formation_id, 7103 + group_id::bigint));

    -- The steady state takes one statement: this node is what it was told to be and was so at its last report, and so
    -- are all others. Whatever the rules say, there is nothing to decide. Everything else goes the long way below.
    IF current_group_role = 'maintenance'
       OR (current_group_role IN ('single', 'secondary') OR (current_group_role = 'primary' AND rep_state <> 'unknown'))
          AND current_pg_is_running THEN
        UPDATE pgautofailover.node AS x
           SET reporttime = now(),
               reportedrepstate = rep_state,
               reportedlsn = CASE current_lsn WHEN '0/0' THEN x.reportedlsn ELSE current_lsn END,
               walreporttime = CASE current_lsn WHEN '0/0' THEN x.walreporttime ELSE now() END
         WHERE x.nodeid = node_id AND x.formationid = formation_id AND x.groupid = group_id
           AND x.reportedstate = current_group_role AND x.goalstate = current_group_role
           AND x.reportedpgisrunning = current_pg_is_running AND current_tli IN (x.reportedtli, 0)
           AND x.reporttime >= clock_timestamp() - silent
           AND coalesce(x.sessionpid = pg_backend_pid(), true)
           AND x.sessionlost IS NULL AND x.replication_stall_since IS NULL AND x.upstreamlost IS NULL
           AND (x.health <> 0 OR current_group_role = 'maintenance')
        RETURNING x.nodeid, x.groupid, x.goalstate, x.candidatepriority, x.replicationquorum,
                  (SELECT coalesce(bool_and(o.goalstate = o.reportedstate
                                            AND o.goalstate IN ('single', 'primary', 'secondary', 'maintenance')
                                            AND o.replication_stall_since IS NULL
                                            AND (o.goalstate = 'maintenance'
                                                 OR (o.reportedpgisrunning AND o.health <> 0 AND o.sessionlost IS NULL
                                                     AND o.upstreamlost IS NULL
                                                     AND o.reporttime >= clock_timestamp() - silent))), true)
                          AND (x.goalstate IN ('single', 'primary') OR coalesce(bool_or(o.goalstate = 'primary'), false))
                     FROM pgautofailover.node AS o
                    WHERE o.formationid = x.formationid AND o.groupid = x.groupid AND o.nodeid <> x.nodeid)
                  AND NOT EXISTS (
                      SELECT FROM pgautofailover.node_group AS g
                       WHERE g.formationid = x.formationid AND g.groupid = x.groupid AND cardinality(g.syncsets) > 1)
             INTO assigned_node_id, assigned_group_id, assigned_group_state,
                  assigned_candidate_priority, assigned_replication_quorum, settled;
        IF settled THEN
            -- a position is an observation, not a decision: losing the last one in a crash costs a second
            SET LOCAL synchronous_commit TO off;
            RETURN;
        END IF;
    END IF;

    n := pgautofailover.get_node(node_id);
    IF n.formationid <> formation_id THEN
        RAISE EXCEPTION 'node % belongs to formation "%", not to "%"', node_id, n.formationid, formation_id
              USING ERRCODE = '42P17';
    END IF;
    IF n.groupid <> group_id THEN
        -- a caller that names another group is served nevertheless; a node never changes its group
        PERFORM pgautofailover.lock_group(n.formationid, n.groupid);
        n := pgautofailover.get_node(node_id);
    END IF;

    -- Reports are ordered within one session only. A report that the network delivers after the keeper has opened another
    -- session may be older than what that session said: it must neither confirm a setting nor count as a final position.
    IF n.sessionpid <> pg_backend_pid() AND current_group_role <> 'dropped' THEN
        RAISE EXCEPTION 'node % "%" reports in a newer session', n.nodeid, n.nodename
              USING ERRCODE = 'object_not_in_prerequisite_state',
                    DETAIL = format('Its keeper opened its session with backend %s, this is backend %s.',
                                    n.sessionpid, pg_backend_pid()),
                    HINT = 'Connect anew and call pgautofailover.open_session() first.';
    END IF;

    -- a primary that nobody streams from: since when
    IF current_pg_is_running AND rep_state = 'unknown' THEN
        stall := CASE WHEN current_group_role = 'primary' THEN coalesce(n.replication_stall_since, now())
                      WHEN current_group_role IN ('wait_primary', 'apply_settings') THEN n.replication_stall_since END;
    END IF;
    changed := n.reportedstate <> current_group_role
               OR n.reportedpgisrunning IS DISTINCT FROM current_pg_is_running
               OR n.reportedtli <> current_tli AND current_tli <> 0;

    UPDATE pgautofailover.node AS x
       SET reportedstate = current_group_role,
           reporttime = now(),
           reportsince = CASE WHEN x.reporttime >= clock_timestamp() - silent THEN x.reportsince ELSE now() END,
           reportedpgisrunning = current_pg_is_running,
           reportedrepstate = rep_state,
           reportedtli = CASE current_tli WHEN 0 THEN x.reportedtli ELSE current_tli END,
           reportedlsn = CASE current_lsn WHEN '0/0' THEN x.reportedlsn ELSE current_lsn END,
           walreporttime = CASE current_lsn WHEN '0/0' THEN x.walreporttime ELSE now() END,
           statechangetime = CASE WHEN x.reportedstate <> current_group_role THEN now() ELSE x.statechangetime END,
           sessionlost = NULL,
           upstreamlost = CASE WHEN current_group_role IN ('secondary', 'catchingup') THEN x.upstreamlost END,
           replication_stall_since = stall
     WHERE x.nodeid = node_id;

    -- its data were replaced by those of an older timeline, or an operator has restored them
    IF current_tli <> 0 AND current_tli < n.reportedtli THEN
        UPDATE pgautofailover.node_group AS g SET issuedtli = n.reportedtli
         WHERE g.formationid = n.formationid AND g.groupid = n.groupid AND g.issuedtli < n.reportedtli;
    END IF;

    -- the primary that was told to stop has stopped; a position of 0/0 means: not in good order
    IF NOT current_pg_is_running
       AND current_group_role IN ('draining', 'demote_timeout', 'demoted', 'prepare_maintenance', 'dropped') THEN
        UPDATE pgautofailover.node_group AS g
           SET stoppedat = now(),
               stoppedtli = CASE WHEN current_lsn <> '0/0' THEN coalesce(nullif(current_tli, 0), n.reportedtli) END,
               stoppedlsn = nullif(current_lsn, '0/0')
         WHERE g.formationid = n.formationid AND g.groupid = n.groupid AND g.primaryid = node_id
           AND g.stoppedat IS NULL AND NOT pgautofailover.is_writable(n.goalstate);
    END IF;

    IF n.reportedstate <> current_group_role THEN
        PERFORM pgautofailover.log_message(format('Node %s "%s" (%s:%s) reports state "%s"',
                    n.nodeid, n.nodename, n.nodehost, n.nodeport, current_group_role));
        PERFORM pgautofailover.record_event(node_id, 'node_active',
                    format('"%s" reports %s', n.nodename, current_group_role));
    END IF;

    IF pgautofailover.evaluate(n.formationid, n.groupid) = 0 AND NOT changed THEN
        SET LOCAL synchronous_commit TO off;
    END IF;

    SELECT x.nodeid, x.groupid, x.goalstate, x.candidatepriority, x.replicationquorum
      INTO assigned_node_id, assigned_group_id, assigned_group_state, assigned_candidate_priority, assigned_replication_quorum
      FROM pgautofailover.node AS x WHERE x.nodeid = node_id;
    IF NOT FOUND THEN
        -- it reported that its removal is complete, and its row is gone
        assigned_node_id := n.nodeid;
        assigned_group_id := n.groupid;
        assigned_group_state := 'dropped';
        assigned_candidate_priority := n.candidatepriority;
        assigned_replication_quorum := n.replicationquorum;
    END IF;
END
$$;

-- A keeper tells the monitor which backend serves it, so that the end of that session is a sign.
CREATE FUNCTION pgautofailover.open_session(node_id bigint) RETURNS void
LANGUAGE plpgsql STRICT SECURITY DEFINER
AS $$
BEGIN
    PERFORM pgautofailover.lock_node(node_id);
    UPDATE pgautofailover.node AS n SET sessionpid = pg_backend_pid(), sessionlost = NULL WHERE n.nodeid = node_id;
END
$$;

-- The node goes back to a keeper of pg_auto_failover 2.x, which opens no session: any connection may report for it again.
CREATE FUNCTION pgautofailover.close_session(node_id bigint) RETURNS void
LANGUAGE plpgsql STRICT SECURITY DEFINER
AS $$
BEGIN
    PERFORM pgautofailover.lock_node(node_id);
    UPDATE pgautofailover.node AS n SET sessionpid = NULL, sessionlost = NULL WHERE n.nodeid = node_id;
END
$$;

-- A standby's keeper tells that its replication connection to the primary broke (false) or is back (true).
CREATE FUNCTION pgautofailover.report_upstream(node_id bigint, connected bool) RETURNS void
LANGUAGE plpgsql STRICT SECURITY DEFINER
AS $$
DECLARE
    n pgautofailover.node := pgautofailover.lock_node(node_id);
    primary_id bigint;
BEGIN
    UPDATE pgautofailover.node AS x
       SET upstreamlost = CASE WHEN connected THEN NULL ELSE coalesce(x.upstreamlost, now()) END
     WHERE x.nodeid = node_id;
    IF NOT connected THEN
        SELECT x.nodeid INTO primary_id FROM pgautofailover.node AS x
         WHERE x.formationid = n.formationid AND x.groupid = n.groupid AND pgautofailover.is_writable(x.goalstate)
         ORDER BY x.nodeid LIMIT 1;
        IF FOUND THEN
            PERFORM pg_notify('check', primary_id::text);
        END IF;
    END IF;
END
$$;
